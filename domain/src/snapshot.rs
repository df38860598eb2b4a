//! A snapshot: an agent's files as they were at a pause.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::providers::ProviderKind;
use crate::{AgentId, Aggregate, Ctx, Event, Kind, Rejection, SessionId, SnapshotId, Timestamp};

events! {
    SnapshotEvent {
        Created = "snapshot.created" {
            snapshot_id: SnapshotId,
            session_id: SessionId,
            agent_id: AgentId,
            provider: ProviderKind,
            /// Bytes.
            size: u64,
        }
        Deleted = "snapshot.deleted" {
            /// Absent in events of before it was said.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            session_id: Option<SessionId>,
            /// Bytes that are kept no more.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            size: Option<u64>,
        }
    }
}

#[derive(Debug, Clone)]
pub enum SnapshotCommand {
    Create {
        snapshot_id: SnapshotId,
        session_id: SessionId,
        agent_id: AgentId,
        provider: ProviderKind,
        size: u64,
    },
    Delete,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    pub id: SnapshotId,
    pub session_id: SessionId,
    pub agent_id: AgentId,
    pub provider: ProviderKind,
    pub size: u64,
    pub created_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
}

impl Aggregate for Snapshot {
    const KIND: Kind = Kind::Snapshot;
    type Command = SnapshotCommand;
    type Event = SnapshotEvent;

    fn decide(
        state: Option<&Self>,
        command: &SnapshotCommand,
        _: Ctx,
    ) -> Result<Vec<SnapshotEvent>, Rejection> {
        match (state, command) {
            (
                None,
                SnapshotCommand::Create { snapshot_id, session_id, agent_id, provider, size },
            ) => Ok(vec![SnapshotEvent::Created {
                snapshot_id: *snapshot_id,
                session_id: *session_id,
                agent_id: *agent_id,
                provider: *provider,
                size: *size,
            }]),
            // A worker that repeats a pause after a crash made the same snapshot.
            (Some(_), SnapshotCommand::Create { .. }) => Ok(vec![]),
            (Some(s), SnapshotCommand::Delete) if s.deleted_at.is_none() => {
                let (session_id, size) = (Some(s.session_id), Some(s.size));
                Ok(vec![SnapshotEvent::Deleted { session_id, size }])
            }
            (_, SnapshotCommand::Delete) => Err(Rejection::not_found("snapshot")),
        }
    }

    fn evolve(state: Option<Self>, event: &SnapshotEvent, at: Timestamp) -> Option<Self> {
        match (state, event) {
            (
                None,
                SnapshotEvent::Created { snapshot_id, session_id, agent_id, provider, size },
            ) => Some(Snapshot {
                id: *snapshot_id,
                session_id: *session_id,
                agent_id: *agent_id,
                provider: *provider,
                size: *size,
                created_at: at,
                deleted_at: None,
            }),
            (Some(s), SnapshotEvent::Deleted { .. }) if s.deleted_at.is_none() => {
                Some(Snapshot { deleted_at: Some(at), ..s })
            }
            (state, _) => state,
        }
    }

    fn own(event: &Event) -> Option<&SnapshotEvent> {
        if let Event::Snapshot(e) = event { Some(e) } else { None }
    }
}
