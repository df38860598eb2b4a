//! Pause, resume and terminate: the intent is committed, then the answer waits for what a worker
//! makes of it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use theazo_commands::Origin;
use theazo_commands::agent::new_snapshot_id;
use theazo_domain::agent::{Agent as AgentAggregate, AgentCommand, AgentState, Pending};
use theazo_domain::providers::ProviderKind;
use theazo_domain::snapshot::Snapshot;
use theazo_domain::{AgentId, SnapshotId, StreamId};
use theazo_log::Position;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::agents::shown;
use crate::AppState;
use crate::authority::Writer;
use crate::error::{ApiError, ErrorCode};
use crate::extract::{Empty, Id, Json};
use crate::wire::agent::{Agent, ResumeAgent};
use crate::write::{Ok as Confirmed, Written};

/// How long a pause or a resume may take while its caller waits.
const PAUSE_PATIENCE: Duration = Duration::from_secs(60);
const TERMINATE_PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(agent_pause))
        .routes(routes!(agent_resume))
        .routes(routes!(agent_terminate))
}

/// Pause an agent
///
/// Every process stops where it is, the files are kept as a snapshot, and compute is no longer
/// billed. Answers when that is so.
#[utoipa::path(
    post,
    path = "/v1/agents/{id}/pause",
    tag = "agents",
    params(("id" = String, Path, description = "`agt_…`")),
    responses(
        (status = 200, description = "The paused agent, with its snapshot", body = Agent),
        (status = 409, description = "It cannot be paused now"),
        (status = 502, description = "The provider failed; the agent is as it was"),
        (status = 504, description = "It takes long, and goes on"),
    ),
)]
async fn agent_pause(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<AgentId>,
    Json(Empty {}): Json<Empty>,
) -> Result<Written<Agent>, ApiError> {
    let (agent, position) = pause(&writer, writer.origin(), id).await?;
    let shown = shown(&state.reads, writer.scope(), &agent).await?;
    Ok(Written::ok(&writer.caller, position, shown))
}

/// The agent, paused.
async fn pause(
    writer: &Writer,
    origin: &Origin,
    id: AgentId,
) -> Result<(Arc<AgentAggregate>, Position), ApiError> {
    let snapshot_id = new_snapshot_id(origin);
    let request = AgentCommand::RequestPause { snapshot_id, by_limit: false };
    let requested = writer.commander.agent(origin, id, &request).await?;
    writer.caller.wrote(requested.position);
    let pause = Some(Pending::Pause { snapshot_id });
    let settled = |agent: &AgentAggregate| agent.pending != pause;
    let (agent, position) = wait(writer, id, PAUSE_PATIENCE, settled).await?;
    // A repeat of an old request may find that the agent has been resumed since: it was paused.
    match agent.snapshot.is_some_and(|snapshot| snapshot.id == snapshot_id) {
        true => Ok((agent, position)),
        false => Err(not_done(&agent, "paused")),
    }
}

/// Resume a paused agent
///
/// It goes on where it left off, or with the files of the snapshot that is named. An idle agent
/// that is to have those of a snapshot is paused first: what it had is a snapshot then, too.
/// Answers when it can take work.
#[utoipa::path(
    post,
    path = "/v1/agents/{id}/resume",
    tag = "agents",
    params(("id" = String, Path, description = "`agt_…`")),
    request_body = ResumeAgent,
    responses(
        (status = 200, description = "The agent, which can take work", body = Agent),
        (status = 402, description = "Nothing is left of a limit of its session"),
        (status = 409, description = "It is not paused"),
        (status = 502, description = "The provider failed; the agent is as it was"),
        (status = 504, description = "It takes long, and goes on"),
    ),
)]
async fn agent_resume(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<AgentId>,
    Json(ResumeAgent { snapshot_id }): Json<ResumeAgent>,
) -> Result<Written<Agent>, ApiError> {
    if let Some(snapshot) = snapshot_id {
        let stream = StreamId::agent(writer.scope(), id);
        let agent = writer.commander.load::<AgentAggregate>(&stream).await?.state;
        let agent = agent.ok_or_else(|| ApiError::not_found("agent"))?;
        must_fit(&writer, snapshot, agent.spec.provider).await?;
        if agent.state == AgentState::Idle {
            pause(&writer, &writer.origin().part("pause first"), id).await?;
        }
    }
    let requested = writer.commander.resume_agent(writer.origin(), id, snapshot_id).await?;
    writer.caller.wrote(requested.position);
    let settled = |agent: &AgentAggregate| !matches!(agent.pending, Some(Pending::Resume { .. }));
    let (agent, position) = wait(&writer, id, PAUSE_PATIENCE, settled).await?;
    match (agent.state, &agent.failure) {
        (AgentState::Idle | AgentState::Running, _) | (AgentState::Paused, None) => {
            let shown = shown(&state.reads, writer.scope(), &agent).await?;
            Ok(Written::ok(&writer.caller, position, shown))
        }
        _ => Err(not_done(&agent, "resumed")),
    }
}

