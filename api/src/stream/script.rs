//! What the commits of a task or an agent say to a reader: a fold, which opens no payload.

mod agent;
mod task;

pub(super) use agent::AgentScript;
pub(super) use task::TaskScript;

use theazo_domain::{Payload, StreamId, TaskId};
use theazo_log::Position;

use crate::wire::stream::Status;

/// A model call that is under way: its text is live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// The task's.
    pub stream: StreamId,
    /// The commit of its intent.
    pub at: Position,
    pub task: TaskId,
    pub step: u32,
}

/// What a commit means to a reader, in order.
#[derive(Debug)]
pub(super) enum Beat {
    /// A model call begins: nothing of its text was given yet.
    Opens(Call),
    /// It has ended, and its whole text is here.
    Closes {
        call: Call,
        turn: Payload,
    },
    /// It has ended without an outcome: its text is void.
    Drops,
    Tells(Tell),
}

/// An event that is to be rendered.
#[derive(Debug)]
pub(super) enum Tell {
    Status(Status<'static>),
    ToolCall {
        task: TaskId,
        step: u32,
        id: String,
        tool: String,
        input: Payload,
    },
    ToolResult {
        task: TaskId,
        step: u32,
        id: String,
        tool: String,
        output: Payload,
        is_error: bool,
        duration_ms: u64,
    },
    Progress {
        task: TaskId,
        /// Thousandths.
        progress: u16,
        message: Option<Payload>,
    },
    /// The final text of a task that ended with the commit at `at`.
    Output {
        task: TaskId,
        at: Position,
    },
    Done {
        task: TaskId,
        at: Position,
    },
    Error {
        task: TaskId,
        code: String,
        message: String,
    },
}
