//! Server-Sent Events: what a task or an agent does, as it does it.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use theazo_domain::agent::Agent;
use theazo_domain::task::Task;
use theazo_domain::{AgentId, StreamId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::Caller;
use crate::error::ApiError;
use crate::extract::{Id, Query, TaskPath};
use crate::stream::Cursor;
use crate::wire::stream::{StreamEvent, StreamQuery};

const LAST_EVENT_ID: &str = "last-event-id";
/// Tells nginx and those who do as it does not to hold back what comes.
const X_ACCEL_BUFFERING: &str = "x-accel-buffering";

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(agent_stream)).routes(routes!(task_stream))
}

/// Stream an agent's events
///
/// As Server-Sent Events: the history of the run that is under way, or the agent's newest status
/// when there is none, then whatever happens, run after run. `done` or `error` ends a task; the
/// stream ends when the agent has. Connect before a run, and nothing of it is missed.
///
/// Every event has an `id`: a client that comes back with it as `Last-Event-ID` gets exactly what
/// it has not had, text to the character. A comment comes every 15 seconds when nothing else does.
/// A client that reads too slowly, and one that is connected when the server restarts, gets an
/// `error` with `resumable: true`.
#[utoipa::path(
    get,
    path = "/v1/agents/{id}/stream",
    tag = "agents",
    params(
        ("id" = String, Path, description = "`agt_…`"),
        ("Last-Event-ID" = Option<String>, Header,
            description = "The `id` of the last event that was received: go on after it"),
        StreamQuery,
    ),
    responses(
        (status = 200, description = "The events", body = StreamEvent,
            content_type = "text/event-stream"),
        (status = 204, description = "There is nothing after `Last-Event-ID`, and never will be"),
    ),
)]
async fn agent_stream(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<AgentId>,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let key = StreamId::agent(caller.scope, id);
    let agent = state.commander.load::<Agent>(&key).await?.state;
    let agent = agent.ok_or_else(|| ApiError::not_found("agent"))?;
    let from = match last_event_id(&state, &headers, &query).await? {
        Some(cursor)
            if agent.state.is_final() && state.streams.is_over_at(&key, cursor).await? =>
        {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        Some(cursor) => cursor,
        None if query.from.is_some() => Cursor::START,
        None => state.streams.start_of_agent(&key, id).await?,
    };
    Ok(events(state.streams.open(&caller, key, from).await?))
}

/// Stream a task's events
///
/// As Server-Sent Events: the task's whole history, then what it does, until it has ended. The
/// last event is `done`, or `error` when it failed or was cancelled.
///
/// `Last-Event-ID`, comments and `resumable` errors are as in the stream of an agent.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/tasks/{taskId}/stream",
    tag = "tasks",
    params(
        ("id" = String, Path, description = "`ses_…`"),
        ("taskId" = String, Path, description = "`task_…`"),
        ("Last-Event-ID" = Option<String>, Header,
            description = "The `id` of the last event that was received: go on after it"),
        StreamQuery,
    ),
    responses(
        (status = 200, description = "The events", body = StreamEvent,
            content_type = "text/event-stream"),
        (status = 204, description = "There is nothing after `Last-Event-ID`, and never will be"),
    ),
)]
async fn task_stream(
    State(state): State<AppState>,
    caller: Caller,
    path: TaskPath,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let key = StreamId::task(caller.scope, path.task);
    let task = state.commander.load::<Task>(&key).await?.state;
    let task = task.filter(|task| task.session_id == path.session);
    let task = task.ok_or_else(|| ApiError::not_found("task"))?;
    let from = match last_event_id(&state, &headers, &query).await? {
        Some(cursor)
            if task.status.is_final() && state.streams.is_over_at(&key, cursor).await? =>
        {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        Some(cursor) => cursor,
        None => Cursor::START,
    };
    Ok(events(state.streams.open(&caller, key, from).await?))
}

/// Where the reader is, if it says so.
///
/// # Errors
/// 422 when it is not an id that we gave, or one of what has not happened yet.
async fn last_event_id(
    state: &AppState,
    headers: &HeaderMap,
    query: &StreamQuery,
) -> Result<Option<Cursor>, ApiError> {
    let wrong = |path: &str| ApiError::invalid(path, "must be the id of an event of this stream");
    let (path, text) = match (headers.get(LAST_EVENT_ID), &query.last_event_id) {
        (Some(value), _) => ("Last-Event-ID", value.to_str().map_err(|_| wrong("Last-Event-ID"))?),
        (None, Some(text)) => ("lastEventId", text.as_str()),
        (None, None) => return Ok(None),
    };
    // What a browser sends before the first event that has one.
    if text.is_empty() {
        return Ok(None);
    }
    let cursor: Cursor = text.parse().map_err(|_| wrong(path))?;
    let head = state.commander.log().head().await?;
    if cursor.commit > head { Err(wrong(path)) } else { Ok(Some(cursor)) }
}

fn events(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, "text/event-stream");
    set(header::CACHE_CONTROL, "no-cache");
    set(header::HeaderName::from_static(X_ACCEL_BUFFERING), "no");
    response
}
