//! The dispatcher: which task starts when, and what a run that is under way must hear of.
//!
//! It follows the log, so it knows of every task that waits and of all that concerns one that runs,
//! in one order. It holds no truth: whether a task may start is decided by the commit that starts
//! it, and an agent works on one task at a time because its own commits say so. What the dispatcher
//! knows only saves futile tries.

mod aftermath;
mod book;
mod claim;
mod queue;
mod react;
mod recover;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use theazo_domain::task::RequeueReason;
use theazo_domain::{AgentId, Scope, TaskId};
use theazo_log::{Filter, Position};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::run::{Runner, Stop, Stopper};

use book::Book;
use claim::{Claimed, claim};
use queue::Waiting;

pub(crate) use recover::{recover, repeat_reactions};

/// How often leases are looked at.
const LEASE_CHECK: Duration = Duration::from_secs(5);
/// The wait before a claim that could not be made is made again, for each time that the task was
/// begun; at most [`MAX_TRY_AGAIN`] times as long.
const TRY_AGAIN: Duration = Duration::from_secs(1);
const MAX_TRY_AGAIN: u32 = 60;
/// How long a worker that stops lets steps come to their end.
const GRACE: Duration = Duration::from_secs(5);

/// What the dispatcher hears beside the log.
enum Heard {
    /// The agent's last task is settled: it can have another.
    Free(AgentId),
    /// A claim that failed is due again.
    Again(TaskId),
}

/// Gives out tasks to the runs of this process.
pub(crate) struct Dispatcher {
    runner: Arc<Runner>,
    /// Runs at the same time.
    slots: usize,
    book: Book,
    runs: JoinSet<(Waiting, u64, Claimed)>,
    /// How many of them each tenant has.
    running: HashMap<Scope, usize>,
    /// How many claims there were: tells one of a task from the next.
    claims: u64,
    stoppers: HashMap<TaskId, (u64, Stopper)>,
    /// What is done about events, beside the runs.
    reactions: TaskTracker,
    heard: (mpsc::UnboundedSender<Heard>, mpsc::UnboundedReceiver<Heard>),
}

impl Dispatcher {
    pub fn new(runner: Arc<Runner>, slots: usize, book: Book) -> Self {
        Self {
            runner,
            slots: slots.max(1),
            book,
            runs: JoinSet::new(),
            running: HashMap::new(),
            claims: 0,
            stoppers: HashMap::new(),
            reactions: TaskTracker::new(),
            heard: mpsc::unbounded_channel(),
        }
    }

    /// Follows the log after `from` until `stop`, then lets the runs come to rest.
    pub async fn run(mut self, mut from: Position, stop: CancellationToken) {
        let mut leases = tokio::time::interval(LEASE_CHECK);
        while !stop.is_cancelled() {
            let mut commits = self.runner.host.commander.log().subscribe(Filter::all(), from);
            self.start_what_can();
            loop {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => break,
                    commit = commits.next() => match commit {
                        Some(Ok(commit)) => {
                            from = commit.position;
                            self.react(&commit);
                        }
                        Some(Err(error)) => {
                            tracing::error!(%error, "the log's subscription broke; trying again");
                            break;
                        }
                        None => break,
                    },
                    Some(run) = self.runs.join_next() => match run {
                        Ok((was, claim, claimed)) => {
                            self.has_ended(was.scope);
                            self.came_back(was.task, claim, &claimed);
                        }
                        Err(broken) => tracing::error!(%broken, "a run broke off"),
                    },
                    Some(heard) = self.heard.1.recv() => self.hear(heard),
                    _ = leases.tick() => self.check_leases(),
                }
                self.start_what_can();
            }
            if !stop.is_cancelled() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        self.come_to_rest().await;
    }

    fn start_what_can(&mut self) {
        // An eighth of the slots is never one tenant's, however many tasks it has.
        let most = (self.slots - self.slots / 8).max(1);
        while self.runs.len() < self.slots {
            let running = &self.running;
            let may = |scope: &Scope| running.get(scope).is_none_or(|runs| *runs < most);
            let Some(waiting) = self.book.next(may) else { return };
            *self.running.entry(waiting.scope).or_default() += 1;
            let stopper = Stopper::default();
            self.claims += 1;
            let number = self.claims;
            self.stoppers.insert(waiting.task, (number, stopper.clone()));
            let runner = self.runner.clone();
            self.runs.spawn(async move {
                let claiming = claim(runner, waiting.scope, waiting.task, stopper);
                let claimed = AssertUnwindSafe(claiming).catch_unwind().await;
                // The panic has been reported; the lease of what it left runs out.
                (waiting, number, claimed.unwrap_or(Claimed::Failed))
            });
        }
    }

    fn has_ended(&mut self, scope: Scope) {
        if let Some(runs) = self.running.get_mut(&scope) {
            *runs -= 1;
            if *runs == 0 {
                self.running.remove(&scope);
            }
        }
    }

    /// A run's future has ended; what it did is in the log, or still on the way from there, or has
    /// been heard of and reacted to already.
    fn came_back(&mut self, task: TaskId, claim: u64, claimed: &Claimed) {
        if self.stoppers.get(&task).is_none_or(|(newest, _)| *newest != claim) {
            return;
        }
        self.stoppers.remove(&task);
        match claimed {
            Claimed::Told | Claimed::Lost => self.book.left(task),
            Claimed::SessionFull => {
                if let Some(waiting) = self.book.session_is_full(task) {
                    self.look_for_room(waiting);
                }
            }
            Claimed::Failed if self.book.is_here(task) => self.try_later(task),
            Claimed::Failed => {}
        }
    }

    fn try_later(&mut self, task: TaskId) {
        let tried = self.book.later(task);
        let again = self.heard.0.clone();
        // Not among the reactions: nobody waits for it at the end.
        tokio::spawn(async move {
            tokio::time::sleep(TRY_AGAIN * tried.clamp(1, MAX_TRY_AGAIN)).await;
            // The dispatcher is gone when nobody hears it.
            let _ = again.send(Heard::Again(task));
        });
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Free(agent) => self.book.agent_is_free(agent),
            Heard::Again(task) => self.book.again(task),
        }
    }

    /// Tasks whose worker is silent go back into the queue; `decide` looks again.
    fn check_leases(&mut self) {
        for (scope, task, attempt) in self.book.silent(theazo_commands::now()) {
            if !self.stoppers.contains_key(&task) {
                self.requeue(scope, task, attempt, RequeueReason::LeaseExpired);
            }
        }
    }

    fn stop_run(&self, task: TaskId, stop: Stop) {
        if let Some((_, stopper)) = self.stoppers.get(&task) {
            stopper.stop(stop);
        }
    }

    /// Steps that are under way come to their end, if that does not take long; what does is
    /// broken off, and goes on from the log.
    async fn come_to_rest(mut self) {
        for (_, stopper) in self.stoppers.values() {
            stopper.stop(Stop::Shutdown);
        }
        let rest = async { while self.runs.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, rest).await.is_err() {
            tracing::warn!(runs = self.runs.len(), "runs are broken off; they go on at a start");
            self.runs.shutdown().await;
        }
        self.reactions.close();
        if tokio::time::timeout(GRACE, self.reactions.wait()).await.is_err() {
            tracing::warn!("reactions are broken off; they are repeated at a start");
        }
    }

    /// Work that an event asks for. `work` can be repeated.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.reactions.spawn(work);
    }

    fn requeue(&self, scope: Scope, task: TaskId, attempt: u32, reason: RequeueReason) {
        let host = self.runner.host.clone();
        self.spawn(async move { react::requeue(&host, scope, task, attempt, reason).await });
    }
}
