use serde_json::value::RawValue;
use theazo_domain::{
    Actor, AgentId, CATALOGUE, CommitId, Kind, RequestId, Scope, SessionId, Timestamp,
};
use theazo_log::Position;

use crate::dialect::DbRow;
use crate::dialect::Statement;
use crate::query::{Sql, cursor, read_u64, unreadable};
use crate::{Model, Page, ReadError, ReadModels, Row};

use super::PER_COMMIT;

/// One event as the audit shows it.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    /// The commit that the event is in, and its place there, from 0.
    pub commit_id: CommitId,
    pub ordinal: u32,
    pub position: Position,
    pub time: Timestamp,
    pub actor: Actor,
    pub event_type: String,
    /// The stream: its kind and its key.
    pub kind: Kind,
    pub stream_key: String,
    pub session_id: Option<SessionId>,
    pub agent_id: Option<AgentId>,
    pub user_id: Option<String>,
    pub task_id: Option<String>,
    pub request_id: Option<RequestId>,
    /// The event's data, without ciphertexts and hashes.
    pub data: Box<RawValue>,
}

/// Which events to list; every field that is set must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// At this time or later.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// An actor's text, whole: `key:key_…`, `system:worker`, `cli`.
    pub actor: Option<String>,
    pub event_type: Option<String>,
    pub session_id: Option<SessionId>,
    pub agent_id: Option<AgentId>,
    pub task_id: Option<String>,
    pub user_id: Option<String>,
    pub request_id: Option<RequestId>,
}

impl ReadModels {
    /// The events of a tenant, newest first.
    pub async fn audit(
        &self,
        scope: Scope,
        filter: AuditFilter,
        page: Page,
    ) -> Result<Vec<Row<AuditEvent>>, ReadError> {
        self.check(Model::Audit)?;
        let session = match (filter.session_id, filter.agent_id) {
            (Some(id), _) => Some(id.to_string()),
            // The index is by session: the agent tells which.
            (None, Some(agent)) => match self.audit_session_of(scope, agent).await? {
                Some(session) => Some(session),
                None => return Ok(vec![]),
            },
            (None, None) => None,
        };
        let mut sql = Sql::new("SELECT * FROM audit WHERE 1=1".to_owned());
        sql.push_scope(scope);
        if let Some(from) = filter.from {
            sql.push(" AND time >= ").bind(from.as_millis());
        }
        if let Some(until) = filter.until {
            sql.push(" AND time < ").bind(until.as_millis());
        }
        let texts = [
            (" AND session_id = ", session),
            (" AND agent_id = ", filter.agent_id.map(|id| id.to_string())),
            (" AND actor = ", filter.actor),
            (" AND event_type = ", filter.event_type),
            (" AND task_id = ", filter.task_id),
            (" AND user_id = ", filter.user_id),
            (" AND request_id = ", filter.request_id.map(|id| id.to_string())),
        ];
        for (condition, value) in texts {
            if let Some(value) = value {
                sql.push(condition).bind(value);
            }
        }
        if let Some(before) = page.before {
            sql.push(" AND seq < ").bind(cursor(before));
        }
        sql.push(" ORDER BY seq DESC LIMIT ").bind(i64::from(page.limit));
        let rows = sql.rows(self).await?;
        rows.iter().map(read).collect()
    }

    async fn audit_session_of(
        &self,
        scope: Scope,
        agent: AgentId,
    ) -> Result<Option<String>, ReadError> {
        let sql = "SELECT session_id FROM audit_subjects \
                   WHERE tenant = (SELECT number FROM tenants WHERE org = $1 AND mode = $2) \
                   AND id = $3";
        let select = Statement::new(sql)
            .bind(scope.org.to_string())
            .bind(scope.mode.as_str())
            .bind(agent.to_string());
        let row = self.readers().row(select).await?;
        Ok(row.map(|row| row.text(0).map(str::to_owned)).transpose()?)
    }
}

fn read(row: &DbRow) -> Result<Row<AuditEvent>, ReadError> {
    let seq = read_u64(row, "seq")?;
    let position = Position(seq / PER_COMMIT);
    let text = |column: &'static str| row.text(column);
    let some = |column: &'static str| row.some_text(column);
    let owned = |column: &'static str| row.text(column).map(str::to_owned);
    let event_type = owned("event_type")?;
    // An event is always in a stream of its own kind.
    let kind = CATALOGUE
        .iter()
        .find(|(_, types)| types.contains(&event_type.as_str()))
        .map(|(kind, _)| *kind)
        .ok_or_else(|| unreadable(format!("`{event_type}` is of no kind")))?;
    let value = AuditEvent {
        commit_id: text("commit_id")?.parse().map_err(unreadable)?,
        ordinal: u32::try_from(seq % PER_COMMIT).map_err(unreadable)?,
        position,
        time: Timestamp::from_millis(row.integer("time")?),
        actor: text("actor")?.parse().map_err(unreadable)?,
        event_type,
        kind,
        stream_key: owned("stream_key")?,
        session_id: some("session_id")?.map(str::parse).transpose().map_err(unreadable)?,
        agent_id: some("agent_id")?.map(str::parse).transpose().map_err(unreadable)?,
        user_id: some("user_id")?.map(str::to_owned),
        task_id: some("task_id")?.map(str::to_owned),
        request_id: some("request_id")?.map(str::parse).transpose().map_err(unreadable)?,
        data: RawValue::from_string(owned("body")?).map_err(unreadable)?,
    };
    Ok(Row { seq, revision: position, value })
}
