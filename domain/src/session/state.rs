use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::ModelConfig;
use crate::settings::ComputeChoice;
use crate::validate::Metadata;
use crate::{AgentId, Aggregate, Ctx, Day, Event, Kind, Rejection, SessionId, Timestamp};

use super::{Limits, SessionCommand, SessionEvent, decide};

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
    /// Admitted and not released: what `maxAgents` counts.
    pub agents: BTreeSet<AgentId>,
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
        _: Ctx,
    ) -> Result<Vec<SessionEvent>, Rejection> {
        decide::decide(state, command)
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
                agents: BTreeSet::new(),
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
}

impl Session {
    fn after(mut self, event: &SessionEvent, at: Timestamp) -> Self {
        match event {
            SessionEvent::Created { .. } => return self,
            SessionEvent::Updated { limits, model, compute, metadata } => {
                self.limits = limits.clone().unwrap_or(self.limits);
                self.model = model.clone().or(self.model);
                self.compute = compute.clone().or(self.compute);
                self.metadata = metadata.clone().unwrap_or(self.metadata);
            }
            SessionEvent::AgentAdmitted { agent_id, .. } => {
                self.agents.insert(*agent_id);
            }
            SessionEvent::AgentReleased { agent_id } => {
                self.agents.remove(agent_id);
            }
            SessionEvent::StorageRecorded { usage } => {
                self.stored_until = Some(usage.day);
                return self;
            }
            SessionEvent::Ended {} => self.status = SessionStatus::Ended,
        }
        self.updated_at = at;
        self
    }
}
