//! One attempt at a task: the loop model → tool → model.
//!
//! ```text
//! ask the model ──▶ it wants tools ──▶ carry them out, all at once ──┐
//!      ▲                                                             │
//!      └─────────────────────────────────────────────────────────────┘
//! ask the model ──▶ it has said all ──▶ the task is completed
//! ```
//!
//! Every step is an intent and an outcome in the task's stream, and the outcome of one step is in
//! the same commit as the intents of those that follow from it. The conversation is the fold of
//! those commits, so an attempt that begins after a crash goes on where the last one broke off:
//! what has an outcome is not done again.

mod act;
mod artifacts;
mod ask;
mod budget;
mod conversation;
mod cost;
mod finish;
mod perform;
mod resume;
mod stop;
mod summary;

use std::sync::Arc;
use std::time::Duration;

use theazo_commands::{CommandError, TaskPart};
use theazo_domain::agent::Agent;
use theazo_domain::model_prices::ModelPrices;
use theazo_domain::task::{Entry, MAX_STEPS_MAX, Task, TaskCommand};
use theazo_domain::{Rejection, Scope, SessionId, StreamId};
use theazo_log::Position;
use theazo_log::live::Live;
use theazo_models::{Models, Route, Secrets, ToolSchema};
use tokio::sync::OwnedRwLockReadGuard;
use tokio::time::Instant;

use crate::Host;
use crate::tools::Registry;

use conversation::{Conversation, Next, Verdict};
use stop::Signal;
pub(crate) use stop::{Stop, Stopper};

/// A worker that has not reported anything for so long says that it lives: a third of the lease.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// What runs are made with.
pub struct Runner {
    pub host: Arc<Host>,
    pub models: Models,
    pub tools: Registry,
    pub live: Live,
}

/// Why an attempt broke off without an end of its task.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// Another attempt has the task: nothing more is to be said about it.
    #[error("the attempt was overtaken")]
    Overtaken,
    /// The log, the vault or the blob store cannot be reached.
    #[error(transparent)]
    Command(CommandError),
}

impl From<CommandError> for RunError {
    fn from(error: CommandError) -> Self {
        match error {
            // What an attempt reports is refused only when another one has the task.
            CommandError::Rejected(Rejection::Conflict(_)) => RunError::Overtaken,
            error => RunError::Command(error),
        }
    }
}

/// A model call whose intent is in the log.
#[derive(Debug, Clone, Copy)]
struct Begun {
    step: u32,
    /// The commit of the intent.
    at: Position,
}

/// One attempt at a task.
pub(crate) struct Run {
    runner: Arc<Runner>,
    scope: Scope,
    /// As of this attempt's last commit.
    task: Arc<Task>,
    agent: Arc<Agent>,
    /// A JSON text.
    input: String,
    route: Route,
    secrets: Secrets,
    tools: Arc<[ToolSchema]>,
    conversation: Conversation,
    signal: Signal,
    /// The org's own prices, as they were when the attempt began.
    own_prices: Arc<ModelPrices>,
    begun: Option<Begun>,
    /// What it may spend.
    reserved: budget::Reserved,
    /// Held while tools run: a pause of the agent waits for them.
    gate: Option<OwnedRwLockReadGuard<()>>,
    /// Tokens of the prompt and the answer of the last call.
    filled: u64,
    /// Calls in a row that broke off and may succeed when they are made again.
    broken: u32,
    reported_at: Instant,
}

/// What a step came to, for the loop.
enum Went {
    On,
    /// To be stopped; the entries are what is still to be reported.
    Stopped(Stop, Vec<Entry>),
    /// The run cannot go on.
    Over(Verdict),
}

impl Run {
    /// Works on the task until it ends, is suspended, or is taken away.
    pub async fn work(mut self) -> Result<(), RunError> {
        self.close_what_was_lost().await?;
        loop {
            // Tools that were begun are carried to their end before a pause.
            if let Some(stop) = self.signal.now()
                && (stop.is_hard() || self.gate.is_none())
            {
                let entries = match stop.is_hard() {
                    // Of an attempt that was lost.
                    true => self.stopped_tools(&stop).await?,
                    false => vec![],
                };
                return self.stop(stop, entries).await;
            }
            let went = match self.conversation.next() {
                Next::End(verdict) => return self.finish(verdict).await,
                Next::Act { of, calls } => self.act(of, calls).await?,
                Next::Ask if self.is_full() => self.summarise().await?,
                Next::Ask if self.is_out_of_steps() => Went::Over(self.too_long()),
                Next::Ask => self.ask().await?,
            };
            match went {
                Went::On => {}
                Went::Stopped(stop, entries) => return self.stop(stop, entries).await,
                Went::Over(verdict) => return self.finish(verdict).await,
            }
        }
    }

    /// The state is of this attempt's last commit.
    fn attempt(&self) -> u32 {
        self.task.attempt
    }

    fn owner(&self) -> (Scope, SessionId) {
        (self.scope, self.task.session_id)
    }

    /// Calls that came to nothing do not count: a crash must not shorten a run.
    fn is_out_of_steps(&self) -> bool {
        let calls = self.task.steps.iter().filter_map(|step| step.as_model());
        let made = calls.filter(|call| call.turn.is_some()).count();
        self.begun.is_none() && made >= self.task.max_steps as usize
    }

    fn too_long(&self) -> Verdict {
        let max = self.task.max_steps;
        Verdict::Failed {
            code: "max_steps_exceeded",
            message: format!(
                "The run made {max} model calls and was not done; give it a smaller task, or \
                 raise maxSteps (at most {MAX_STEPS_MAX}).",
            ),
            output: self.conversation.last_words().unwrap_or_default().to_owned(),
        }
    }

    /// Commits what this attempt has to say.
    async fn report(&mut self, entries: Vec<Entry>) -> Result<Position, RunError> {
        let report = TaskCommand::Report { attempt: self.attempt(), entries };
        self.command(&report).await
    }

    async fn command(&mut self, command: &TaskCommand) -> Result<Position, RunError> {
        let host = &self.runner.host;
        let origin = host.origin(self.scope);
        let done = host.commander.task(&origin, self.task.id, command).await?;
        self.task = done.state;
        self.reported_at = Instant::now();
        Ok(done.position)
    }

    /// When it is to say that it lives, if it says nothing else by then.
    fn sign_of_life(&self) -> Instant {
        self.reported_at + SIGN_OF_LIFE
    }

    async fn renew(&mut self) -> Result<(), RunError> {
        let renew = TaskCommand::Renew { attempt: self.attempt() };
        self.command(&renew).await.map(|_| ())
    }

    async fn seal(&self, part: TaskPart, plain: &[u8]) -> Result<theazo_domain::Payload, RunError> {
        let commander = &self.runner.host.commander;
        Ok(commander.seal_task(self.owner(), self.task.id, part, plain).await?)
    }

    /// The number of the next step.
    fn next_step(&self) -> u32 {
        u32::try_from(self.task.steps.len()).unwrap_or(u32::MAX)
    }

    fn stream(&self) -> StreamId {
        StreamId::task(self.scope, self.task.id)
    }
}
