//! Tasks: submitted by callers, worked on by workers.

use serde::Serialize;
use theazo_domain::agent::{Agent, AgentState};
use theazo_domain::session::{Session, SessionStatus};
use theazo_domain::task::{Priority, SubmitTask, Task, TaskAgent, TaskCommand};
use theazo_domain::{AgentId, Payload, Rejection, Scope, SessionId, StreamId, TaskId};
use zeroize::Zeroizing;

use crate::vault::{open_payload, seal_payload};
use crate::{CommandError, Commander, Done, Origin, now};

/// The id of a task that is to be submitted.
pub fn new_id(origin: &Origin) -> TaskId {
    TaskId::from_uuid(origin.ids().uuid("task"))
}

/// A task as its caller asks for it.
#[derive(Debug, Clone)]
pub struct TaskRequest {
    pub task_id: TaskId,
    pub session_id: SessionId,
    pub agent: TaskAgent,
    pub priority: Priority,
    pub max_steps: u32,
    /// A JSON text: a string or an object.
    pub input: String,
    /// A URL that was checked.
    pub webhook: Option<String>,
    pub retry_of: Option<TaskId>,
}

/// The parts of a task that are sealed, each for its own purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskPart {
    Input,
    Webhook,
    /// A model call's whole turn.
    Turn {
        step: u32,
    },
    ToolInput {
        step: u32,
    },
    /// What the model sees of a tool's output.
    ToolOutput {
        step: u32,
    },
    /// All of a tool's output.
    ToolWhole {
        step: u32,
    },
    /// The files that were there before the run.
    Baseline,
    Message,
    Output,
    /// The `index`th artifact.
    Artifact {
        index: u32,
    },
}

impl TaskPart {
    fn purpose(self, task: TaskId) -> String {
        match self {
            TaskPart::Input => format!("task {task} input"),
            TaskPart::Webhook => format!("task {task} webhook"),
            TaskPart::Turn { step } => format!("task {task} turn {step}"),
            TaskPart::ToolInput { step } => format!("task {task} tool input {step}"),
            TaskPart::ToolOutput { step } => format!("task {task} tool output {step}"),
            TaskPart::ToolWhole { step } => format!("task {task} tool whole {step}"),
            TaskPart::Baseline => format!("task {task} baseline"),
            TaskPart::Message => format!("task {task} message"),
            TaskPart::Output => format!("task {task} output"),
            TaskPart::Artifact { index } => format!("task {task} artifact {index}"),
        }
    }
}

impl Commander {
    /// Puts a task into the queue.
    ///
    /// # Errors
    /// When the session has ended, or the agent is not its, is paused, or has ended.
    pub async fn submit_task(
        &self,
        origin: &Origin,
        request: TaskRequest,
    ) -> Result<Done<Task>, CommandError> {
        let (scope, id) = (origin.scope, request.task_id);
        self.session_takes_tasks(scope, request.session_id).await?;
        if let TaskAgent::Existing { agent_id } = request.agent {
            self.agent_takes_tasks(scope, request.session_id, agent_id).await?;
        }
        let owner = (scope, request.session_id);
        let input = self.seal_task(owner, id, TaskPart::Input, request.input.as_bytes()).await?;
        let webhook = match &request.webhook {
            Some(url) => Some(self.seal_task(owner, id, TaskPart::Webhook, url.as_bytes()).await?),
            None => None,
        };
        let submit = TaskCommand::Submit(Box::new(SubmitTask {
            task_id: id,
            session_id: request.session_id,
            agent: request.agent,
            priority: request.priority,
            max_steps: request.max_steps,
            input,
            webhook,
            retry_of: request.retry_of,
        }));
        self.execute_new(origin, &StreamId::task(scope, id), &submit).await
    }

    /// Any other command on a task.
    pub async fn task(
        &self,
        origin: &Origin,
        id: TaskId,
        command: &TaskCommand,
    ) -> Result<Done<Task>, CommandError> {
        self.execute(origin, &StreamId::task(origin.scope, id), command).await
    }

    /// Seals a part of a task under its session's key.
    pub async fn seal_task(
        &self,
        owner: (Scope, SessionId),
        task: TaskId,
        part: TaskPart,
        plain: &[u8],
    ) -> Result<Payload, CommandError> {
        let purpose = part.purpose(task);
        Ok(seal_payload(&self.vault, &self.blobs, owner, &purpose, plain).await?)
    }

    /// The same for what is kept as JSON.
    pub async fn seal_task_json(
        &self,
        owner: (Scope, SessionId),
        task: TaskId,
        part: TaskPart,
        plain: &impl Serialize,
    ) -> Result<Payload, CommandError> {
        let json = serde_json::to_vec(plain)
            .map_err(|error| CommandError::Unavailable(format!("not JSON: {error}")))?;
        self.seal_task(owner, task, part, &json).await
    }

    pub async fn open_task(
        &self,
        scope: Scope,
        task: TaskId,
        part: TaskPart,
        payload: &Payload,
    ) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        let purpose = part.purpose(task);
        Ok(open_payload(&self.vault, &self.blobs, scope, &purpose, payload).await?)
    }

    /// The same for what is a text.
    pub async fn open_task_text(
        &self,
        scope: Scope,
        task: TaskId,
        part: TaskPart,
        payload: &Payload,
    ) -> Result<String, CommandError> {
        let plain = self.open_task(scope, task, part, payload).await?;
        Ok(String::from_utf8_lossy(&plain).into_owned())
    }

    async fn session_takes_tasks(&self, scope: Scope, id: SessionId) -> Result<(), CommandError> {
        let session = self.load::<Session>(&StreamId::session(scope, id)).await?.state;
        let session = session.ok_or_else(|| Rejection::not_found("session"))?;
        match session.status {
            SessionStatus::Active | SessionStatus::Paused => Ok(session.has_something_left(now())?),
            SessionStatus::Ended => {
                Err(Rejection::conflict("This session has ended; create a new one.").into())
            }
        }
    }

    async fn agent_takes_tasks(
        &self,
        scope: Scope,
        session: SessionId,
        id: AgentId,
    ) -> Result<(), CommandError> {
        let agent = self.load::<Agent>(&StreamId::agent(scope, id)).await?.state;
        let agent = agent
            .filter(|agent| agent.session_id == session)
            .ok_or_else(|| Rejection::not_found("agent"))?;
        let rule = match (&agent.pending, agent.state) {
            (Some(pending), _) if pending.ends() => "it is about to end; create a new agent",
            (Some(_), _) => "it is being paused or resumed; try again when it is idle",
            (None, AgentState::Paused) => "resume it first",
            (None, state) if state.is_final() => "create a new agent, or retry its last task",
            (None, _) => return Ok(()),
        };
        let state = agent.state.as_str();
        Err(Rejection::conflict(format!("This agent is {state} and takes no task: {rule}.")).into())
    }
}
