use crate::agent::AgentSpec;
use crate::event::events;
use crate::model::ModelConfig;
use crate::pricing::StorageUsage;
use crate::settings::ComputeChoice;
use crate::validate::Metadata;
use crate::{AgentId, Payload, SessionId};

use super::{LimitKind, Limits, Notice, Spender, Told};

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
        /// Who is told when a limit is near or reached; nobody, when it is absent.
        WebhookSet = "session.webhook_set" {
            #[serde(default, skip_serializing_if = "Option::is_none")]
            webhook: Option<Payload>,
        }
        /// The session has room for this agent, which counts against `maxAgents` from here.
        AgentAdmitted = "session.agent_admitted" {
            agent_id: AgentId,
            spec: Box<AgentSpec>,
        }
        /// The agent has ended and counts no more.
        AgentReleased = "session.agent_released" {
            agent_id: AgentId,
            /// The costs of its last run are told later.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            run_open: bool,
        }
        /// A spender told what it has used, and has so much reserved from here.
        ReservationChanged = "session.reservation_changed" {
            agent_id: AgentId,
            spender: Spender,
            #[serde(flatten)]
            told: Told,
        }
        /// Four fifths of a limit are used.
        LimitWarning = "session.limit_warning" {
            #[serde(flatten)]
            notice: Notice,
        }
        /// What was asked for did not fit in what is left of a limit.
        LimitReached = "session.limit_reached" {
            #[serde(flatten)]
            notice: Notice,
        }
        /// Its agents are paused, and no work begins, until the limit is raised.
        Paused = "session.paused" {
            by: LimitKind,
        }
        /// The limit was raised.
        Resumed = "session.resumed" {}
        /// What was kept for it in one day.
        StorageRecorded = "session.storage_recorded" {
            usage: StorageUsage,
        }
        Ended = "session.ended" {}
    }
}
