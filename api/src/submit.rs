//! What every way to submit a task goes through: nothing is queued that cannot begin.

use std::sync::Arc;

use theazo_commands::{AgentOptions, Done, TaskRequest, agent as agents, task as tasks};
use theazo_domain::agent::{Agent, AgentSpec};
use theazo_domain::model::ModelConfig;
use theazo_domain::session::Session;
use theazo_domain::task::{MAX_STEPS_DEFAULT, Priority, Task, TaskAgent};
use theazo_domain::{AgentId, SessionId, StreamId, TaskId};
use theazo_models::net::Guard;
use theazo_models::{CredentialSource, Route, RouteError};

use crate::AppState;
use crate::authority::Writer;
use crate::definitions;
use crate::error::ApiError;
use crate::wire::submission::TaskInput;

/// Bytes of a webhook's URL.
const WEBHOOK_MAX: usize = 2_048;

/// A task as a caller asks for it, whichever way.
pub(crate) struct Request {
    pub session: SessionId,
    pub agent: RunBy,
    pub input: TaskInput,
    pub priority: Priority,
    pub webhook: Option<String>,
    pub max_steps: Option<u32>,
}

/// Who is to run a task.
pub(crate) enum RunBy {
    /// An agent that is there.
    Existing(AgentId),
    /// An agent of its own, made of a definition with these options over it.
    Definition { reference: String, over: Box<AgentOptions> },
}

/// Checks a request and queues its task.
pub(crate) async fn submit(
    state: &AppState,
    writer: &Writer,
    request: Request,
) -> Result<Done<Task>, ApiError> {
    let (commander, origin) = (&writer.commander, writer.origin());
    let id = tasks::new_id(origin);
    if let Some(before) = submitted_before(writer, id).await? {
        return Ok(before);
    }
    must_exist(writer, request.session).await?;
    check_webhook(state, request.webhook.as_deref())?;
    let input = request.input.into_json()?;
    let agent = match request.agent {
        RunBy::Existing(agent_id) => {
            let agent = find_agent(writer, agent_id).await?;
            if agent.session_id != request.session {
                return Err(ApiError::not_found("agent"));
            }
            must_think(state, writer, request.session, agent.spec.model.as_ref()).await?;
            TaskAgent::Existing { agent_id }
        }
        RunBy::Definition { reference, over } => {
            let definition = Some(definitions::find(state, &writer.caller, &reference).await?);
            let options = AgentOptions { definition, ..*over };
            let (session, available) = (request.session, &state.available);
            let spec = commander.resolve_agent(origin.scope, session, options, available).await?;
            must_think(state, writer, session, spec.model.as_ref()).await?;
            own(writer, spec)?
        }
    };
    let task = TaskRequest {
        task_id: id,
        session_id: request.session,
        agent,
        priority: request.priority,
        max_steps: request.max_steps.unwrap_or(MAX_STEPS_DEFAULT),
        input,
        webhook: request.webhook,
        retry_of: None,
    };
    Ok(commander.submit_task(origin, task).await?)
}

/// What a request with the same idempotency key has submitted: it stands, also when the same
/// request would be refused by now.
pub(crate) async fn submitted_before(
    writer: &Writer,
    id: TaskId,
) -> Result<Option<Done<Task>>, ApiError> {
    if writer.origin().seed.is_none() {
        return Ok(None);
    }
    let loaded = writer.commander.load::<Task>(&StreamId::task(writer.scope(), id)).await?;
    let position = loaded.revision;
    Ok(loaded.state.map(|state| Done { state, position, changed: false }))
}

/// A new agent for one task.
///
/// # Errors
/// 422 with everything that is wrong with the spec: nobody is there to hear of it later.
pub(crate) fn own(writer: &Writer, spec: AgentSpec) -> Result<TaskAgent, ApiError> {
    let errors = spec.check();
    if !errors.is_empty() {
        return Err(theazo_domain::Rejection::Invalid(errors).into());
    }
    Ok(TaskAgent::Own { agent_id: agents::new_id(writer.origin()), spec: Box::new(spec) })
}

pub(crate) async fn find_agent(writer: &Writer, id: AgentId) -> Result<Arc<Agent>, ApiError> {
    let stream = StreamId::agent(writer.scope(), id);
    let agent = writer.commander.load::<Agent>(&stream).await?.state;
    agent.ok_or_else(|| ApiError::not_found("agent"))
}

pub(crate) async fn must_exist(writer: &Writer, id: SessionId) -> Result<(), ApiError> {
    let stream = StreamId::session(writer.scope(), id);
    let session = writer.commander.load::<Session>(&stream).await?.state;
    session.map(|_| ()).ok_or_else(|| ApiError::not_found("session"))
}

/// The model must lead somewhere, and the secrets that it names must be set.
pub(crate) async fn must_think(
    state: &AppState,
    writer: &Writer,
    session: SessionId,
    model: Option<&ModelConfig>,
) -> Result<(), ApiError> {
    let scope = writer.scope();
    let route = state.models.route(model, scope.mode).map_err(wrong_model)?;
    let names: Vec<String> = route.secret_names().into_iter().map(str::to_owned).collect();
    if names.is_empty() {
        return Ok(());
    }
    let set = writer.commander.reveal_secrets(scope, session, &names).await?;
    match names.iter().find(|name| !set.contains_key(*name)) {
        None => Ok(()),
        Some(missing) => Err(ApiError::invalid(
            credential_path(&route, missing),
            format!(
                "the secret `{missing}` is not set; set it with POST /v1/secrets \
                 {{\"name\": \"{missing}\", \"value\": …}}"
            ),
        )),
    }
}

fn credential_path(route: &Route, secret: &str) -> String {
    let names =
        |route: &Route| matches!(&route.credential, CredentialSource::Secret(s) if s == secret);
    match route.fallbacks.iter().position(names) {
        Some(i) if !names(route) => format!("model.fallbacks[{i}].credentialRef"),
        _ => "model.credentialRef".to_owned(),
    }
}

/// A model that is configured for later: its name and its shape must be right. Whether its key is
/// there is looked at when a task is submitted.
pub(crate) fn check_model(state: &AppState, model: Option<&ModelConfig>) -> Result<(), ApiError> {
    let Some(model) = model else { return Ok(()) };
    let mut errors = Vec::new();
    model.check("model", &mut errors);
    // Those are for the domain to say, with all else that is wrong.
    if !errors.is_empty() { Ok(()) } else { state.models.check(model).map_err(wrong_model) }
}

fn wrong_model(error: RouteError) -> ApiError {
    ApiError::invalid(error.path, error.message)
}

/// Refuses early what is never called: the worker looks again at the address that it dials.
pub(crate) fn check_webhook(state: &AppState, url: Option<&str>) -> Result<(), ApiError> {
    let Some(url) = url else { return Ok(()) };
    let wrong = |message: String| ApiError::invalid("webhook", message);
    if url.is_empty() || url.len() > WEBHOOK_MAX {
        return Err(wrong(format!("must be 1 to {WEBHOOK_MAX} bytes")));
    }
    Guard::new(state.config.allow_private_networks).check_url(url).map_err(wrong)
}
