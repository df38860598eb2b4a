//! Starting a worker host, and a scheduler's term. One process can be both.

use std::sync::Arc;
use std::time::Duration;

use theazo_billing::push::Billers;
use theazo_domain::Timestamp;
use theazo_log::bus::Bus;
use theazo_projections::ReadModels;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::crew::answer_health;
use crate::dispatch::{self, Dispatcher};
use crate::executor::{Ears, Executor};
use crate::exports::Pusher;
use crate::meter::{self, Meter};
use crate::reactions::{self, Part};
use crate::webhooks::Deliverer;
use crate::{Host, Runner, Webhooks, WorkerError, recovery, shelf, sweeper};

/// Starts a worker host: finishes what a crash left open, then looks after its sandboxes and runs
/// at most `slots` tasks at a time, until `stop`. Returns when the recovery is done; the tasks go
/// on in the set. `last_alive`: when this host was last known to live, where that is known better
/// than by the log's last commit.
///
/// # Errors
/// When the log, the read models or the bus cannot be reached.
pub async fn start_host(
    runner: Arc<Runner>,
    slots: usize,
    reads: &ReadModels,
    bus: Arc<dyn Bus>,
    last_alive: Option<Timestamp>,
    stop: CancellationToken,
) -> Result<JoinSet<()>, WorkerError> {
    let host = runner.host.clone();
    let from = recovery::run(&host, reads, last_alive).await?;
    dispatch::requeue_own(&host, reads).await?;
    let ears = Ears::open(&*bus, &host.name).await?;
    let health = answer_health(host.clone(), bus.clone(), stop.clone()).await?;
    let executor = Executor::new(runner, bus, slots);
    let mut tasks = JoinSet::new();
    tasks.spawn(reactions::run(host.clone(), Part::Host, from, stop.clone()));
    tasks.spawn(executor.run(ears, from, stop.clone()));
    tasks.spawn(health);
    if !host.sole {
        tasks.spawn(shelf::sweep(host.clone(), reads.clone(), stop.clone()));
    }
    let (leaver, left) = (host.clone(), stop.clone());
    tasks.spawn(async move {
        left.cancelled().await;
        leaver.leaving.cancel();
    });
    tasks.spawn(sweeper::run(host, stop));
    Ok(tasks)
}

/// What is there once in a deployment: it gives out tasks and agents, tells AgentCo's servers, and
/// turns events into commands. Two at once, while one takes over from another, are harmless.
pub struct Scheduler {
    /// Of this process; without providers where it is no worker host.
    pub host: Arc<Host>,
    pub webhooks: Arc<Webhooks>,
    /// Who usage is pushed to.
    pub billers: Arc<Billers>,
    pub reads: ReadModels,
    pub bus: Arc<dyn Bus>,
    /// How long a worker host may be silent before its agents are given up.
    pub host_lease: Duration,
}

impl Scheduler {
    /// Begins a term, until `stop`. Returns when what the one before left open is known; the tasks
    /// go on in the set.
    ///
    /// # Errors
    /// When the log, the read models or the bus cannot be reached.
    pub async fn start(&self, stop: CancellationToken) -> Result<JoinSet<()>, WorkerError> {
        let (host, reads) = (&self.host, &self.reads);
        // Reactions begin here, so that nothing falls between them and what is recovered.
        let from = recovery::caught_up(host, reads).await?;
        recovery::admissions(host, reads).await?;
        let recovered = dispatch::recover(host, reads).await?;
        let head = recovered.head;
        let (bus, lease) = (self.bus.clone(), self.host_lease);
        let dispatcher = Dispatcher::new(host.clone(), reads.clone(), bus, lease, recovered);
        let (dispatcher, hosts) = dispatcher.await?;
        let deliverer = Deliverer::new(host.clone(), self.webhooks.clone(), reads).await?;
        let meter = Meter::new(host.clone(), reads).await?;
        let pusher = Pusher::new(host.clone(), self.billers.clone(), reads.clone()).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(pusher.run(head, stop.clone()));
        tasks.spawn(reactions::run(host.clone(), Part::Scheduler, from, stop.clone()));
        tasks.spawn(meter.run(head, stop.clone()));
        tasks.spawn(meter::storage::run(host.clone(), reads.clone(), stop.clone()));
        tasks.spawn(deliverer.run(head, stop.clone()));
        tasks.spawn(dispatcher.run(hosts, head, stop.clone()));
        let repeated = dispatch::repeat_reactions(host.clone(), head);
        let stopped = stop.clone();
        tasks.spawn(async move {
            stopped.run_until_cancelled(repeated).await;
        });
        if !host.sole {
            let removals = shelf::repeat_removals(host.clone(), head);
            tasks.spawn(async move {
                stop.run_until_cancelled(removals).await;
            });
        }
        Ok(tasks)
    }
}
