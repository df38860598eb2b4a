//! An agent's log: its events in the audit, newest first.

use axum::extract::State;
use theazo_domain::{AgentId, Scope};
use theazo_projections::{AuditEvent, AuditFilter, Page, ReadError, ReadModels, Row};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::agents;
use crate::AppState;
use crate::authority::Reader;
use crate::error::ApiError;
use crate::extract::{Id, Query};
use crate::page::{PageBody, PageRequest};
use crate::wire::agent_log::{AgentLogEntry, Level, ListAgentLogs};
use crate::write::Shown;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(agent_logs))
}

/// List an agent's log
#[utoipa::path(
    get,
    path = "/v1/agents/{id}/logs",
    tag = "agents",
    params(("id" = String, Path, description = "`agt_…`"), ListAgentLogs),
    responses((status = 200, description = "A page of the log", body = PageBody<AgentLogEntry>)),
)]
async fn agent_logs(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<AgentId>,
    Query(query): Query<ListAgentLogs>,
) -> Result<Shown<PageBody<AgentLogEntry>>, ApiError> {
    let scope = reader.scope();
    let (agent, level) = (id.to_string(), query.level.unwrap_or(Level::Info));
    let filters = [("agentId", Some(agent.as_str())), ("level", Some(level.as_str()))];
    let cursor = query.cursor.as_deref();
    let page = PageRequest::new(&state, scope, "agent logs", &filters, query.limit, cursor)?;
    agents::find(&reader, id).await?;
    let rows = entries(&reader.models, scope, id, level, page.rows()).await?;
    Ok(Shown(page.answer(rows, |row| AgentLogEntry::from(row.value))))
}

/// The entries of `level` and above: a page of each event type, merged.
async fn entries(
    models: &ReadModels,
    scope: Scope,
    agent: AgentId,
    level: Level,
    page: Page,
) -> Result<Vec<Row<AuditEvent>>, ReadError> {
    let all = AuditFilter { agent_id: Some(agent), ..AuditFilter::default() };
    let Some(types) = level.event_types() else { return models.audit(scope, all, page).await };
    let mut rows = Vec::new();
    for event_type in types {
        let filter = AuditFilter { event_type: Some(event_type.to_owned()), ..all.clone() };
        rows.extend(models.audit(scope, filter, page).await?);
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.seq));
    rows.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    Ok(rows)
}
