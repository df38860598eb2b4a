//! The runs of this host: claims what the scheduler gives it, and tells each run what the log says
//! about it.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use parking_lot::RwLock;
use theazo_commands::IdSource;
use theazo_domain::agent::AgentEvent;
use theazo_domain::task::{RequeueReason, TaskEvent};
use theazo_domain::{AgentId, Event, Kind, StreamId, TaskId};
use theazo_log::bus::{Bus, BusError, Messages};
use theazo_log::{Filter, Glance, Passing, Position, unbroken_watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::crew::{Assignment, BEAT, Back, Beat, CALL, assignments, back_to, receive, send};
use crate::dispatch::{Claimed, claim};
use crate::run::{Runner, Stop, Stopper};

/// How often the host says that it lives.
const PULSE: Duration = Duration::from_secs(1);
/// How long a worker that stops lets steps come to their end.
const GRACE: Duration = Duration::from_secs(5);

/// Carries out assignments.
pub(crate) struct Executor {
    runner: Arc<Runner>,
    bus: Arc<dyn Bus>,
    instance: Uuid,
    /// Runs at the same time.
    slots: usize,
    tasks: HashMap<TaskId, Held>,
    mine: Mine,
    runs: JoinSet<(TaskId, Claimed)>,
    leaving: bool,
}

/// A task that is claimed or run here.
struct Held {
    agent: AgentId,
    stopper: Stopper,
    /// Who is to be told of its end.
    term: Uuid,
    claim: u64,
    /// It was given to us again before this claim was over.
    next: Option<Assignment>,
}

/// The tasks that are held here, and their agents, for whoever glances at commits.
#[derive(Clone, Default)]
struct Mine(Arc<RwLock<HashMap<TaskId, AgentId>>>);

/// What the log says to a run.
enum Told {
    Stop(Stop),
    /// Its agent is not paused after all.
    GoOn,
}

/// What the executor listens to, besides the log.
pub(crate) struct Ears {
    assignments: BoxStream<'static, Assignment>,
    calls: Messages,
}

impl Ears {
    pub async fn open(bus: &dyn Bus, host: &str) -> Result<Self, BusError> {
        let assignments = receive(bus, &assignments(host)).await?;
        Ok(Self { assignments, calls: bus.subscribe(CALL).await? })
    }
}

impl Executor {
    pub fn new(runner: Arc<Runner>, bus: Arc<dyn Bus>, slots: usize) -> Self {
        Self {
            runner,
            bus,
            instance: IdSource::new().uuid("instance"),
            slots: slots.max(1),
            tasks: HashMap::new(),
            mine: Mine::default(),
            runs: JoinSet::new(),
            leaving: false,
        }
    }

    /// Takes what comes, and follows the log after `from`, until `stop`; then lets the runs come to
    /// rest.
    pub async fn run(mut self, mut ears: Ears, from: Position, stop: CancellationToken) {
        let mut pulse = tokio::time::interval(PULSE);
        let host = &self.runner.host;
        let filter = Filter::kinds(&[Kind::Task, Kind::Agent]);
        let glance = self.mine.glance(host.name.clone());
        let mut commits = unbroken_watch(host.commander.log().clone(), filter, glance, from);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(passing) = commits.next() => self.react(&passing),
                Some(run) = self.runs.join_next() => match run {
                    Ok((task, claimed)) => self.came_back(task, claimed).await,
                    Err(broken) => tracing::error!(%broken, "a run broke off"),
                },
                Some(assignment) = ears.assignments.next() => self.take(assignment),
                Some(_) = ears.calls.next() => self.beat().await,
                _ = pulse.tick() => self.beat().await,
            }
        }
        self.come_to_rest().await;
    }

    async fn beat(&self) {
        let host = &self.runner.host;
        let beat = Beat {
            host: host.name.clone(),
            instance: self.instance,
            slots: self.slots,
            running: self.tasks.keys().copied().collect(),
            providers: host.providers.iter().map(|(kind, _)| kind).collect(),
            leaving: self.leaving,
        };
        send(&*self.bus, BEAT, &beat).await;
    }

    fn take(&mut self, assignment: Assignment) {
        if let Some(held) = self.tasks.get_mut(&assignment.task) {
            // It is about to come back, or a new scheduler has not seen it in a beat yet.
            held.next = Some(assignment);
            return;
        }
        let Assignment { scope, task, agent, term, claim: number } = assignment;
        let stopper = Stopper::default();
        let held = Held { agent, stopper: stopper.clone(), term, claim: number, next: None };
        self.tasks.insert(task, held);
        self.mine.0.write().insert(task, agent);
        let runner = self.runner.clone();
        self.runs.spawn(async move {
            let claiming = claim(runner, scope, task, stopper);
            let claimed = AssertUnwindSafe(claiming).catch_unwind().await;
            // The panic has been reported; the lease of what it left runs out.
            (task, claimed.unwrap_or(Claimed::Failed))
        });
    }

    /// A run's future has ended; what it did is in the log, or still on the way from there.
    async fn came_back(&mut self, task: TaskId, claimed: Claimed) {
        let Some(held) = self.tasks.remove(&task) else { return };
        self.mine.0.write().remove(&task);
        let back = Back { task, claim: held.claim, claimed };
        send(&*self.bus, &back_to(held.term), &back).await;
        if let Some(next) = held.next {
            self.take(next);
        }
    }

    fn react(&self, passing: &Passing) {
        let commit = match passing.commit() {
            Ok(commit) => commit,
            Err(error) => {
                // A newer version works on this task or agent.
                tracing::error!(%error, "what the log says to a run cannot be read");
                return;
            }
        };
        let key = commit.stream.key();
        let (task, agent) = (key.parse::<TaskId>().ok(), key.parse::<AgentId>().ok());
        for event in &commit.events {
            let Some(told) = told(event, &self.runner.host.name) else { continue };
            let concerned =
                |(id, held): &(&TaskId, &Held)| Some(**id) == task || Some(held.agent) == agent;
            for (_, held) in self.tasks.iter().filter(concerned) {
                match &told {
                    Told::Stop(stop) => held.stopper.stop(stop.clone()),
                    Told::GoOn => held.stopper.unpause(),
                }
            }
        }
    }

    /// Steps that are under way come to their end, if that does not take long; what does is
    /// broken off, and goes on from the log.
    async fn come_to_rest(mut self) {
        self.leaving = true;
        self.beat().await;
        for held in self.tasks.values() {
            held.stopper.stop(Stop::Shutdown);
        }
        let rest = async { while self.runs.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, rest).await.is_err() {
            tracing::warn!(runs = self.runs.len(), "runs are broken off; they go on at a start");
            self.runs.shutdown().await;
        }
    }
}

