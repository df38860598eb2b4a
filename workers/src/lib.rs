//! What acts on the log: the host of sandboxes, and the process managers that turn events into
//! commands.
//!
//! Everything here can die at any line. The intent is in the log before an effect and its outcome
//! after it, so whoever starts next finds what is unfinished and finishes it or says that it was
//! lost ([`recovery`]).

mod dispatch;
mod exec;
mod files;
mod gateway;
mod host;
mod lane;
mod lifecycle;
mod reactions;
mod recovery;
mod retry;
mod run;
mod sweeper;
pub mod tools;
mod webhooks;

pub use host::{Host, ProviderSet};
pub use run::Runner;
pub use webhooks::Webhooks;

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use dispatch::Dispatcher;
use theazo_log::LogError;
use theazo_projections::ReadModels;
use webhooks::Deliverer;

/// Starts the workers of this process: finishes what a crash left open, then reacts to the log,
/// runs at most `slots` tasks at a time, and sweeps, until `stop`. Returns when the recovery is
/// done; the tasks go on in the set.
///
/// # Errors
/// When the log or the read models cannot be read.
pub async fn start(
    runner: Arc<Runner>,
    webhooks: Webhooks,
    slots: usize,
    reads: &ReadModels,
    stop: CancellationToken,
) -> Result<JoinSet<()>, WorkerError> {
    let host = runner.host.clone();
    let from = recovery::run(&host, reads).await?;
    let (book, head) = dispatch::recover(&host, reads).await?;
    let dispatcher = Dispatcher::new(runner, slots, book);
    let mut tasks = JoinSet::new();
    tasks.spawn(reactions::run(host.clone(), from, stop.clone()));
    let deliverer = Deliverer::new(host.clone(), Arc::new(webhooks), reads).await?;
    tasks.spawn(deliverer.run(head, stop.clone()));
    tasks.spawn(dispatcher.run(head, stop.clone()));
    tasks.spawn(dispatch::repeat_reactions(host.clone(), head));
    tasks.spawn(sweeper::run(host, stop));
    Ok(tasks)
}

/// Why the workers could not start.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Command(#[from] theazo_commands::CommandError),
    #[error("the read models cannot be read: {0}")]
    Reads(#[from] theazo_projections::ReadError),
    #[error("the read models have not caught up with the log")]
    Lagging,
    #[error(transparent)]
    Provider(#[from] theazo_providers::ProviderError),
}
