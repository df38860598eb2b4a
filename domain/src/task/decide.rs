use crate::agent::Failure;
use crate::{Ctx, Payload, Rejection, SessionId, TaskId};

use super::{
    Artifact, Entry, LEASE_MILLIS, MAX_ARTIFACTS, MAX_STEPS_MAX, Priority, RequeueReason,
    SuspendReason, Task, TaskAgent, TaskEvent, TaskStatus, report,
};

#[derive(Debug, Clone)]
pub struct SubmitTask {
    pub task_id: TaskId,
    pub session_id: SessionId,
    pub agent: TaskAgent,
    pub priority: Priority,
    pub max_steps: u32,
    pub input: Payload,
    pub webhook: Option<Payload>,
    pub retry_of: Option<TaskId>,
}

#[derive(Debug, Clone)]
pub enum TaskCommand {
    /// Repeating it for a task that exists changes nothing: its id is its own.
    Submit(Box<SubmitTask>),
    /// Claims a queued task. `attempt` is the one after the newest: of several workers one wins.
    Start {
        attempt: u32,
        worker: String,
    },
    Renew {
        attempt: u32,
    },
    /// What an attempt reports, in order; all of it or none.
    Report {
        attempt: u32,
        entries: Vec<Entry>,
    },
    /// An attempt has come to the task's end; `entries` is what is left to report.
    End {
        attempt: u32,
        entries: Vec<Entry>,
        ending: Ending,
    },
    Suspend {
        attempt: u32,
        reason: SuspendReason,
    },
    /// Back into the queue, from a worker or from waiting.
    Requeue {
        attempt: u32,
        reason: RequeueReason,
    },
    /// From the caller: at once where no worker has it, else the worker ends it.
    RequestCancel {
        reason: String,
    },
    /// A task that no worker has cannot be started any more.
    Abandon {
        failure: Failure,
    },
}

#[derive(Debug, Clone)]
pub enum Ending {
    Completed { output: Payload, artifacts: Vec<Artifact> },
    Failed { failure: Failure, output: Option<Payload>, artifacts: Vec<Artifact> },
    Cancelled { reason: String },
}

pub(super) fn decide(
    state: Option<&Task>,
    command: &TaskCommand,
    ctx: Ctx,
) -> Result<Vec<TaskEvent>, Rejection> {
    let task = match (state, command) {
        (None, TaskCommand::Submit(submit)) => return self::submit(submit),
        (Some(_), TaskCommand::Submit(_)) => return Ok(vec![]),
        (None, _) => return Err(Rejection::not_found("task")),
        (Some(task), _) => task,
    };
    match command {
        TaskCommand::Submit(_) => Ok(vec![]),
        TaskCommand::Start { attempt, worker } => start(task, *attempt, worker),
        TaskCommand::Renew { attempt } => {
            fenced(task, *attempt)?;
            Ok(vec![TaskEvent::LeaseRenewed { attempt: *attempt }])
        }
        TaskCommand::Report { attempt, entries } => {
            fenced(task, *attempt)?;
            report::decide(task, *attempt, entries)
        }
        TaskCommand::End { attempt, entries, ending } => {
            fenced(task, *attempt)?;
            let mut events = report::decide(task, *attempt, entries)?;
            events.push(end(task, *attempt, ending));
            Ok(events)
        }
        TaskCommand::Suspend { attempt, reason } => suspend(task, *attempt, *reason),
        TaskCommand::Requeue { attempt, reason } => requeue(task, *attempt, *reason, ctx),
        TaskCommand::RequestCancel { reason } => request_cancel(task, reason),
        TaskCommand::Abandon { failure } => Ok(abandon(task, failure)),
    }
}

fn submit(submit: &SubmitTask) -> Result<Vec<TaskEvent>, Rejection> {
    if !(1..=MAX_STEPS_MAX).contains(&submit.max_steps) {
        return Err(Rejection::invalid("maxSteps", format!("must be 1 to {MAX_STEPS_MAX}")));
    }
    Ok(vec![TaskEvent::Submitted {
        task_id: submit.task_id,
        session_id: submit.session_id,
        agent: submit.agent.clone(),
        priority: submit.priority,
        max_steps: submit.max_steps,
        input: submit.input.clone(),
        webhook: submit.webhook.clone(),
        retry_of: submit.retry_of,
    }])
}

