//! The scheduler role: what is there once in a deployment. Of several processes that have it one
//! leads.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use theazo_projections::Leadership;
use theazo_workers::{Host, ProviderSet, Scheduler, Webhooks};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::worker::Worker;
use super::{Parts, watch};

/// Who of a cluster schedules.
const LEADERSHIP: &str = "scheduler";
/// The wait before a term that could not begin is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// The scheduler, for as long as this process has the role.
pub struct Scheduling(JoinHandle<anyhow::Result<()>>);

impl Scheduling {
    pub async fn start(parts: &Parts, worker: Option<&Worker>) -> anyhow::Result<Self> {
        let runtime = &parts.runtime;
        let client = theazo_models::net::guarded_client(parts.config.allow_private_networks)?;
        let webhooks = Webhooks { client, key: runtime.webhook_key() };
        let scheduler = Scheduler {
            host: worker.map_or_else(|| without_sandboxes(parts), |worker| worker.host.clone()),
            webhooks: Arc::new(webhooks),
            billers: runtime.billers.clone(),
            reads: runtime.reads.clone(),
            bus: runtime.bus.clone(),
            host_lease: parts.config.deployment.host_lease,
        };
        let stop = parts.stop.clone();
        let Some(shared) = &runtime.shared else {
            let tasks = scheduler.start(stop).await.context("the scheduler cannot start")?;
            let shutdown = parts.shutdown.clone();
            let ended = watch::ended_or_shut_down("the scheduler", tasks, shutdown);
            return Ok(Self(tokio::spawn(ended)));
        };
        let leadership = Leadership::new(&shared.db, LEADERSHIP)?;
        let scheduler = Arc::new(scheduler);
        Ok(Self(tokio::spawn(async move {
            let term = |term| lead(scheduler.clone(), term);
            leadership.run(stop, term).await;
            Ok(())
        })))
    }

    /// Waits for the end that was asked for.
    ///
    /// # Errors
    /// When it came to an end before.
    pub async fn stopped(self) -> anyhow::Result<()> {
        self.0.await.context("the scheduler broke off")?.context("the scheduler broke off")
    }
}

/// One term, until it is over: also when a part of it panics, and then it is another's.
async fn lead(scheduler: Arc<Scheduler>, term: CancellationToken) {
    while !term.is_cancelled() {
        let Some(started) = term.run_until_cancelled(scheduler.start(term.clone())).await else {
            return;
        };
        match started {
            Ok(tasks) => {
                if let Err(error) = watch::ended(tasks).await {
                    tracing::error!(%error, "the scheduler ends its term");
                }
                return;
            }
            Err(error) => {
                tracing::error!(%error, "the scheduler cannot begin its term; trying again");
                term.run_until_cancelled(tokio::time::sleep(TRY_AGAIN)).await;
            }
        }
    }
}

/// A host that only speaks: agents are never given to it.
fn without_sandboxes(parts: &Parts) -> Arc<Host> {
    let commander = parts.runtime.commander.clone();
    Host::one_of_several("scheduler", commander, ProviderSet::default())
}
