//! Sessions as the API takes and shows them.

use serde::{Deserialize, Deserializer, Serialize};
use theazo_domain::model::ModelConfig;
use theazo_domain::session::{self, CreateSession, Limits, SessionPatch, SessionStatus};
use theazo_domain::settings::ComputeChoice;
use theazo_domain::validate::Metadata;
use theazo_domain::{Money, Payload, SessionId, Timestamp};
use theazo_projections::SessionUsage;
use utoipa::{IntoParams, ToSchema};

use super::common;

/// A new session for one of your users.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateSessionBody {
    /// Your own name for the user. Opaque to us.
    #[schema(min_length = 1, max_length = 256, example = "user_123")]
    user_id: String,
    #[schema(value_type = Option<common::Limits>)]
    limits: Option<Limits>,
    /// The model of its agents that name none.
    #[schema(value_type = Option<common::Model>)]
    model: Option<ModelConfig>,
    /// Where its agents run that do not say.
    #[schema(value_type = Option<common::Compute>)]
    compute: Option<ComputeChoice>,
    #[schema(value_type = Option<common::Metadata>, example = json!({ "plan": "pro" }))]
    metadata: Option<Metadata>,
    /// Told when four fifths of a limit are used, and when one is reached.
    #[schema(example = "https://your-api.com/webhooks/limits")]
    pub webhook: Option<String>,
}

/// What a session is created with, or what of it is changed. An absent field stays as it is; a
/// given one is replaced whole.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionOptions {
    #[schema(value_type = Option<common::Limits>)]
    limits: Option<Limits>,
    /// The model of its agents that name none.
    #[schema(value_type = Option<common::Model>)]
    model: Option<ModelConfig>,
    /// Where its agents run that do not say.
    #[schema(value_type = Option<common::Compute>)]
    compute: Option<ComputeChoice>,
    #[schema(value_type = Option<common::Metadata>, example = json!({ "plan": "pro" }))]
    metadata: Option<Metadata>,
    /// Told when four fifths of a limit are used, and when one is reached; `null`: nobody is told
    /// any more.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "https://your-api.com/webhooks/limits")]
    webhook: Option<Option<String>>,
}

/// A field that is `null` is given, too.
fn given<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Option<String>>, D::Error> {
    Deserialize::deserialize(field).map(Some)
}

impl CreateSessionBody {
    pub fn model(&self) -> Option<&ModelConfig> {
        self.model.as_ref()
    }

    pub fn into_command(self, session_id: SessionId) -> CreateSession {
        let Self { user_id, limits, model, compute, metadata, webhook: _ } = self;
        let options = SessionOptions { limits, model, compute, metadata, webhook: None };
        options.into_command(session_id, user_id)
    }
}

impl SessionOptions {
    pub fn model(&self) -> Option<&ModelConfig> {
        self.model.as_ref()
    }

    /// The URL that is given.
    pub fn webhook(&self) -> Option<&str> {
        self.webhook.as_ref()?.as_deref()
    }

    /// Without its webhook, which is to be sealed.
    pub fn into_command(self, session_id: SessionId, user_id: String) -> CreateSession {
        CreateSession {
            session_id,
            user_id,
            limits: self.limits.unwrap_or_default(),
            model: self.model,
            compute: self.compute,
            metadata: self.metadata.unwrap_or_default(),
            webhook: None,
        }
    }

    /// With its webhook sealed.
    pub fn into_patch(self, webhook: Option<Payload>) -> SessionPatch {
        SessionPatch {
            webhook: self.webhook.map(|_| webhook),
            limits: self.limits,
            model: self.model,
            compute: self.compute,
            metadata: self.metadata,
        }
    }
}

/// Where a session is in its life. One that has reached `maxComputeMinutes` is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SessionStatus)]
pub enum Status {
    Active,
    Paused,
    Ended,
}

impl Status {
    pub const fn domain(self) -> SessionStatus {
        match self {
            Status::Active => SessionStatus::Active,
            Status::Paused => SessionStatus::Paused,
            Status::Ended => SessionStatus::Ended,
        }
    }
}

impl From<SessionStatus> for Status {
    fn from(status: SessionStatus) -> Self {
        match status {
            SessionStatus::Active => Status::Active,
            SessionStatus::Paused => Status::Paused,
            SessionStatus::Ended => Status::Ended,
        }
    }
}

/// What a session has used so far, with what is running now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    #[schema(value_type = common::Money)]
    cost: Money,
    compute_minutes: f64,
    /// Agents that have not ended.
    active_agents: u32,
}

impl Usage {
    pub fn at(usage: &SessionUsage, now: Timestamp) -> Self {
        Self {
            cost: usage.cost_at(now).to_money(),
            compute_minutes: common::minutes(usage.compute_millis_at(now)),
            active_agents: usage.active_agents,
        }
    }
}

/// The isolation, limits and bill of one of your users.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session<'a> {
    #[schema(value_type = String, example = "ses_01KAMQ7W7DXK8Q9S8XJ0V3T5RB")]
    id: SessionId,
    #[schema(example = "user_123")]
    user_id: &'a str,
    status: Status,
    #[schema(value_type = common::Limits)]
    limits: &'a Limits,
    usage: Usage,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<common::Model>)]
    model: Option<&'a ModelConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<common::Compute>)]
    compute: Option<&'a ComputeChoice>,
    #[schema(value_type = common::Metadata)]
    metadata: &'a Metadata,
    /// Whether a webhook is told of its limits; absent when none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<bool>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl<'a> Session<'a> {
    pub fn of(session: &'a session::Session, usage: Usage) -> Self {
        Self {
            id: session.id,
            user_id: &session.user_id,
            status: session.status.into(),
            limits: &session.limits,
            usage,
            model: session.model.as_ref(),
            compute: session.compute.as_ref(),
            metadata: &session.metadata,
            webhook: session.webhook.is_some().then_some(true),
            created_at: session.created_at,
            updated_at: session.updated_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSessions {
    /// Only the sessions of this user.
    pub user_id: Option<String>,
    #[param(inline)]
    pub status: Option<Status>,
    /// 1 to 100; 25 when absent.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}
