//! A task: one run of an agent, from its submission to its end.
//!
//! A worker claims a task with [`TaskCommand::Start`], which numbers the attempt. That number is
//! the fencing token: whatever an attempt reports names it, and what an overtaken attempt reports
//! is refused. Every report is a sign of life that renews the lease; a worker that has nothing to
//! report sends one of its own.
//!
//! The steps (model calls and tool calls) are each an intent and an outcome. The outcome of one
//! step and the intents of those that follow from it are one commit, so that a step costs one
//! write, not two.

mod decide;
mod event;
#[cfg(test)]
mod properties;
mod report;
mod state;
mod step;
#[cfg(test)]
mod tests;

pub use decide::{Ending, SubmitTask, TaskCommand};
pub use event::{Artifact, Priority, Purpose, RequeueReason, SuspendReason, TaskAgent, TaskEvent};
pub use report::Entry;
pub use state::{Task, TaskStatus};
pub use step::{ModelStep, Step, StepKind, ToolStep};

use std::fmt;

/// How long a worker may be silent before its task is given to another, in milliseconds.
pub const LEASE_MILLIS: u64 = 30_000;
/// Model calls of one run when the caller says nothing.
pub const MAX_STEPS_DEFAULT: u32 = 100;
/// Model calls of one run at most.
pub const MAX_STEPS_MAX: u32 = 1_000;
/// Artifacts of one task at most.
pub const MAX_ARTIFACTS: usize = 1_000;

impl Priority {
    /// In the order in which they are served.
    pub const ALL: [Priority; 3] = [Priority::High, Priority::Normal, Priority::Low];

    pub const fn as_str(self) -> &'static str {
        match self {
            Priority::High => "high",
            Priority::Normal => "normal",
            Priority::Low => "low",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
