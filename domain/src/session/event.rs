use crate::agent::AgentSpec;
use crate::event::events;
use crate::model::ModelConfig;
use crate::pricing::StorageUsage;
use crate::settings::ComputeChoice;
use crate::validate::Metadata;
use crate::{AgentId, SessionId};

use super::Limits;

events! {
    SessionEvent {
        Created = "session.created" {
            session_id: SessionId,
            /// AgentCo's own name for its user.
            user_id: String,
            limits: Limits,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            model: Option<ModelConfig>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            compute: Option<ComputeChoice>,
            metadata: Metadata,
        }
        /// The fields that changed, whole.
        Updated = "session.updated" {
            #[serde(default, skip_serializing_if = "Option::is_none")]
            limits: Option<Limits>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            model: Option<ModelConfig>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            compute: Option<ComputeChoice>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            metadata: Option<Metadata>,
        }
        /// The session has room for this agent, which counts against `maxAgents` from here.
        AgentAdmitted = "session.agent_admitted" {
            agent_id: AgentId,
            spec: Box<AgentSpec>,
        }
        /// The agent has ended and counts no more.
        AgentReleased = "session.agent_released" {
            agent_id: AgentId,
        }
        /// What was kept for it in one day.
        StorageRecorded = "session.storage_recorded" {
            usage: StorageUsage,
        }
        Ended = "session.ended" {}
    }
}
