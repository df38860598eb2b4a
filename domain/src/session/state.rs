use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::aggregate::SMALL;
use crate::model::ModelConfig;
use crate::settings::ComputeChoice;
use crate::validate::Metadata;
use crate::{AgentId, Aggregate, Ctx, Day, Event, Kind, Payload, Rejection, SessionId, Timestamp};

use super::{Budget, Limits, SessionCommand, SessionEvent, decide};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionStatus {
    Active,
    Paused,
    Ended,
}

impl SessionStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            SessionStatus::Active => "active",
            SessionStatus::Paused => "paused",
            SessionStatus::Ended => "ended",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub id: SessionId,
    pub user_id: String,
    pub status: SessionStatus,
    pub limits: Limits,
    pub model: Option<ModelConfig>,
    pub compute: Option<ComputeChoice>,
    pub metadata: Metadata,
    /// The URL that is told when a limit is near or reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Payload>,
    /// Admitted and not released: what `maxAgents` counts.
    pub agents: BTreeSet<AgentId>,
    #[serde(default, skip_serializing_if = "Budget::is_empty")]
    pub budget: Budget,
    /// The last day whose storage is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_until: Option<Day>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Aggregate for Session {
    const KIND: Kind = Kind::Session;
    type Command = SessionCommand;
    type Event = SessionEvent;

    fn decide(
        state: Option<&Self>,
        command: &SessionCommand,
        ctx: Ctx,
    ) -> Result<Vec<SessionEvent>, Rejection> {
        decide::decide(state, command, ctx)
    }

    fn evolve(state: Option<Self>, event: &SessionEvent, at: Timestamp) -> Option<Self> {
        match (state, event) {
            (
                None,
                SessionEvent::Created { session_id, user_id, limits, model, compute, metadata },
            ) => Some(Session {
                id: *session_id,
                user_id: user_id.clone(),
                status: SessionStatus::Active,
                limits: limits.clone(),
                model: model.clone(),
                compute: compute.clone(),
                metadata: metadata.clone(),
                webhook: None,
                agents: BTreeSet::new(),
                budget: Budget::default(),
                stored_until: None,
                created_at: at,
                updated_at: at,
            }),
            (Some(session), event) => Some(session.after(event, at)),
            (None, _) => None,
        }
    }

    fn own(event: &Event) -> Option<&SessionEvent> {
        if let Event::Session(e) = event { Some(e) } else { None }
    }

    fn weight(&self) -> usize {
        let webhook = self.webhook.as_ref().map_or(0, Payload::weight);
        SMALL + webhook + self.budget.weight() + 40 * self.agents.len()
    }
}

impl Session {
    pub(super) fn after(mut self, event: &SessionEvent, at: Timestamp) -> Self {
        match event {
            SessionEvent::Created { .. } => return self,
            SessionEvent::Updated { limits, model, compute, metadata } => {
                if let Some(limits) = limits {
                    self.limited(limits);
                }
                self.model = model.clone().or(self.model);
                self.compute = compute.clone().or(self.compute);
                self.metadata = metadata.clone().unwrap_or(self.metadata);
            }
            SessionEvent::WebhookSet { webhook } => self.webhook.clone_from(webhook),
            SessionEvent::AgentAdmitted { agent_id, spec } => {
                self.agents.insert(*agent_id);
                self.budget.open(*agent_id, spec.cost_cap_pico());
            }
            SessionEvent::AgentReleased { agent_id, run_open } => {
                self.agents.remove(agent_id);
                self.budget.release(*agent_id, *run_open);
            }
            SessionEvent::ReservationChanged { agent_id, spender, told } => {
                self.budget.take(*agent_id, *spender, told);
                return self;
            }
            SessionEvent::StorageRecorded { usage } => {
                self.stored_until = Some(usage.day);
                self.budget.spent.add(usage.day, usage.cost);
                return self;
            }
            SessionEvent::LimitWarning { notice } | SessionEvent::LimitReached { notice } => {
                self.budget.note(notice.clone());
                return self;
            }
            SessionEvent::Paused { .. } if self.status == SessionStatus::Active => {
                self.status = SessionStatus::Paused;
            }
            SessionEvent::Resumed {} if self.status == SessionStatus::Paused => {
                self.status = SessionStatus::Active;
            }
            SessionEvent::Paused { .. } | SessionEvent::Resumed {} => return self,
            SessionEvent::Ended {} => self.status = SessionStatus::Ended,
        }
        self.updated_at = at;
        self
    }

    fn limited(&mut self, limits: &Limits) {
        let was_bound = self.limits.bound_spending();
        self.limits = limits.clone();
        if !self.limits.bound_spending() {
            self.budget.unknown.clear();
        } else if !was_bound {
            // What they have used so far was not told.
            self.budget.unknown = self.agents.clone();
        }
    }
}
