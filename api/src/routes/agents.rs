//! Agents: create, list, view. What is done with one is in the files beside this one.

use axum::extract::State;
use theazo_commands::agent::new_id;
use theazo_commands::now;
use theazo_domain::agent::Agent as AgentAggregate;
use theazo_domain::{AgentId, Pico, Scope, SessionId};
use theazo_projections::{AgentFilter, ReadModels, Row};
use tracing::Instrument;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::agent_lifecycle::must_fit;
use super::{agent_lifecycle, agent_logs, exec};
use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::definitions;
use crate::error::ApiError;
use crate::extract::{Id, Json, Query};
use crate::page::{PageBody, PageRequest};
use crate::submit::{check_model, must_exist};
use crate::wire::agent::{Agent, CreateAgent, ListAgents, State as AgentState};
use crate::write::{Shown, Written};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(agent_create, agent_list))
        .routes(routes!(agent_view))
        .merge(agent_lifecycle::router())
        .merge(exec::router())
        .merge(agent_logs::router())
}

/// Create an agent
///
/// Answers as soon as the agent is created; its sandbox is provisioned meanwhile, and work that is
/// sent to it waits for that.
#[utoipa::path(
    post,
    path = "/v1/sessions/{id}/agents",
    tag = "agents",
    params(("id" = String, Path, description = "`ses_…`")),
    request_body = CreateAgent,
    responses(
        (status = 201, description = "The agent", body = Agent),
        (status = 402, description = "A limit of the session is reached"),
        (status = 409, description = "The session has ended or is paused"),
    ),
)]
async fn agent_create(
    State(state): State<AppState>,
    writer: Writer,
    Id(session): Id<SessionId>,
    Json(body): Json<CreateAgent>,
) -> Result<Written<Agent>, ApiError> {
    let (commander, origin) = (&writer.commander, writer.origin());
    must_exist(&writer, session).await?;
    check_model(&state, body.model())?;
    let definition = match body.definition() {
        Some(reference) => Some(definitions::find(&state, &writer.caller, reference).await?),
        None => None,
    };
    let options = body.into_options(definition);
    let spec = commander.resolve_agent(writer.scope(), session, options, &state.available).await?;
    if let Some(snapshot) = spec.snapshot_id {
        must_fit(&writer, snapshot, spec.provider).await?;
    }
    // Two commits: a caller that goes away between them must not leave one.
    let (commander, origin) = (commander.clone(), origin.clone());
    let creating =
        async move { commander.create_agent(&origin, session, new_id(&origin), spec).await };
    let done = state.tasks.spawn(creating.in_current_span()).await;
    let done = done.map_err(|error| ApiError::internal(&error))??;
    Ok(Written::created(&writer.caller, done.position, Agent::at(&done.state, Pico::ZERO, now())))
}

/// List a session's agents
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/agents",
    tag = "agents",
    params(("id" = String, Path, description = "`ses_…`"), ListAgents),
    responses((status = 200, description = "A page of agents", body = PageBody<Agent>)),
)]
async fn agent_list(
    State(state): State<AppState>,
    reader: Reader,
    Id(session): Id<SessionId>,
    Query(query): Query<ListAgents>,
) -> Result<Shown<PageBody<Agent>>, ApiError> {
    let scope = reader.scope();
    let session_text = session.to_string();
    let state_text = query.state.map(AgentState::as_str);
    let filters = [("sessionId", Some(session_text.as_str())), ("state", state_text)];
    let cursor = query.cursor.as_deref();
    let page = PageRequest::new(&state, scope, "agents", &filters, query.limit, cursor)?;
    if reader.models.session(scope, session).await?.is_none() {
        return Err(ApiError::not_found("session"));
    }
    let filter =
        AgentFilter { session_id: Some(session), state: query.state.map(AgentState::domain) };
    let rows = reader.models.agents(scope, filter, page.rows()).await?;
    let page = page.answer(rows, |row| row.value);
    let mut data = Vec::with_capacity(page.data.len());
    for agent in &page.data {
        data.push(shown(&reader.models, scope, agent).await?);
    }
    Ok(Shown(PageBody { data, next_cursor: page.next_cursor, has_more: page.has_more }))
}

/// View an agent
#[utoipa::path(
    get,
    path = "/v1/agents/{id}",
    tag = "agents",
    params(("id" = String, Path, description = "`agt_…`")),
    responses((status = 200, description = "The agent", body = Agent)),
)]
async fn agent_view(reader: Reader, Id(id): Id<AgentId>) -> Result<Shown<Agent>, ApiError> {
    let row = find(&reader, id).await?;
    Ok(Shown(shown(&reader.models, reader.scope(), &row.value).await?))
}

/// The agent as it is now, with what the task that it works on has cost so far.
pub(super) async fn shown(
    models: &ReadModels,
    scope: Scope,
    agent: &AgentAggregate,
) -> Result<Agent, ApiError> {
    let task = match agent.task {
        Some(id) => models.task(scope, id).await?,
        None => None,
    };
    let task_cost = task.map_or(Pico::ZERO, |row| row.value.model_cost);
    Ok(Agent::at(agent, task_cost, now()))
}

/// The agent, as the read models have it.
pub(super) async fn find(reader: &Reader, id: AgentId) -> Result<Row<AgentAggregate>, ApiError> {
    let row = reader.models.agent(reader.scope(), id).await?;
    row.ok_or_else(|| ApiError::not_found("agent"))
}
