use std::collections::BTreeSet;

use crate::agent::Failure;
use crate::pricing::ModelUsage;
use crate::{Payload, Rejection};

use super::{MAX_ARTIFACTS, Purpose, Task, TaskEvent};

/// One thing that an attempt reports.
#[derive(Debug, Clone)]
pub enum Entry {
    /// The files that the agent had before the run. The first one holds.
    Baseline {
        files: Payload,
    },
    ModelCallStarted {
        purpose: Purpose,
        vendor: String,
        model: String,
    },
    ModelCallCompleted {
        step: u32,
        turn: Payload,
        finish: String,
        usage: ModelUsage,
        duration_ms: u64,
    },
    ModelCallFailed {
        step: u32,
        failure: Failure,
        usage: Option<ModelUsage>,
    },
    ToolCallStarted {
        of: u32,
        call_id: String,
        tool: String,
        input: Payload,
        repeatable: bool,
    },
    ToolCallCompleted {
        step: u32,
        output: Payload,
        whole: Option<Payload>,
        is_error: bool,
        duration_ms: u64,
    },
    Progress {
        progress: Option<u16>,
        message: Option<Payload>,
    },
    Artifact {
        path: String,
    },
}

/// A report as far as it was read: what its entries have come to so far.
struct Report<'a> {
    task: &'a Task,
    attempt: u32,
    /// The number of the next step that begins.
    next: u32,
    finished: BTreeSet<u32>,
    has_baseline: bool,
    declared: BTreeSet<&'a str>,
}

/// What `attempt` reports, in order; the caller has checked that it is the one that runs.
pub(super) fn decide(
    task: &Task,
    attempt: u32,
    entries: &[Entry],
) -> Result<Vec<TaskEvent>, Rejection> {
    let next = u32::try_from(task.steps.len()).unwrap_or(u32::MAX);
    let mut report = Report {
        task,
        attempt,
        next,
        finished: BTreeSet::new(),
        has_baseline: task.baseline.is_some(),
        declared: BTreeSet::new(),
    };
    entries.iter().filter_map(|entry| report.event(entry).transpose()).collect()
}

impl<'a> Report<'a> {
    fn event(&mut self, entry: &'a Entry) -> Result<Option<TaskEvent>, Rejection> {
        let attempt = self.attempt;
        Ok(Some(match entry.clone() {
            Entry::Baseline { .. } if self.has_baseline => return Ok(None),
            Entry::Baseline { files } => {
                self.has_baseline = true;
                TaskEvent::BaselineRecorded { attempt, files }
            }
            Entry::ModelCallStarted { purpose, vendor, model } => {
                let step = self.begin();
                TaskEvent::ModelCallStarted { attempt, step, purpose, vendor, model }
            }
            Entry::ToolCallStarted { of, call_id, tool, input, repeatable } => {
                let step = self.begin();
                TaskEvent::ToolCallStarted { attempt, step, of, call_id, tool, input, repeatable }
            }
            Entry::ModelCallCompleted { step, turn, finish, usage, duration_ms } => {
                self.finish(step, true)?;
                TaskEvent::ModelCallCompleted {
                    session_id: self.task.session_id,
                    agent_id: self.task.agent_id(),
                    attempt,
                    step,
                    turn,
                    finish,
                    usage,
                    duration_ms,
                }
            }
            Entry::ModelCallFailed { step, failure, usage } => {
                self.finish(step, true)?;
                let (session_id, agent_id) = (self.task.session_id, self.task.agent_id());
                TaskEvent::ModelCallFailed { session_id, agent_id, attempt, step, failure, usage }
            }
            Entry::ToolCallCompleted { step, output, whole, is_error, duration_ms } => {
                self.finish(step, false)?;
                TaskEvent::ToolCallCompleted { attempt, step, output, whole, is_error, duration_ms }
            }
            Entry::Progress { progress, message } => {
                let progress = progress.map(|p| p.min(1_000));
                TaskEvent::ProgressReported { attempt, progress, message }
            }
            Entry::Artifact { .. } => return self.declare(entry),
        }))
    }

    fn begin(&mut self) -> u32 {
        let step = self.next;
        self.next = self.next.saturating_add(1);
        step
    }

    /// An outcome belongs to a step that waits for one: a finished step is never finished again,
    /// also not by the same report.
    fn finish(&mut self, step: u32, of_model: bool) -> Result<(), Rejection> {
        let waits = |s: &super::Step| !s.is_finished() && s.as_model().is_some() == of_model;
        // The step is one of the last ones.
        let begun = self.task.steps.iter().rev().find(|s| s.number == step);
        if begun.is_some_and(|s| waits(s)) && self.finished.insert(step) {
            return Ok(());
        }
        Err(Rejection::conflict(format!("Step {step} of this task waits for no such outcome.")))
    }

    fn declare(&mut self, entry: &'a Entry) -> Result<Option<TaskEvent>, Rejection> {
        let Entry::Artifact { path } = entry else { return Ok(None) };
        let is_full = self.task.declared.len() + self.declared.len() >= MAX_ARTIFACTS;
        // Those beyond the limit are left out: a report that is refused is made again for ever.
        if self.task.declared.contains(path) || is_full || !self.declared.insert(path) {
            return Ok(None);
        }
        Ok(Some(TaskEvent::ArtifactDeclared { attempt: self.attempt, path: path.clone() }))
    }
}
