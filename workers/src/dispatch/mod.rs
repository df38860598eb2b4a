//! The dispatcher: which task starts when, and on which host.
//!
//! It follows the log, so it knows of every task that waits, in one order. It holds no truth:
//! whether a task may start is decided by the commit that starts it, and an agent works on one task
//! at a time because its own commits say so. What the dispatcher knows only saves futile tries: two
//! of them at once, while one scheduler takes over from another, cost refused commits and no more.

mod aftermath;
mod assign;
mod book;
mod claim;
mod hosts;
mod places;
mod queue;
mod react;
mod recover;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use theazo_commands::IdSource;
use theazo_domain::{AgentId, Kind, Scope, TaskId, Timestamp};
use theazo_log::bus::{Bus, BusError};
use theazo_log::{Filter, Position, unbroken};
use theazo_projections::ReadModels;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::Host;
use crate::crew::{BEAT, Back, Beat, CALL, Roster, back_to, receive};

use book::Book;
use places::Places;

pub(crate) use claim::{Claimed, claim};
pub(crate) use recover::{Recovered, recover, repeat_reactions, requeue_own};

/// What reactions are about. Followed as one: that a task was submitted is heard before its agent
/// or session ends, and not after.
const REACTED_TO: [Kind; 3] = [Kind::Task, Kind::Agent, Kind::Session];
/// How often leases, of tasks and of hosts, are looked at.
const CHECK: Duration = Duration::from_secs(1);
/// A tick that is so late says that this process was away, and heard nobody meanwhile.
const AWAY: Duration = Duration::from_secs(3);
/// The wait before a claim that could not be made is made again, for each time that the task was
/// begun; at most [`MAX_TRY_AGAIN`] times as long.
const TRY_AGAIN: Duration = Duration::from_secs(1);
const MAX_TRY_AGAIN: u32 = 60;
/// How long a scheduler that stops waits for its reactions.
const GRACE: Duration = Duration::from_secs(5);

/// What the dispatcher hears beside the log and the hosts.
enum Heard {
    /// The agent's last task is settled: it can have another.
    Free(AgentId),
    /// A claim that failed is due again.
    Again(TaskId),
    /// An agent could not be given to a host: it is to be tried again.
    Homeless(AgentId),
}

/// Gives out tasks to the worker hosts, and agents without a sandbox.
pub(crate) struct Dispatcher {
    host: Arc<Host>,
    reads: ReadModels,
    bus: Arc<dyn Bus>,
    /// Of this start of it.
    term: Uuid,
    /// How long a host may be silent before it is lost.
    lease: Duration,
    /// When it began to listen for hosts, or to listen anew.
    listening_since: Instant,
    /// When the hosts were last looked at.
    checked: Instant,
    /// When the agents of lost hosts were last looked after: one that still reaches the log may go
    /// on acting.
    given_up: HashMap<String, Instant>,
    /// When lost hosts were last known to live.
    last_heard: HashMap<String, Timestamp>,
    book: Book,
    roster: Roster,
    places: Places,
    /// How many tasks each tenant has been given slots for.
    running: HashMap<Scope, usize>,
    /// How many claims there were: tells one of a task from the next.
    claims: u64,
    /// What is done about events.
    reactions: TaskTracker,
    heard: (mpsc::UnboundedSender<Heard>, mpsc::UnboundedReceiver<Heard>),
}

/// What the dispatcher hears from the hosts.
pub(crate) struct FromHosts {
    beats: BoxStream<'static, Beat>,
    backs: BoxStream<'static, Back>,
}

impl Dispatcher {
    /// # Errors
    /// When the bus cannot be reached.
    pub async fn new(
        host: Arc<Host>,
        reads: ReadModels,
        bus: Arc<dyn Bus>,
        lease: Duration,
        recovered: Recovered,
    ) -> Result<(Self, FromHosts), BusError> {
        let term = IdSource::new().uuid("term");
        let beats = receive(&*bus, BEAT).await?;
        let backs = receive(&*bus, &back_to(term)).await?;
        let dispatcher = Self {
            host,
            reads,
            bus,
            term,
            lease,
            listening_since: Instant::now(),
            checked: Instant::now(),
            given_up: HashMap::new(),
            last_heard: HashMap::new(),
            book: recovered.book,
            roster: Roster::default(),
            places: recovered.places,
            running: HashMap::new(),
            claims: 0,
            reactions: TaskTracker::new(),
            heard: mpsc::unbounded_channel(),
        };
        Ok((dispatcher, FromHosts { beats, backs }))
    }

    /// Follows the log after `from`, and the hosts, until `stop`.
    pub async fn run(mut self, mut hosts: FromHosts, from: Position, stop: CancellationToken) {
        let mut checks = tokio::time::interval(CHECK);
        if let Err(error) = self.bus.publish(CALL, bytes::Bytes::new()).await {
            tracing::warn!(%error, "the hosts were not called; they will say who they are");
        }
        let log = self.host.commander.log().clone();
        let mut commits = unbroken(log, Filter::kinds(&REACTED_TO), from);
        while !stop.is_cancelled() {
            self.start_what_can().await;
            tokio::select! {
                () = stop.cancelled() => {}
                Some(commit) = commits.next() => self.react(&commit),
                Some(beat) = hosts.beats.next() => self.beat(beat),
                Some(back) = hosts.backs.next() => self.came_back(&back),
                Some(heard) = self.heard.1.recv() => self.hear(heard),
                _ = checks.tick() => self.check(),
            }
        }
        self.come_to_rest().await;
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Free(agent) => self.book.agent_is_free(agent),
            Heard::Again(task) => self.book.again(task),
            Heard::Homeless(agent) => self.places.homeless(agent),
        }
    }

    fn check(&mut self) {
        self.check_leases();
        self.check_hosts();
        self.place_the_homeless();
    }

    /// Tasks whose worker is silent go back into the queue; `decide` looks again.
    fn check_leases(&mut self) {
        for (scope, task, attempt) in self.book.silent(theazo_commands::now()) {
            if !self.roster.is_given(task) {
                let host = self.host.clone();
                self.spawn(async move {
                    react::requeue_silent(&host, scope, task, attempt).await;
                });
            }
        }
    }

    async fn come_to_rest(self) {
        self.reactions.close();
        if tokio::time::timeout(GRACE, self.reactions.wait()).await.is_err() {
            tracing::warn!("reactions are broken off; they are repeated at a start");
        }
    }

    /// Work that an event asks for. `work` can be repeated.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.reactions.spawn(work);
    }
}
