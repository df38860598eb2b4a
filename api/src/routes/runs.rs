//! Runs: a task for one agent, its last one again, and the one call that does it all.

use std::time::Duration;

use axum::extract::State;
use theazo_commands::{AgentOptions, Done, TaskPart, TaskRequest, agent as agents, task as tasks};
use theazo_domain::agent::{Agent, AgentSpec};
use theazo_domain::pricing::ComputePrice;
use theazo_domain::task::{Task, TaskAgent, TaskStatus};
use theazo_domain::{AgentId, SessionId, StreamId};
use tracing::Instrument;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::agent_lifecycle::must_fit;
use super::tasks::until_ended;
use crate::AppState;
use crate::authority::Writer;
use crate::error::{ApiError, ErrorCode};
use crate::extract::{Empty, Id, Json, TaskPath};
use crate::submit::{Request, RunBy, find_agent, must_think, own, submit, submitted_before};
use crate::task_view::View;
use crate::wire::submission::{RunAgent, RunSession, Submitted};
use crate::wire::task::{RunResult, WaitQuery};
use crate::write::Written;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(agent_run))
        .routes(routes!(agent_retry))
        .routes(routes!(session_run))
}

/// Run a task on an agent
///
/// In the background: poll the task or the agent, wait for the task, or stream it. A busy agent
/// takes its tasks one after the other.
#[utoipa::path(
    post,
    path = "/v1/agents/{id}/run",
    tag = "agents",
    params(("id" = String, Path, description = "`agt_…`")),
    request_body = RunAgent,
    responses(
        (status = 202, description = "It is queued", body = Submitted),
        (status = 402, description = "A limit of the session is reached"),
        (status = 409, description = "The agent is paused or has ended"),
    ),
)]
async fn agent_run(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<AgentId>,
    Json(body): Json<RunAgent>,
) -> Result<Written<Submitted>, ApiError> {
    let agent = find_agent(&writer, id).await?;
    let request = Request {
        session: agent.session_id,
        agent: RunBy::Existing(id),
        input: body.task,
        priority: body.priority.unwrap_or_default().into(),
        webhook: body.webhook,
        max_steps: body.max_steps,
    };
    let done = submit(&state, &writer, request).await?;
    Ok(accepted(&writer, &done))
}

/// Retry an agent's last task
///
/// From scratch, with a fresh agent that is made of the same: poll or stream the new task.
#[utoipa::path(
    post,
    path = "/v1/agents/{id}/retry",
    tag = "agents",
    params(("id" = String, Path, description = "`agt_…`")),
    responses(
        (status = 202, description = "It is queued", body = Submitted),
        (status = 402, description = "A limit of the session is reached"),
        (status = 409, description = "It never ran a task, or still runs it"),
    ),
)]
async fn agent_retry(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<AgentId>,
    Json(Empty {}): Json<Empty>,
) -> Result<Written<Submitted>, ApiError> {
    // Another process may have ended its last run just now.
    let stream = StreamId::agent(writer.scope(), id);
    let agent = writer.commander.load_fresh::<Agent>(&stream).await?.state;
    let agent = agent.ok_or_else(|| ApiError::not_found("agent"))?;
    if let Some(before) = submitted_before(&writer, tasks::new_id(writer.origin())).await? {
        return Ok(accepted(&writer, &before));
    }
    let last = last_task(&writer, &agent).await?;
    // The price is today's.
    let price = ComputePrice::of(agent.spec.provider.as_str());
    let spec = AgentSpec { price, ..(*agent.spec).clone() };
    must_think(&state, &writer, agent.session_id, spec.model.as_ref()).await?;
    if let Some(snapshot) = spec.snapshot_id {
        must_fit(&writer, snapshot, spec.provider).await?;
    }
    let opened = View { commander: &writer.commander, scope: writer.scope() };
    let webhook = opened.text(&last, TaskPart::Webhook, &last.webhook).await?;
    let input = opened.open(&last, TaskPart::Input, &last.input).await?;
    let again = Again { last, input, webhook, spec };
    // Up to three commits: a caller that goes away between them must not leave one.
    let retrying = again.submit(writer.clone());
    let done = state.tasks.spawn(retrying.in_current_span()).await;
    let done = done.map_err(|error| ApiError::internal(&error))??;
    Ok(accepted(&writer, &done))
}

/// The newest task that the agent began, which has ended.
async fn last_task(writer: &Writer, agent: &Agent) -> Result<Task, ApiError> {
    let never = || ApiError::conflict("This agent has never run a task; there is none to retry.");
    let id = agent.last_task.ok_or_else(never)?;
    let stream = StreamId::task(writer.scope(), id);
    let task = writer.commander.load_fresh::<Task>(&stream).await?.state.ok_or_else(never)?;
    if !task.status.is_final() {
        let status = task.status.as_str();
        let message = format!("The agent's last task is still {status}; cancel it first.");
        return Err(ApiError::conflict(message).of_task(id, None));
    }
    Ok((*task).clone())
}