/// Terminate an agent
///
/// For ever: its compute is released and its snapshot deleted. Repeating it changes nothing.
#[utoipa::path(
    post,
    path = "/v1/agents/{id}/terminate",
    tag = "agents",
    params(("id" = String, Path, description = "`agt_…`")),
    responses(
        (status = 200, description = "It is terminated", body = Confirmed),
        (status = 504, description = "It takes long, and goes on"),
    ),
)]
async fn agent_terminate(
    writer: Writer,
    Id(id): Id<AgentId>,
    Json(Empty {}): Json<Empty>,
) -> Result<Written<Confirmed>, ApiError> {
    let request = AgentCommand::RequestTerminate { reason: "requested by the caller".to_owned() };
    let requested = writer.commander.agent(writer.origin(), id, &request).await?;
    writer.caller.wrote(requested.position);
    let over = |agent: &AgentAggregate| agent.state.is_final();
    let (_, position) = wait(&writer, id, TERMINATE_PATIENCE, over).await?;
    Ok(Written::ok(&writer.caller, position, Confirmed::TRUE))
}

/// The agent as soon as `reached` holds.
async fn wait(
    writer: &Writer,
    id: AgentId,
    patience: Duration,
    reached: impl Fn(&AgentAggregate) -> bool,
) -> Result<(Arc<AgentAggregate>, Position), ApiError> {
    let stream = StreamId::agent(writer.scope(), id);
    let waited = writer.commander.wait_until(&stream, patience, reached).await?;
    let (agent, position) = waited.ok_or_else(|| {
        let message = format!(
            "This takes longer than {} s. It goes on; look at the agent's state.",
            patience.as_secs()
        );
        ApiError::new(ErrorCode::Timeout, message)
    })?;
    // Also when it did not succeed: the caller then looks why.
    writer.caller.wrote(position);
    Ok((agent, position))
}

/// Why the agent is not `done`: the worker could not, or something else was asked for meanwhile.
fn not_done(agent: &AgentAggregate, done: &str) -> ApiError {
    match (&agent.failure, &agent.pending) {
        (Some(failure), None) => ApiError::new(
            ErrorCode::ProviderError,
            format!("The agent could not be {done}: {}", failure.message),
        ),
        (_, Some(Pending::Terminate { .. })) => {
            ApiError::conflict(format!("The agent was terminated before it was {done}."))
        }
        _ => {
            ApiError::conflict(format!("The agent is {} and was not {done}.", agent.state.as_str()))
        }
    }
}

/// A snapshot that an agent on `provider` is to start from: it must be there, and there.
pub(super) async fn must_fit(
    writer: &Writer,
    id: SnapshotId,
    provider: ProviderKind,
) -> Result<(), ApiError> {
    let stream = StreamId::snapshot(writer.scope(), id);
    let snapshot = writer.commander.load::<Snapshot>(&stream).await?.state;
    match snapshot.filter(|snapshot| snapshot.deleted_at.is_none()) {
        Some(snapshot) if snapshot.provider == provider => Ok(()),
        Some(snapshot) => Err(ApiError::invalid(
            "snapshotId",
            format!("is kept by `{}`, and the agent runs on `{provider}`", snapshot.provider),
        )),
        None => {
            Err(ApiError::invalid("snapshotId", "no such snapshot; list them at /v1/snapshots"))
        }
    }
}
