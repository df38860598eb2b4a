//! Snapshots: list and delete. They are made by pauses.

use axum::extract::State;
use theazo_domain::agent::{Agent, AgentState};
use theazo_domain::snapshot::{Snapshot as SnapshotAggregate, SnapshotCommand};
use theazo_domain::{SnapshotId, StreamId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::error::ApiError;
use crate::extract::{Id, Query};
use crate::page::{PageBody, PageRequest};
use crate::wire::snapshot::{ListSnapshots, Snapshot};
use crate::write::{Ok as Confirmed, Shown, Written};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(snapshot_list)).routes(routes!(snapshot_delete))
}

/// List snapshots
#[utoipa::path(
    get,
    path = "/v1/snapshots",
    tag = "snapshots",
    params(ListSnapshots),
    responses((status = 200, description = "A page of snapshots", body = PageBody<Snapshot>)),
)]
async fn snapshot_list(
    State(state): State<AppState>,
    reader: Reader,
    Query(query): Query<ListSnapshots>,
) -> Result<Shown<PageBody<Snapshot>>, ApiError> {
    let scope = reader.scope();
    let session = query.session_id.map(|id| id.to_string());
    let filters = [("sessionId", session.as_deref())];
    let cursor = query.cursor.as_deref();
    let page = PageRequest::new(&state, scope, "snapshots", &filters, query.limit, cursor)?;
    let rows = reader.models.snapshots(scope, query.session_id, page.rows()).await?;
    Ok(Shown(page.answer(rows, |row| Snapshot::from(row.value))))
}

/// Delete a snapshot
///
/// A worker removes its files. The snapshot that a paused agent resumes from cannot be deleted.
#[utoipa::path(
    delete,
    path = "/v1/snapshots/{id}",
    tag = "snapshots",
    params(("id" = String, Path, description = "`snp_…`")),
    responses(
        (status = 200, description = "It is deleted", body = Confirmed),
        (status = 409, description = "A paused agent resumes from it"),
    ),
)]
async fn snapshot_delete(
    writer: Writer,
    Id(id): Id<SnapshotId>,
) -> Result<Written<Confirmed>, ApiError> {
    must_not_be_needed(&writer, id).await?;
    let stream = StreamId::snapshot(writer.scope(), id);
    let delete = SnapshotCommand::Delete;
    let done =
        writer.commander.execute::<SnapshotAggregate>(writer.origin(), &stream, &delete).await?;
    Ok(Written::ok(&writer.caller, done.position, Confirmed::TRUE))
}

/// Its paused agent would never come back.
async fn must_not_be_needed(writer: &Writer, id: SnapshotId) -> Result<(), ApiError> {
    let (commander, scope) = (&writer.commander, writer.scope());
    let snapshot = commander.load::<SnapshotAggregate>(&StreamId::snapshot(scope, id)).await?;
    let Some(snapshot) = snapshot.state else { return Err(ApiError::not_found("snapshot")) };
    let agent = commander.load::<Agent>(&StreamId::agent(scope, snapshot.agent_id)).await?;
    let needed = |agent: &Agent| {
        agent.state == AgentState::Paused && agent.snapshot.is_some_and(|own| own.id == id)
    };
    match agent.state.filter(|agent| needed(agent)) {
        Some(agent) => Err(ApiError::conflict(format!(
            "The paused agent {} resumes from this snapshot; resume or terminate it first.",
            agent.id
        ))),
        None => Ok(()),
    }
}