impl Mine {
    /// Lets through what is about a task or an agent of ours, and says something to its run if that
    /// can be told at once: most of it is a run's own steps.
    fn glance(&self, host: String) -> Glance {
        let mine = self.clone();
        Arc::new(move |passing| {
            mine.has(passing.stream())
                && passing.decoded().is_none_or(|commit| {
                    commit.events.iter().any(|event| told(event, &host).is_some())
                })
        })
    }

    fn has(&self, stream: &StreamId) -> bool {
        let tasks = self.0.read();
        match stream.kind {
            Kind::Task => stream.key().parse().is_ok_and(|task| tasks.contains_key(&task)),
            Kind::Agent => {
                let agent = stream.key().parse::<AgentId>();
                agent.is_ok_and(|agent| tasks.values().any(|other| *other == agent))
            }
            _ => false,
        }
    }
}

/// What `event` says to the runs on `host` that it is about.
fn told(event: &Event, host: &str) -> Option<Told> {
    let stop = match event {
        Event::Task(TaskEvent::Started { worker, .. }) if worker != host => Stop::Overtaken,
        Event::Task(TaskEvent::Requeued { reason: RequeueReason::LeaseExpired, .. }) => {
            Stop::Overtaken
        }
        Event::Task(TaskEvent::CancelRequested { reason }) => {
            Stop::Cancel { reason: reason.clone() }
        }
        Event::Agent(AgentEvent::PauseRequested { .. }) => Stop::Pause,
        Event::Agent(AgentEvent::Resumed { .. } | AgentEvent::RequestFailed { .. }) => {
            return Some(Told::GoOn);
        }
        Event::Agent(
            AgentEvent::TerminateRequested { .. }
            | AgentEvent::CompleteRequested {}
            | AgentEvent::Terminated { .. }
            | AgentEvent::Failed { .. }
            | AgentEvent::Completed { .. },
        ) => Stop::AgentEnded,
        _ => return None,
    };
    Some(Told::Stop(stop))
}
