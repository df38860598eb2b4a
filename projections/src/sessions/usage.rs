use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use theazo_domain::agent::AgentEvent;
use theazo_domain::pricing::{ComputePrice, ModelUsage, PriceBasis, TokenUsage};
use theazo_domain::task::TaskEvent;
use theazo_domain::{AgentId, Pico, SessionId, Timestamp};

use super::Stored;

/// What a session has used: the model calls of its tasks, all closed spans of its agents, and those
/// that are open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionUsage {
    /// Of all usage records: closed spans, model calls, days of storage.
    pub cost: Pico,
    /// How much of `cost` is of model calls.
    pub model_cost: Pico,
    /// Of all model calls, also of those that are not billed.
    pub tokens: TokenUsage,
    /// Whether a call had a model without a price, so that `model_cost` is too low.
    pub unpriced: bool,
    /// Milliseconds of all closed spans.
    pub compute_millis: u64,
    /// What is kept.
    #[serde(default)]
    pub storage: Stored,
    /// Admitted and not released.
    pub active_agents: u32,
    /// The agents whose compute is billed at the moment.
    pub open: BTreeMap<AgentId, OpenSpan>,
    /// What the compute of each agent that has not ended costs.
    pub(super) meters: BTreeMap<AgentId, Meter>,
}

/// How an agent's compute is billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meter {
    price: ComputePrice,
    /// Milliseconds that may still be billed; absent where no limit asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<u64>,
    /// Milliseconds that were billed.
    billed: u64,
}

impl Meter {
    pub(super) const fn new(price: ComputePrice) -> Self {
        Self { price, left: None, billed: 0 }
    }

    fn fund(&mut self, millis: Option<u64>) {
        self.left = millis.map(|millis| millis.saturating_sub(self.billed));
    }

    fn bill(&mut self, millis: u64) {
        self.billed = self.billed.saturating_add(millis);
        self.left = self.left.map(|left| left.saturating_sub(millis));
    }
}

/// Running compute that has no usage record yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenSpan {
    pub since: Timestamp,
}

impl SessionUsage {
    /// The cost so far, with the open spans as they stand at `now`.
    pub fn cost_at(&self, now: Timestamp) -> Pico {
        self.cost + self.open_at(now).map(|(meter, millis)| meter.price.cost(millis)).sum()
    }

    /// Milliseconds of compute so far, with the open spans as they stand at `now`.
    pub fn compute_millis_at(&self, now: Timestamp) -> u64 {
        self.compute_millis + self.open_at(now).map(|(_, millis)| millis).sum::<u64>()
    }

    /// The open spans with what is billed of them, in milliseconds, as they stand at `now`.
    fn open_at(&self, now: Timestamp) -> impl Iterator<Item = (&Meter, u64)> {
        self.open.iter().filter_map(move |(agent, span)| {
            let meter = self.meters.get(agent)?;
            let at_most = meter.left.unwrap_or(u64::MAX);
            Some((meter, now.millis_since(span.since).min(at_most)))
        })
    }

    /// Takes in an event of one of the session's agents. False when the agent runs at a price that
    /// was never said.
    pub(super) fn take(&mut self, agent: AgentId, event: &AgentEvent, at: Timestamp) -> bool {
        match event {
            AgentEvent::Created { spec, funded_millis, .. } => {
                let mut meter = Meter::new(spec.price.clone());
                meter.fund(*funded_millis);
                self.meters.insert(agent, meter);
            }
            AgentEvent::ComputeFunded { millis, .. } => {
                if let Some(meter) = self.meters.get_mut(&agent) {
                    meter.fund(*millis);
                }
            }
            AgentEvent::Provisioned { .. }
            | AgentEvent::Resumed { .. }
            | AgentEvent::Recovered { .. } => {
                if !self.meters.contains_key(&agent) {
                    return false;
                }
                self.open.insert(agent, OpenSpan { since: at });
            }
            AgentEvent::Paused { .. } => {
                self.open.remove(&agent);
                if let Some(meter) = self.meters.get_mut(&agent) {
                    meter.left = meter.left.map(|_| 0);
                }
            }
            AgentEvent::Failed { .. }
            | AgentEvent::Terminated { .. }
            | AgentEvent::Completed { .. } => {
                self.open.remove(&agent);
                self.meters.remove(&agent);
            }
            AgentEvent::UsageRecorded { usage, .. } => {
                self.cost += usage.cost;
                self.compute_millis += usage.compute_millis;
                // The rest of the commit says whether it runs on.
                if let Some(span) = self.open.get_mut(&agent) {
                    span.since = usage.until;
                }
                if let Some(meter) = self.meters.get_mut(&agent) {
                    meter.bill(usage.compute_millis);
                }
            }
            // The tasks tell what their model calls cost, as it comes about.
            AgentEvent::RunStarted { .. }
            | AgentEvent::RunEnded { .. }
            | AgentEvent::PauseRequested { .. }
            | AgentEvent::ResumeRequested { .. }
            | AgentEvent::RequestFailed { .. }
            | AgentEvent::CompleteRequested {}
            | AgentEvent::Placed { .. }
            | AgentEvent::TerminateRequested { .. }
            | AgentEvent::PortExposed { .. }
            | AgentEvent::PortClosed { .. } => {}
        }
        true
    }

    /// Takes in a model call.
    pub(super) fn take_model(&mut self, usage: &ModelUsage) {
        self.cost += usage.cost;
        self.model_cost += usage.cost;
        self.tokens = self.tokens.plus(usage.tokens);
        self.unpriced |= usage.basis == PriceBasis::Unpriced;
    }
}

/// What a task's event adds to the usage of the session that it names.
pub(super) fn model_usage(event: &TaskEvent) -> Option<(SessionId, &ModelUsage)> {
    match event {
        TaskEvent::ModelCallCompleted { session_id, usage, .. }
        | TaskEvent::ModelCallFailed { session_id, usage: Some(usage), .. } => {
            Some((*session_id, usage))
        }
        _ => None,
    }
}

/// The session that an agent's event names; only these change its usage.
pub(super) fn session_of(event: &AgentEvent) -> Option<SessionId> {
    match event {
        AgentEvent::Created { session_id, .. }
        | AgentEvent::Provisioned { session_id, .. }
        | AgentEvent::Failed { session_id, .. }
        | AgentEvent::Paused { session_id, .. }
        | AgentEvent::Resumed { session_id, .. }
        | AgentEvent::Recovered { session_id, .. }
        | AgentEvent::Completed { session_id }
        | AgentEvent::Terminated { session_id }
        | AgentEvent::ComputeFunded { session_id, .. }
        | AgentEvent::UsageRecorded { session_id, .. } => Some(*session_id),
        AgentEvent::RunStarted { .. }
        | AgentEvent::RunEnded { .. }
        | AgentEvent::Placed { .. }
        | AgentEvent::PauseRequested { .. }
        | AgentEvent::ResumeRequested { .. }
        | AgentEvent::RequestFailed { .. }
        | AgentEvent::CompleteRequested {}
        | AgentEvent::TerminateRequested { .. }
        | AgentEvent::PortExposed { .. }
        | AgentEvent::PortClosed { .. } => None,
    }
}
