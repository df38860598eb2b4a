//! Tasks: submit, list, view, wait, cancel.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use theazo_commands::AgentOptions;
use theazo_domain::task::{Task, TaskCommand};
use theazo_domain::{SessionId, StreamId};
use theazo_log::Position;
use theazo_projections::{Row, TaskFilter};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{task_files, task_steps};
use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::error::{ApiError, ErrorCode};
use crate::extract::{Empty, Id, Json, Query, TaskPath};
use crate::page::{PageBody, PageRequest};
use crate::submit::{Request, RunBy, submit};
use crate::task_view::View;
use crate::wire::submission::SubmitTask;
use crate::wire::task::{ListTasks, Status, Task as Shown, WaitQuery};
use crate::write::{Shown as Read, Written};

/// How long a cancellation may take while its caller waits.
const CANCEL_PATIENCE: Duration = Duration::from_secs(30);

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(task_submit, task_list))
        .routes(routes!(task_view))
        .routes(routes!(task_wait))
        .routes(routes!(task_cancel))
        .merge(task_steps::router())
        .merge(task_files::router())
}

/// Submit a task
///
/// Answers as soon as it is queued. Give `agent` for an agent that is made for it, or `agentId` for
/// one that is there.
#[utoipa::path(
    post,
    path = "/v1/sessions/{id}/tasks",
    tag = "tasks",
    params(("id" = String, Path, description = "`ses_…`")),
    request_body = SubmitTask,
    responses(
        (status = 201, description = "The task, queued", body = Shown),
        (status = 402, description = "A limit of the session is reached"),
        (status = 409, description = "The session or the agent takes no tasks"),
    ),
)]
async fn task_submit(
    State(state): State<AppState>,
    writer: Writer,
    Id(session): Id<SessionId>,
    Json(body): Json<SubmitTask>,
) -> Result<Written<Shown>, ApiError> {
    let done = submit(&state, &writer, request(session, body)?).await?;
    let view = View { commander: &writer.commander, scope: writer.scope() };
    Ok(Written::created(&writer.caller, done.position, view.whole(&done.state).await?))
}

fn request(session: SessionId, body: SubmitTask) -> Result<Request, ApiError> {
    let SubmitTask { agent, agent_id, model, timeout, cost_cap, .. } = body;
    let agent = match (agent, agent_id) {
        (Some(reference), None) => {
            let over = AgentOptions { model, timeout, cost_cap, ..AgentOptions::default() };
            RunBy::Definition { reference, over: Box::new(over) }
        }
        (None, Some(id)) => {
            let given = [
                ("model", model.is_some()),
                ("timeout", timeout.is_some()),
                ("costCap", cost_cap.is_some()),
            ];
            if let Some((field, _)) = given.into_iter().find(|(_, given)| *given) {
                let message = "goes with `agent` only: the agent of `agentId` has its own";
                return Err(ApiError::invalid(field, message));
            }
            RunBy::Existing(id)
        }
        (None, None) => {
            let message = "is required (the id or the name of a definition), or `agentId`";
            return Err(ApiError::invalid("agent", message));
        }
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid("agentId", "cannot be given together with `agent`"));
        }
    };
    Ok(Request {
        session,
        agent,
        input: body.input,
        priority: body.priority.unwrap_or_default().into(),
        webhook: body.webhook,
        max_steps: body.max_steps,
    })
}

/// List a session's tasks
///
/// Newest first, without their tool calls.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/tasks",
    tag = "tasks",
    params(("id" = String, Path, description = "`ses_…`"), ListTasks),
    responses((status = 200, description = "A page of tasks", body = PageBody<Shown>)),
)]
async fn task_list(
    State(state): State<AppState>,
    reader: Reader,
    writer: Writer,
    Id(session): Id<SessionId>,
    Query(query): Query<ListTasks>,
) -> Result<Read<PageBody<Shown>>, ApiError> {
    let scope = reader.scope();
    let session_text = session.to_string();
    let status = query.status.map(Status::domain);
    let filters =
        [("sessionId", Some(session_text.as_str())), ("status", status.map(|s| s.as_str()))];
    let cursor = query.cursor.as_deref();
    let page = PageRequest::new(&state, scope, "tasks", &filters, query.limit, cursor)?;
    if reader.models.session(scope, session).await?.is_none() {
        return Err(ApiError::not_found("session"));
    }
    let filter = TaskFilter { session_id: Some(session), status, ..TaskFilter::default() };
    let rows = reader.models.tasks(scope, filter, page.rows()).await?;
    let page = page.answer(rows, |row| row.value);
    let view = View { commander: &writer.commander, scope };
    let mut data = Vec::with_capacity(page.data.len());
    for task in &page.data {
        data.push(view.brief(task).await?);
    }
    Ok(Read(PageBody { data, next_cursor: page.next_cursor, has_more: page.has_more }))
}

/// View a task
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/tasks/{taskId}",
    tag = "tasks",
    params(
        ("id" = String, Path, description = "`ses_…`"),
        ("taskId" = String, Path, description = "`task_…`"),
    ),
    responses((status = 200, description = "The task", body = Shown)),
)]
async fn task_view(
    reader: Reader,
    writer: Writer,
    path: TaskPath,
) -> Result<Read<Shown>, ApiError> {
    let (task, _) = find(&reader, &writer, path).await?;
    let view = View { commander: &writer.commander, scope: reader.scope() };
    Ok(Read(view.whole(&task).await?))
}

