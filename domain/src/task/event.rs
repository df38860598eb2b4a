use serde::{Deserialize, Serialize};

use crate::agent::{AgentSpec, Failure};
use crate::event::events;
use crate::pricing::ModelUsage;
use crate::{AgentId, Payload, SessionId, TaskId};

/// Which tasks go first.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    High,
    #[default]
    Normal,
    Low,
}

/// Who runs a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "agent", rename_all = "camelCase")]
pub enum TaskAgent {
    /// An agent that is there, and stays.
    #[serde(rename_all = "camelCase")]
    Existing { agent_id: AgentId },
    /// An agent of its own, made when the task starts and gone when it ends.
    #[serde(rename_all = "camelCase")]
    Own { agent_id: AgentId, spec: Box<AgentSpec> },
}

impl TaskAgent {
    pub const fn id(&self) -> AgentId {
        match self {
            TaskAgent::Existing { agent_id } | TaskAgent::Own { agent_id, .. } => *agent_id,
        }
    }
}

/// What a model is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// The next turn of the run.
    Turn,
    /// A summary of all before it, which takes its place: it had outgrown the model's window.
    Summary,
}

/// Why a task is in the queue again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RequeueReason {
    /// Its worker was silent for too long.
    LeaseExpired,
    /// Its worker died, and this is known.
    WorkerLost,
    /// Its worker stops, and hands it back.
    Shutdown,
    /// What it waited for is there.
    Resumed,
    /// Its agent was not free after all.
    AgentBusy,
}

/// What a task waits for, without a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SuspendReason {
    /// Its agent is paused.
    AgentPaused,
}

/// A file that a run made or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Absolute, below `/workspace`.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Kept where the agent is gone when the task has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Payload>,
}

impl Artifact {
    /// Bytes of memory that it takes, about.
    pub(super) fn weight(&self) -> usize {
        size_of::<Self>() + self.path.len() + self.content.as_ref().map_or(0, Payload::weight)
    }
}

events! {
    TaskEvent {
        Submitted = "task.submitted" {
            task_id: TaskId,
            session_id: SessionId,
            agent: TaskAgent,
            priority: Priority,
            /// Model calls that it may make.
            max_steps: u32,
            /// A JSON text: a string or an object.
            input: Payload,
            /// The URL that is told when it has ended.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            webhook: Option<Payload>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            retry_of: Option<TaskId>,
        }
        /// A worker has claimed it. `attempt` is the fencing token of all that it reports.
        Started = "task.started" {
            session_id: SessionId,
            agent_id: AgentId,
            attempt: u32,
            worker: String,
        }
        /// A sign of life of a worker whose step takes long.
        LeaseRenewed = "task.lease_renewed" {
            attempt: u32,
        }
        Requeued = "task.requeued" {
            attempt: u32,
            reason: RequeueReason,
        }
        Suspended = "task.suspended" {
            attempt: u32,
            reason: SuspendReason,
        }
        /// The files that the agent had before the run: what is not among them is an artifact.
        BaselineRecorded = "task.baseline_recorded" {
            attempt: u32,
            files: Payload,
        }
        ModelCallStarted = "task.model_call_started" {
            attempt: u32,
            step: u32,
            purpose: Purpose,
            /// The vendor, or the gateway's host.
            vendor: String,
            /// As it is asked for.
            model: String,
        }
        ModelCallCompleted = "task.model_call_completed" {
            session_id: SessionId,
            agent_id: AgentId,
            attempt: u32,
            step: u32,
            /// The whole turn, with the vendor's own blocks.
            turn: Payload,
            /// Why the model stopped (`end`, `tools`, `length`, …).
            finish: String,
            usage: ModelUsage,
            duration_ms: u64,
        }
        ModelCallFailed = "task.model_call_failed" {
            session_id: SessionId,
            agent_id: AgentId,
            attempt: u32,
            step: u32,
            failure: Failure,
            /// What the broken call had used by then, where that is known.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            usage: Option<ModelUsage>,
        }
        ToolCallStarted = "task.tool_call_started" {
            attempt: u32,
            step: u32,
            /// The step of the model call that asked for it.
            of: u32,
            /// The model's id of the call, unique within its turn.
            call_id: String,
            tool: String,
            input: Payload,
            /// Whether it may be done again when what came of it is not known.
            repeatable: bool,
        }
        ToolCallCompleted = "task.tool_call_completed" {
            attempt: u32,
            step: u32,
            /// As the model sees it.
            output: Payload,
            /// All of it, where the model sees a part.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            whole: Option<Payload>,
            is_error: bool,
            duration_ms: u64,
        }
        ProgressReported = "task.progress_reported" {
            attempt: u32,
            /// Thousandths.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            progress: Option<u16>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            message: Option<Payload>,
        }
        ArtifactDeclared = "task.artifact_declared" {
            attempt: u32,
            path: String,
        }
        CancelRequested = "task.cancel_requested" {
            reason: String,
        }
        Completed = "task.completed" {
            session_id: SessionId,
            agent_id: AgentId,
            attempt: u32,
            output: Payload,
            artifacts: Vec<Artifact>,
        }
        Failed = "task.failed" {
            session_id: SessionId,
            agent_id: AgentId,
            failure: Failure,
            /// What it had said by then.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            output: Option<Payload>,
            artifacts: Vec<Artifact>,
        }
        Cancelled = "task.cancelled" {
            session_id: SessionId,
            agent_id: AgentId,
            reason: String,
        }
    }
}
