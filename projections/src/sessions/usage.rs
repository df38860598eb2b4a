use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use theazo_domain::agent::AgentEvent;
use theazo_domain::pricing::ComputePrice;
use theazo_domain::{AgentId, Pico, Timestamp};

/// What a session has used: all closed spans of its agents, and those that are open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionUsage {
    /// Of all closed spans.
    pub cost: Pico,
    /// Milliseconds of all closed spans.
    pub compute_millis: u64,
    /// Admitted and not released.
    pub active_agents: u32,
    /// The agents whose compute is billed at the moment.
    pub open: BTreeMap<AgentId, OpenSpan>,
    /// What the compute of each agent that has not ended costs.
    pub(super) prices: BTreeMap<AgentId, ComputePrice>,
}

/// Running compute that has no usage record yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenSpan {
    pub since: Timestamp,
    pub price: ComputePrice,
}

impl SessionUsage {
    /// The cost so far, with the open spans as they stand at `now`.
    pub fn cost_at(&self, now: Timestamp) -> Pico {
        let open = |span: &OpenSpan| span.price.cost(now.millis_since(span.since));
        self.cost + self.open.values().map(open).sum()
    }

    /// Milliseconds of compute so far, with the open spans as they stand at `now`.
    pub fn compute_millis_at(&self, now: Timestamp) -> u64 {
        self.compute_millis + self.open.values().map(|s| now.millis_since(s.since)).sum::<u64>()
    }

    /// Takes in an event of one of the session's agents. False when the agent runs at a price that
    /// was never said.
    pub(super) fn take(&mut self, agent: AgentId, event: &AgentEvent, at: Timestamp) -> bool {
        match event {
            AgentEvent::Created { spec, .. } => {
                self.prices.insert(agent, spec.price.clone());
            }
            AgentEvent::Provisioned { .. } | AgentEvent::Resumed { .. } => {
                let Some(price) = self.prices.get(&agent).cloned() else { return false };
                self.open.insert(agent, OpenSpan { since: at, price });
            }
            AgentEvent::Paused { .. } => {
                self.open.remove(&agent);
            }
            AgentEvent::Failed { .. } | AgentEvent::Terminated { .. } => {
                self.open.remove(&agent);
                self.prices.remove(&agent);
            }
            AgentEvent::UsageRecorded { usage, .. } => {
                self.cost += usage.cost;
                self.compute_millis += usage.compute_millis;
            }
            AgentEvent::PauseRequested { .. }
            | AgentEvent::ResumeRequested { .. }
            | AgentEvent::RequestFailed { .. }
            | AgentEvent::TerminateRequested { .. }
            | AgentEvent::PortExposed { .. }
            | AgentEvent::PortClosed { .. } => {}
        }
        true
    }
}

/// The session that an agent's event names; only these change its usage.
pub(super) fn session_of(event: &AgentEvent) -> Option<theazo_domain::SessionId> {
    match event {
        AgentEvent::Created { session_id, .. }
        | AgentEvent::Provisioned { session_id, .. }
        | AgentEvent::Failed { session_id, .. }
        | AgentEvent::Paused { session_id, .. }
        | AgentEvent::Resumed { session_id, .. }
        | AgentEvent::Terminated { session_id }
        | AgentEvent::UsageRecorded { session_id, .. } => Some(*session_id),
        AgentEvent::PauseRequested { .. }
        | AgentEvent::ResumeRequested { .. }
        | AgentEvent::RequestFailed { .. }
        | AgentEvent::TerminateRequested { .. }
        | AgentEvent::PortExposed { .. }
        | AgentEvent::PortClosed { .. } => None,
    }
}