fn start(task: &Task, attempt: u32, worker: &str) -> Result<Vec<TaskEvent>, Rejection> {
    if task.status != TaskStatus::Queued || attempt != task.attempt.saturating_add(1) {
        return Err(Rejection::conflict("Another worker has this task, or it has ended."));
    }
    Ok(vec![TaskEvent::Started {
        session_id: task.session_id,
        agent_id: task.agent_id(),
        attempt,
        worker: worker.to_owned(),
    }])
}

/// The rule that keeps zombies out: only the newest attempt reports, and only while it runs.
fn fenced(task: &Task, attempt: u32) -> Result<(), Rejection> {
    if task.status == TaskStatus::Running && task.attempt == attempt {
        return Ok(());
    }
    let now = match task.status {
        TaskStatus::Suspended => "suspended",
        status => status.as_str(),
    };
    Err(Rejection::conflict(format!(
        "Attempt {attempt} of this task was overtaken: it is {now}, and its newest attempt is {}.",
        task.attempt,
    )))
}

/// A task that is to be cancelled waits for nothing, also not in the queue: nobody would end it.
fn suspend(task: &Task, attempt: u32, reason: SuspendReason) -> Result<Vec<TaskEvent>, Rejection> {
    fenced(task, attempt)?;
    Ok(vec![match &task.cancel {
        Some(asked) => cancelled(task, asked),
        None => TaskEvent::Suspended { attempt, reason },
    }])
}

fn cancelled(task: &Task, reason: &str) -> TaskEvent {
    let (session_id, agent_id) = (task.session_id, task.agent_id());
    TaskEvent::Cancelled { session_id, agent_id, reason: reason.to_owned() }
}

/// Artifacts beyond the limit are left out: a task always comes to its end.
fn end(task: &Task, attempt: u32, ending: &Ending) -> TaskEvent {
    let (session_id, agent_id) = (task.session_id, task.agent_id());
    match ending.clone() {
        Ending::Completed { output, mut artifacts } => {
            artifacts.truncate(MAX_ARTIFACTS);
            TaskEvent::Completed { session_id, agent_id, attempt, output, artifacts }
        }
        Ending::Failed { failure, output, mut artifacts } => {
            artifacts.truncate(MAX_ARTIFACTS);
            TaskEvent::Failed { session_id, agent_id, failure, output, artifacts }
        }
        Ending::Cancelled { reason } => cancelled(task, &reason),
    }
}

fn requeue(
    task: &Task,
    attempt: u32,
    reason: RequeueReason,
    ctx: Ctx,
) -> Result<Vec<TaskEvent>, Rejection> {
    let running = task.status == TaskStatus::Running;
    let due = match reason {
        RequeueReason::Resumed => task.status == TaskStatus::Suspended,
        RequeueReason::LeaseExpired => {
            running && ctx.now.millis_since(task.alive_at) >= LEASE_MILLIS
        }
        _ => running,
    };
    if due && task.attempt == attempt {
        return Ok(vec![match &task.cancel {
            Some(asked) => cancelled(task, asked),
            None => TaskEvent::Requeued { attempt, reason },
        }]);
    }
    // Somebody else has done it, or the worker has shown life meanwhile.
    Ok(vec![])
}

fn request_cancel(task: &Task, reason: &str) -> Result<Vec<TaskEvent>, Rejection> {
    match task.status {
        TaskStatus::Queued | TaskStatus::Suspended => Ok(vec![cancelled(task, reason)]),
        TaskStatus::Running if task.cancel.is_some() => Ok(vec![]),
        TaskStatus::Running => Ok(vec![TaskEvent::CancelRequested { reason: reason.to_owned() }]),
        done => Err(Rejection::conflict(format!(
            "This task is {} already; only a queued or running one can be cancelled.",
            done.as_str(),
        ))),
    }
}

fn abandon(task: &Task, failure: &Failure) -> Vec<TaskEvent> {
    if !matches!(task.status, TaskStatus::Queued | TaskStatus::Suspended) {
        return vec![];
    }
    vec![TaskEvent::Failed {
        session_id: task.session_id,
        agent_id: task.agent_id(),
        failure: failure.clone(),
        output: None,
        artifacts: vec![],
    }]
}

impl RequeueReason {
    /// Whether nobody worked on it since its last sign of life.
    pub(super) const fn is_loss(self) -> bool {
        matches!(self, RequeueReason::LeaseExpired | RequeueReason::WorkerLost)
    }
}