/// Wait for a task
///
/// Answers when it has ended, or with the task as it is when the time is over.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/tasks/{taskId}/wait",
    tag = "tasks",
    params(
        ("id" = String, Path, description = "`ses_…`"),
        ("taskId" = String, Path, description = "`task_…`"),
        WaitQuery,
    ),
    responses((status = 200, description = "The task: look at its status", body = Shown)),
)]
async fn task_wait(
    State(state): State<AppState>,
    reader: Reader,
    writer: Writer,
    path: TaskPath,
    Query(query): Query<WaitQuery>,
) -> Result<Read<Shown>, ApiError> {
    let patience = query.patience()?;
    let found = find(&reader, &writer, path).await?;
    let ended = if found.0.status.is_final() {
        Some(found)
    } else {
        until_ended(&state, &writer, path, patience).await?
    };
    let (task, position) = match ended {
        Some(ended) => ended,
        // The last look is a fresh one: much may have happened meanwhile.
        None => find(&reader, &writer, path).await?,
    };
    // Who has waited sees in lists what the answer says.
    writer.caller.wrote(position);
    let view = View { commander: &writer.commander, scope: reader.scope() };
    Ok(Read(view.whole(&task).await?))
}

/// Cancel a task
///
/// A queued one at once, a running one with what it has under way; its agent goes if it was made
/// for it. Answers when it is cancelled. What it has cost so far is billed.
#[utoipa::path(
    post,
    path = "/v1/sessions/{id}/tasks/{taskId}/cancel",
    tag = "tasks",
    params(
        ("id" = String, Path, description = "`ses_…`"),
        ("taskId" = String, Path, description = "`task_…`"),
    ),
    responses(
        (status = 200, description = "The task, cancelled", body = Shown),
        (status = 409, description = "It has ended before"),
        (status = 504, description = "It takes long, and goes on"),
    ),
)]
async fn task_cancel(
    State(state): State<AppState>,
    writer: Writer,
    path: TaskPath,
    Json(Empty {}): Json<Empty>,
) -> Result<Written<Shown>, ApiError> {
    load(&writer, path).await?;
    let cancel = TaskCommand::RequestCancel { reason: "requested by the caller".to_owned() };
    let requested = writer.commander.task(writer.origin(), path.task, &cancel).await?;
    writer.caller.wrote(requested.position);
    let ended = until_ended(&state, &writer, path, CANCEL_PATIENCE).await?;
    let (task, position) = ended.ok_or_else(|| {
        let message = "The cancellation takes long. It goes on; look at the task's status.";
        ApiError::new(ErrorCode::Timeout, message).of_task(path.task, None)
    })?;
    let status = Status::from(task.status);
    if status != Status::Cancelled {
        let status = task.status.as_str();
        let message = format!("This task was {status} before it could be cancelled.");
        return Err(ApiError::conflict(message).of_task(path.task, None));
    }
    let view = View { commander: &writer.commander, scope: writer.scope() };
    Ok(Written::ok(&writer.caller, position, view.whole(&task).await?))
}

/// The task with its steps, at least as new as the read models have it. Who has seen it sees
/// nothing older in lists.
pub(super) async fn find(
    reader: &Reader,
    writer: &Writer,
    path: TaskPath,
) -> Result<(Arc<Task>, Position), ApiError> {
    let row = find_row(reader, path).await?;
    let stream = StreamId::task(reader.scope(), path.task);
    let loaded = writer.commander.load_since::<Task>(&stream, row.revision).await?;
    let task = loaded.state.ok_or_else(|| ApiError::not_found("task"))?;
    writer.caller.wrote(loaded.revision);
    Ok((task, loaded.revision))
}

/// The task without its steps, as the read models have it.
pub(super) async fn find_row(reader: &Reader, path: TaskPath) -> Result<Row<Task>, ApiError> {
    let row = reader.models.task(reader.scope(), path.task).await?;
    let row = row.filter(|row| row.value.session_id == path.session);
    row.ok_or_else(|| ApiError::not_found("task"))
}

/// The task as this process knows it: what exists, and whose it is, never changes.
async fn load(writer: &Writer, path: TaskPath) -> Result<Arc<Task>, ApiError> {
    let stream = StreamId::task(writer.scope(), path.task);
    let task = writer.commander.load::<Task>(&stream).await?.state;
    let task = task.filter(|task| task.session_id == path.session);
    task.ok_or_else(|| ApiError::not_found("task"))
}

/// The task when it has ended; `None` when `patience` or this server is over first.
pub(super) async fn until_ended(
    state: &AppState,
    writer: &Writer,
    path: TaskPath,
    patience: Duration,
) -> Result<Option<(Arc<Task>, Position)>, ApiError> {
    let stream = StreamId::task(writer.scope(), path.task);
    let ended = |task: &Task| task.status.is_final();
    tokio::select! {
        waited = writer.commander.wait_until(&stream, patience, ended) => Ok(waited?),
        () = state.closing().cancelled() => Ok(None),
    }
}
