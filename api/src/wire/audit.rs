//! The audit trail as the API shows it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use theazo_domain::{Actor, AgentId, CommitId, Kind, RequestId, SessionId, Timestamp};
use theazo_log::{Hash, Position};
use theazo_projections::{AuditEvent, AuditFilter};
use utoipa::{IntoParams, ToSchema};

use super::common::When;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListEvents {
    /// An RFC 3339 time or a date: at this time or later.
    #[param(value_type = Option<String>)]
    pub from: Option<When>,
    /// An RFC 3339 time or a date: before this time.
    #[param(value_type = Option<String>)]
    pub until: Option<When>,
    /// Who caused it: `key:key_…`, `system:<part>` or `cli`.
    #[param(value_type = Option<String>)]
    pub actor: Option<Actor>,
    /// An event's type: `session.created`.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    pub event_type: Option<String>,
    #[param(value_type = Option<String>)]
    pub session_id: Option<SessionId>,
    #[param(value_type = Option<String>)]
    pub agent_id: Option<AgentId>,
    pub task_id: Option<String>,
    pub user_id: Option<String>,
    #[param(value_type = Option<String>)]
    pub request_id: Option<RequestId>,
    /// 1 to 100; 25 when absent.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}

impl ListEvents {
    pub fn filter(&self) -> AuditFilter {
        AuditFilter {
            from: self.from.map(|when| when.0),
            until: self.until.map(|when| when.0),
            actor: self.actor.as_ref().map(Actor::to_string),
            event_type: self.event_type.clone(),
            session_id: self.session_id,
            agent_id: self.agent_id,
            task_id: self.task_id.clone(),
            user_id: self.user_id.clone(),
            request_id: self.request_id,
        }
    }
}

/// One event: something that happened, and who caused it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Of the commit and its place in it: unique for ever.
    #[schema(example = "evt_01KAMQ7W7DXK8Q9S8XJ0V3T5RB-0")]
    id: String,
    #[serde(rename = "type")]
    #[schema(example = "session.created")]
    event_type: String,
    /// Its commit's place in the log.
    #[schema(value_type = u64)]
    position: Position,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    #[schema(value_type = String, example = "key:key_01KAMQ7W7DXK8Q9S8XJ0V3T5RB")]
    actor: Actor,
    /// What it happened to.
    #[schema(value_type = String, example = "session")]
    kind: &'static str,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    session_id: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    agent_id: Option<AgentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// The request that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    request_id: Option<RequestId>,
    #[schema(value_type = String)]
    commit_id: CommitId,
    /// The event's own data; secrets are left out of it.
    #[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>)]
    data: Box<RawValue>,
}

impl From<AuditEvent> for Event {
    fn from(event: AuditEvent) -> Self {
        Self {
            id: format!("{}-{}", event.commit_id, event.ordinal),
            event_type: event.event_type,
            position: event.position,
            time: event.time,
            actor: event.actor,
            kind: event.kind.as_str(),
            key: event.stream_key,
            session_id: event.session_id,
            agent_id: event.agent_id,
            task_id: event.task_id,
            user_id: event.user_id,
            request_id: event.request_id,
            commit_id: event.commit_id,
            data: event.data,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AsOf {
    /// An RFC 3339 time, a date, or a position in the log; now when absent.
    pub at: Option<String>,
}

/// A thing as it was.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StateAsOf {
    #[schema(value_type = String, example = "session")]
    kind: &'static str,
    id: String,
    /// The commit that made it so.
    #[schema(value_type = u64)]
    position: Position,
    /// When it became so.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Without ciphertexts and hashes.
    #[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>)]
    state: Box<RawValue>,
}

impl StateAsOf {
    pub fn new(
        (kind, id): (Kind, String),
        position: Position,
        at: Timestamp,
        state: Box<RawValue>,
    ) -> Self {
        Self { kind: kind.as_str(), id, position, at, state }
    }
}

/// What a verification of the hash chain found.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Whether everything is as it was written.
    pub ok: bool,
    /// Commits that were found to be as they were written.
    pub commits: u64,
    /// The last of them.
    #[schema(value_type = u64)]
    pub position: Position,
    /// The rolling hash of all of them, in hex.
    #[schema(value_type = String)]
    #[serde(serialize_with = "hex")]
    pub hash: Hash,
    /// Signed checkpoints that were compared.
    pub checkpoints: u64,
    /// The first commit that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<Broken>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Broken {
    #[schema(value_type = u64)]
    pub position: Position,
    pub reason: String,
}

fn hex<S: serde::Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(hash)
}
