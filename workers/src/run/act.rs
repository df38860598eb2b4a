//! The tools of one turn, all at once: their intents, their effects, their outcomes.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use theazo_commands::{CommandError, TaskPart};
use theazo_domain::agent::AgentState;
use theazo_domain::task::{Entry, Purpose, Step};
use theazo_models::{ToolCall, estimate_tokens};
use tokio::time::sleep_until;

use crate::tools::{Note, ToolError, ToolOutput, shorten};

use super::perform::{Performed, perform};
use super::{Begun, Run, RunError, Went};

/// The pause between two looks at a signal that is about to come.
const ABOUT_TO_HEAR: Duration = Duration::from_millis(10);

impl Run {
    /// Carries out `calls` of the model step `of` and commits what comes of each as it comes.
    pub(super) async fn act(&mut self, of: u32, calls: Vec<ToolCall>) -> Result<Went, RunError> {
        self.record_baseline().await?;
        let begun = self.task.steps.iter().filter_map(|step| step.as_tool());
        let begun: Vec<&str> =
            begun.filter(|tool| tool.of == of).map(|tool| tool.call_id.as_str()).collect();
        let new: Vec<ToolCall> =
            calls.iter().filter(|call| !begun.contains(&call.id.as_str())).cloned().collect();
        if !self.take_gate().await? {
            return Ok(Went::On);
        }
        if !new.is_empty() {
            let intents = self.tool_intents(of, &new).await?;
            if intents.is_empty() {
                // To be stopped: the next turn of the loop sees it.
                self.gate = None;
                return Ok(Went::On);
            }
            self.report(intents).await?;
        }
        let went = self.carry_out(of, &calls).await;
        self.gate = None;
        went
    }

    async fn carry_out(&mut self, of: u32, calls: &[ToolCall]) -> Result<Went, RunError> {
        let mut acting = FuturesUnordered::new();
        for step in self.task.unfinished().cloned().collect::<Vec<_>>() {
            let Some(tool) = step.as_tool().filter(|tool| tool.of == of) else { continue };
            let call = calls.iter().find(|call| call.id == tool.call_id).cloned();
            let stage = self.stage(&step).await?;
            acting.push(perform(stage, step, call));
        }
        while !acting.is_empty() {
            let due = self.sign_of_life();
            tokio::select! {
                biased;
                stop = self.signal.hard() => {
                    // Dropped, what runs is killed.
                    drop(acting);
                    let entries = self.stopped_tools(&stop).await?;
                    return Ok(Went::Stopped(stop, entries));
                }
                () = sleep_until(due) => self.renew().await?,
                Some(acted) = acting.next() => {
                    self.acted(acted, acting.is_empty()).await?;
                }
            }
        }
        Ok(Went::On)
    }

    /// Commits the outcome of one call; after the last one of a turn with the intent of the next.
    async fn acted(&mut self, acted: Performed, last: bool) -> Result<(), RunError> {
        let Performed { step, output, duration_ms } = acted;
        let output = match output {
            Ok(output) => output,
            Err(ToolError::Gone) => ToolOutput::error(ToolError::Gone.to_string()),
            Err(ToolError::Unavailable(why)) => {
                return Err(CommandError::Unavailable(why).into());
            }
        };
        let mut entries = self.tool_outcome(&step, &output, duration_ms).await?;
        if last && self.goes_on() {
            let begun = self.next_step();
            entries.push(self.intent(Purpose::Turn));
            let at = self.report(entries).await?;
            self.begun = Some(Begun { step: begun, at });
        } else {
            self.report(entries).await?;
        }
        Ok(())
    }

    /// Whether the model is asked next, as far as is known now.
    fn goes_on(&self) -> bool {
        self.signal.now().is_none() && !self.is_full() && !self.is_out_of_steps()
    }

    async fn tool_outcome(
        &mut self,
        step: &Arc<Step>,
        output: &ToolOutput,
        duration_ms: u64,
    ) -> Result<Vec<Entry>, RunError> {
        let number = step.number;
        let (shown, cut) = shorten(number, &output.text);
        let whole = match cut {
            true => {
                let part = TaskPart::ToolWhole { step: number };
                Some(self.seal(part, output.text.as_bytes()).await?)
            }
            false => None,
        };
        let mut entries = vec![Entry::ToolCallCompleted {
            step: number,
            output: self.seal(TaskPart::ToolOutput { step: number }, shown.as_bytes()).await?,
            whole,
            is_error: output.is_error,
            duration_ms,
        }];
        for note in &output.notes {
            entries.push(match note {
                Note::Artifact(path) => Entry::Artifact { path: path.clone() },
                Note::Progress { progress, message } => {
                    let message = match message {
                        Some(text) => Some(self.seal(TaskPart::Message, text.as_bytes()).await?),
                        None => None,
                    };
                    Entry::Progress { progress: *progress, message }
                }
            });
        }
        self.filled = self.filled.saturating_add(estimate_tokens(&shown));
        if let Some(tool) = step.as_tool() {
            self.conversation.answered(tool, shown, output.is_error);
        }
        Ok(entries)
    }

    /// The intents of `calls`; none when the agent is being paused, for then they wait.
    pub(super) async fn tool_intents(
        &mut self,
        of: u32,
        calls: &[ToolCall],
    ) -> Result<Vec<Entry>, RunError> {
        if self.signal.now().is_some() || !self.try_gate().await? {
            return Ok(vec![]);
        }
        // The turn that asks for them is the last step there is.
        let first = self.next_step();
        let mut entries = Vec::with_capacity(calls.len());
        for (step, call) in (first..).zip(calls) {
            let part = TaskPart::ToolInput { step };
            entries.push(Entry::ToolCallStarted {
                of,
                call_id: call.id.clone(),
                tool: call.name.clone(),
                input: self.seal(part, call.arguments.as_bytes()).await?,
                // What is refused before it is done may be refused again.
                repeatable: self
                    .runner
                    .tools
                    .get(&call.name)
                    .is_none_or(|tool| tool.spec().repeatable),
            });
        }
        Ok(entries)
    }

    /// Waits until no pause is under way. False when the run is to stop, or is about to hear that
    /// it is.
    async fn take_gate(&mut self) -> Result<bool, RunError> {
        if self.gate.is_some() {
            return Ok(true);
        }
        let gate = self.runner.host.lane(self.agent.id).gate.clone();
        tokio::select! {
            gate = gate.read_owned() => self.gate = Some(gate),
            _ = self.signal.hard() => return Ok(false),
        }
        if self.agent_goes_on().await? {
            return Ok(true);
        }
        self.gate = None;
        // The agent's pause is in the log, and on its way to our ear.
        tokio::time::sleep(ABOUT_TO_HEAR).await;
        Ok(false)
    }

    async fn try_gate(&mut self) -> Result<bool, RunError> {
        if self.gate.is_none() {
            let gate = self.runner.host.lane(self.agent.id).gate.clone();
            self.gate = gate.try_read_owned().ok();
            if self.gate.is_some() && !self.agent_goes_on().await? {
                self.gate = None;
            }
        }
        Ok(self.gate.is_some())
    }

    /// Whether the agent is neither paused nor about to be: the gate alone does not say so once
    /// the pause is done.
    async fn agent_goes_on(&self) -> Result<bool, RunError> {
        let agent = self.runner.host.load_agent(self.scope, self.agent.id).await?;
        Ok(agent.is_some_and(|agent| {
            let pauses = agent.pending.as_ref().is_some_and(|pending| !pending.ends());
            agent.state != AgentState::Paused && !pauses
        }))
    }
}
