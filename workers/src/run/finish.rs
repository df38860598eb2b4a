//! How an attempt ends.

use theazo_commands::TaskPart;
use theazo_domain::agent::{Agent, AgentState, Failure, Pending};
use theazo_domain::session::{Session, SessionStatus};
use theazo_domain::task::{Ending, Entry, RequeueReason, SuspendReason, TaskCommand};
use theazo_domain::{Payload, StreamId};

use crate::meter::NOTHING_LEFT;

use super::ask::unmade;
use super::conversation::Verdict;
use super::{Run, RunError, Stop};

impl Run {
    /// The run has come to its own end.
    pub(super) async fn finish(mut self, verdict: Verdict) -> Result<(), RunError> {
        let artifacts = self.artifacts().await?;
        let ending = match verdict {
            Verdict::Completed { output } => {
                let output = self.seal(TaskPart::Output, output.as_bytes()).await?;
                Ending::Completed { output, artifacts }
            }
            Verdict::Failed { code, message, output } => {
                let failure = Failure { code: code.to_owned(), message };
                let output = self.sealed_output(&output).await?;
                Ending::Failed { failure, output, artifacts }
            }
        };
        self.end(vec![], ending).await
    }

    /// The run is stopped; `entries` are what is still to be reported.
    pub(super) async fn stop(
        mut self,
        stop: Stop,
        mut entries: Vec<Entry>,
    ) -> Result<(), RunError> {
        self.gate = None;
        if let Some(begun) = self.begun.take() {
            // It was to be made next, and was not.
            let (code, message) = words(&stop);
            entries.push(unmade(begun, code, message));
        }
        match stop {
            Stop::Overtaken => Err(RunError::Overtaken),
            Stop::Pause => {
                if self.is_paused_for_good().await? {
                    let message = NOTHING_LEFT.to_owned();
                    return self.fail(entries, "session_limit_exceeded", message).await;
                }
                self.report_rest(entries).await?;
                self.give_back().await?;
                let reason = SuspendReason::AgentPaused;
                let suspend = TaskCommand::Suspend { attempt: self.attempt(), reason };
                self.command(&suspend).await.map(|_| ())
            }
            Stop::Shutdown => {
                self.report_rest(entries).await?;
                self.give_back().await?;
                let reason = RequeueReason::Shutdown;
                let requeue = TaskCommand::Requeue { attempt: self.attempt(), reason };
                self.command(&requeue).await.map(|_| ())
            }
            Stop::Cancel { reason } => self.end(entries, Ending::Cancelled { reason }).await,
            Stop::Timeout { .. } => {
                let (code, message) = words(&stop);
                self.fail(entries, code, message).await
            }
            Stop::AgentEnded => {
                let ending = self.ending_of_agent().await?;
                self.end(entries, ending).await
            }
        }
    }

    /// Whether its agent is paused because its session can pay for nothing more.
    async fn is_paused_for_good(&self) -> Result<bool, RunError> {
        let commander = &self.runner.host.commander;
        let stream = StreamId::agent(self.scope, self.agent.id);
        let agent = commander.load::<Agent>(&stream).await?.state;
        if !agent.is_some_and(|agent| agent.paused_by_limit) {
            return Ok(false);
        }
        let stream = StreamId::session(self.scope, self.task.session_id);
        let session = commander.load::<Session>(&stream).await?.state;
        Ok(session.is_some_and(|session| session.status != SessionStatus::Paused))
    }

    /// Ends it as failed, with what it has made and said by now.
    async fn fail(
        &mut self,
        entries: Vec<Entry>,
        code: &str,
        message: String,
    ) -> Result<(), RunError> {
        let artifacts = self.artifacts().await?;
        let failure = Failure { code: code.to_owned(), message };
        let output = self.last_output().await?;
        self.end(entries, Ending::Failed { failure, output, artifacts }).await
    }

    /// The calls that were under way when the run was stopped: they have been stopped with it.
    pub(super) async fn stopped_tools(&mut self, stop: &Stop) -> Result<Vec<Entry>, RunError> {
        let (_, why) = words(stop);
        let text = format!("Stopped before it was done: {why}");
        let mut entries = Vec::new();
        let open: Vec<u32> = self
            .task
            .unfinished()
            .filter(|step| step.as_tool().is_some())
            .map(|step| step.number)
            .collect();
        for step in open {
            let output = self.seal(TaskPart::ToolOutput { step }, text.as_bytes()).await?;
            entries.push(Entry::ToolCallCompleted {
                step,
                output,
                whole: None,
                is_error: true,
                duration_ms: 0,
            });
        }
        Ok(entries)
    }

    async fn report_rest(&mut self, entries: Vec<Entry>) -> Result<(), RunError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.report(entries).await.map(|_| ())
    }

    async fn end(&mut self, entries: Vec<Entry>, ending: Ending) -> Result<(), RunError> {
        let end = TaskCommand::End { attempt: self.attempt(), entries, ending };
        self.command(&end).await.map(|_| ())
    }

    async fn sealed_output(&self, output: &str) -> Result<Option<Payload>, RunError> {
        if output.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.seal(TaskPart::Output, output.as_bytes()).await?))
    }

    async fn last_output(&self) -> Result<Option<Payload>, RunError> {
        let last = self.conversation.last_words().unwrap_or_default().to_owned();
        self.sealed_output(&last).await
    }

    /// Somebody ended the agent: a cancellation. It failed by itself: a failure.
    async fn ending_of_agent(&mut self) -> Result<Ending, RunError> {
        let stream = StreamId::agent(self.scope, self.agent.id);
        let agent = self.runner.host.commander.load_fresh::<Agent>(&stream).await?.state;
        let failure = agent
            .as_ref()
            .filter(|agent| agent.state == AgentState::Failed)
            .and_then(|agent| agent.failure.clone());
        if let Some(failure) = failure {
            let output = self.last_output().await?;
            return Ok(Ending::Failed { failure, output, artifacts: vec![] });
        }
        let reason = match agent.as_ref().and_then(|agent| agent.pending.as_ref()) {
            Some(Pending::Terminate { reason }) => reason.clone(),
            _ => "its agent was terminated".to_owned(),
        };
        Ok(Ending::Cancelled { reason })
    }
}

/// A stop as a failure's code and message.
pub(super) fn words(stop: &Stop) -> (&'static str, String) {
    match stop {
        Stop::Timeout { seconds } => (
            "timeout",
            format!(
                "The run took longer than its timeout of {seconds} s; give it a smaller task, or \
                 create the agent with a larger `timeout`."
            ),
        ),
        Stop::Cancel { reason } => ("cancelled", reason.clone()),
        Stop::AgentEnded => ("cancelled", "its agent has ended".to_owned()),
        Stop::Pause => ("paused", "its agent is being paused".to_owned()),
        Stop::Shutdown => ("restart", "the server is being restarted".to_owned()),
        Stop::Overtaken => ("restart", "another worker has the task".to_owned()),
    }
}