/// A task that is to be done again.
struct Again {
    last: Task,
    input: String,
    webhook: Option<String>,
    spec: AgentSpec,
}

impl Again {
    async fn submit(self, writer: Writer) -> Result<Done<Task>, ApiError> {
        let Self { last, input, webhook, spec } = self;
        let origin = writer.origin();
        let agent = match &last.agent {
            TaskAgent::Own { .. } => own(&writer, spec)?,
            TaskAgent::Existing { .. } => {
                let agent_id = agents::new_id(origin);
                let (commander, session) = (&writer.commander, last.session_id);
                commander.create_agent(origin, session, agent_id, spec).await?;
                TaskAgent::Existing { agent_id }
            }
        };
        let request = TaskRequest {
            task_id: tasks::new_id(origin),
            session_id: last.session_id,
            agent,
            priority: last.priority,
            max_steps: last.max_steps,
            input,
            webhook,
            retry_of: Some(last.id),
        };
        Ok(writer.commander.submit_task(origin, request).await?)
    }
}

/// Run a task and wait for it
///
/// An agent is made for it and goes with it. Answers when it has ended, for up to ten minutes; a
/// run that takes longer goes on, and so does one whose caller goes away.
#[utoipa::path(
    post,
    path = "/v1/sessions/{id}/run",
    tag = "sessions",
    params(("id" = String, Path, description = "`ses_…`")),
    request_body = RunSession,
    responses(
        (status = 200, description = "What the run came to", body = RunResult),
        (status = 402, description = "A limit of the session is reached"),
        (status = 409, description = "The session takes no tasks, or the task was cancelled"),
        (status = 502, description = "The model or the sandbox failed; `details.taskId` says more"),
        (status = 504, description = "It takes long, and goes on: wait for `details.taskId`; or \
            it took longer than its `timeout`"),
    ),
)]
async fn session_run(
    State(state): State<AppState>,
    writer: Writer,
    Id(session): Id<SessionId>,
    Json(body): Json<RunSession>,
) -> Result<Written<RunResult>, ApiError> {
    let submitted = submit(&state, &writer, one_shot(session, body)?).await?;
    writer.caller.wrote(submitted.position);
    let path = TaskPath { session, task: submitted.state.id };
    let patience = Duration::from_millis(WaitQuery::MAX_MS);
    let Some((task, position)) = until_ended(&state, &writer, path, patience).await? else {
        return Err(unfinished(&state, &submitted.state).written_at(submitted.position));
    };
    writer.caller.wrote(position);
    let view = View { commander: &writer.commander, scope: writer.scope() };
    if task.status == TaskStatus::Completed {
        return Ok(Written::ok(&writer.caller, position, view.result(&task).await?));
    }
    let output = view.text(&task, TaskPart::Output, &task.output).await?;
    Err(failed(&task).of_task(task.id, output).written_at(position))
}

fn one_shot(session: SessionId, body: RunSession) -> Result<Request, ApiError> {
    let input = match (body.task, body.input) {
        (Some(input), None) | (None, Some(input)) => input,
        (None, None) => return Err(ApiError::invalid("task", "is required")),
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid("input", "cannot be given together with `task`"));
        }
    };
    let over = AgentOptions {
        model: body.model,
        timeout: body.timeout,
        cost_cap: body.cost_cap,
        ..AgentOptions::default()
    };
    Ok(Request {
        session,
        agent: RunBy::Definition { reference: body.agent, over: Box::new(over) },
        input,
        priority: body.priority.unwrap_or_default().into(),
        webhook: body.webhook,
        max_steps: body.max_steps,
    })
}

fn accepted(writer: &Writer, done: &Done<Task>) -> Written<Submitted> {
    let submitted = Submitted { task_id: done.state.id, agent_id: done.state.agent_id() };
    Written::accepted(&writer.caller, done.position, submitted)
}

fn unfinished(state: &AppState, task: &Task) -> ApiError {
    let error = if state.closing().is_cancelled() {
        let message = "This server stops. The run goes on; wait for its task, or repeat the \
                       request with the same Idempotency-Key.";
        ApiError::new(ErrorCode::Unavailable, message).retry_after(1)
    } else {
        let message = "The run takes longer than 10 minutes. It goes on; wait for its task.";
        ApiError::new(ErrorCode::Timeout, message)
    };
    error.of_task(task.id, None)
}

/// Why a run did not come to its end, by the code of its failure.
fn failed(task: &Task) -> ApiError {
    let Some(failure) = &task.failure else {
        let reason = task.cancel.as_deref().unwrap_or("no reason was given");
        return ApiError::conflict(format!("The run was cancelled: {reason}."));
    };
    let known = ErrorCode::ALL.iter().copied().find(|code| code.as_str() == failure.code);
    // A code that says that nothing happened would not be true of a run.
    let code = known.filter(|code| {
        use ErrorCode::{Conflict, ProviderError, SessionLimitExceeded, Timeout};
        matches!(code, Conflict | ProviderError | SessionLimitExceeded | Timeout)
    });
    ApiError::new(code.unwrap_or(ErrorCode::InternalError), failure.message.clone())
}
