use std::borrow::Cow;
use std::collections::BTreeMap;

use theazo_domain::task::{Purpose, RequeueReason, SuspendReason, TaskEvent};
use theazo_domain::{Event, StreamId, TaskId};
use theazo_log::{Commit, Position};

use super::{Beat, Call, Tell};
use crate::wire::stream::Status;

/// A task as far as it was read.
#[derive(Debug)]
pub(in crate::stream) struct TaskScript {
    stream: StreamId,
    id: TaskId,
    open: Option<Call>,
    /// Id and name of each tool call without an outcome, by its step.
    tools: BTreeMap<u32, (String, String)>,
    /// Thousandths.
    progress: u16,
    is_over: bool,
}

impl TaskScript {
    pub fn new(stream: StreamId, id: TaskId) -> Self {
        Self { stream, id, open: None, tools: BTreeMap::new(), progress: 0, is_over: false }
    }

    pub fn id(&self) -> TaskId {
        self.id
    }

    pub fn stream(&self) -> &StreamId {
        &self.stream
    }

    /// Whether its last event was read.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    pub fn play(&mut self, commit: &Commit, beats: &mut Vec<Beat>) {
        for event in &commit.events {
            if let Event::Task(event) = event {
                self.event(event, commit.position, beats);
            }
        }
    }

    fn event(&mut self, event: &TaskEvent, at: Position, beats: &mut Vec<Beat>) {
        match event {
            TaskEvent::Submitted { .. } => beats.push(self.status("queued", None, None)),
            TaskEvent::Started { attempt, .. } => {
                beats.push(self.status("running", Some(*attempt), None));
            }
            TaskEvent::Requeued { attempt, reason } => {
                let reason = requeue_reason(*reason);
                beats.push(self.status("queued", Some(*attempt), Some(reason.into())));
            }
            TaskEvent::Suspended { attempt, reason } => {
                let SuspendReason::AgentPaused = reason;
                beats.push(self.status("paused", Some(*attempt), Some("agent_paused".into())));
            }
            TaskEvent::CancelRequested { reason } => {
                beats.push(self.status("cancelling", None, Some(reason.clone().into())));
            }
            TaskEvent::ModelCallStarted { step, purpose, .. } => {
                self.call_started(*step, *purpose, at, beats);
            }
            TaskEvent::ModelCallCompleted { step, turn, .. } => {
                if let Some(call) = self.open.take_if(|call| call.step == *step) {
                    beats.push(Beat::Closes { call, turn: turn.clone() });
                }
            }
            TaskEvent::ModelCallFailed { step, failure, .. } => {
                if let Some(call) = self.open.take_if(|call| call.step == *step) {
                    self.discard(&call, failure.message.clone(), beats);
                }
            }
            TaskEvent::Completed { .. } => {
                self.discard_open(beats);
                beats.push(Beat::Tells(Tell::Output { task: self.id, at }));
                beats.push(Beat::Tells(Tell::Done { task: self.id, at }));
                self.is_over = true;
            }
            TaskEvent::Failed { failure, output, .. } => {
                self.discard_open(beats);
                if output.is_some() {
                    beats.push(Beat::Tells(Tell::Output { task: self.id, at }));
                }
                self.ends_badly(&failure.code, &failure.message, beats);
            }
            TaskEvent::Cancelled { reason, .. } => {
                self.discard_open(beats);
                self.ends_badly("cancelled", reason, beats);
            }
            TaskEvent::LeaseRenewed { .. }
            | TaskEvent::BaselineRecorded { .. }
            | TaskEvent::ArtifactDeclared { .. } => {}
            TaskEvent::ToolCallStarted { .. }
            | TaskEvent::ToolCallCompleted { .. }
            | TaskEvent::ProgressReported { .. } => self.report(event, beats),
        }
    }

    fn call_started(&mut self, step: u32, purpose: Purpose, at: Position, beats: &mut Vec<Beat>) {
        self.discard_open(beats);
        // A summary is between the platform and the model.
        if purpose == Purpose::Turn {
            let call = Call { stream: self.stream.clone(), at, task: self.id, step };
            self.open = Some(call.clone());
            beats.push(Beat::Opens(call));
        }
    }

    /// Tool calls and progress.
    fn report(&mut self, event: &TaskEvent, beats: &mut Vec<Beat>) {
        let task = self.id;
        beats.push(Beat::Tells(match event {
            TaskEvent::ToolCallStarted { step, call_id, tool, input, .. } => {
                self.tools.insert(*step, (call_id.clone(), tool.clone()));
                let (id, tool, input) = (call_id.clone(), tool.clone(), input.clone());
                Tell::ToolCall { task, step: *step, id, tool, input }
            }
            TaskEvent::ToolCallCompleted { step, output, is_error, duration_ms, .. } => {
                // It was begun: a task does not take the outcome of a step that was not.
                let (id, tool) = self.tools.remove(step).unwrap_or_default();
                Tell::ToolResult {
                    task,
                    step: *step,
                    id,
                    tool,
                    output: output.clone(),
                    is_error: *is_error,
                    duration_ms: *duration_ms,
                }
            }
            TaskEvent::ProgressReported { progress, message, .. } => {
                self.progress = progress.unwrap_or(self.progress);
                Tell::Progress { task, progress: self.progress, message: message.clone() }
            }
            _ => return,
        }));
    }

    /// A call that was begun will have no outcome any more.
    fn discard_open(&mut self, beats: &mut Vec<Beat>) {
        if let Some(lost) = self.open.take() {
            self.discard(&lost, "the model call was lost".to_owned(), beats);
        }
    }

    fn discard(&self, call: &Call, reason: String, beats: &mut Vec<Beat>) {
        beats.push(Beat::Drops);
        beats.push(Beat::Tells(Tell::Status(Status {
            status: "running",
            task_id: Some(self.id),
            reason: Some(reason.into()),
            discarded_step: Some(call.step),
            ..Status::default()
        })));
    }

    fn ends_badly(&mut self, code: &str, message: &str, beats: &mut Vec<Beat>) {
        let (code, message) = (code.to_owned(), message.to_owned());
        beats.push(Beat::Tells(Tell::Error { task: self.id, code, message }));
        self.is_over = true;
    }

    fn status(
        &self,
        status: &'static str,
        attempt: Option<u32>,
        reason: Option<Cow<'static, str>>,
    ) -> Beat {
        let task_id = Some(self.id);
        Beat::Tells(Tell::Status(Status { status, task_id, attempt, reason, ..Status::default() }))
    }
}

const fn requeue_reason(reason: RequeueReason) -> &'static str {
    match reason {
        RequeueReason::LeaseExpired => "lease_expired",
        RequeueReason::WorkerLost => "worker_lost",
        RequeueReason::Shutdown => "shutdown",
        RequeueReason::Resumed => "resumed",
        RequeueReason::AgentBusy => "agent_busy",
    }
}
