//! What acts on the log: the host of sandboxes, and the process managers that turn events into
//! commands.
//!
//! Everything here can die at any line. The intent is in the log before an effect and its outcome
//! after it, so whoever starts next finds what is unfinished and finishes it or says that it was
//! lost ([`recovery`]).

mod exec;
mod files;
mod gateway;
mod host;
mod lane;
mod lifecycle;
mod reactions;
mod recovery;
mod sweeper;

pub use host::{Host, ProviderSet};

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use theazo_log::LogError;
use theazo_projections::ReadModels;

/// Starts the tasks of `host`: finishes what a crash left open, then reacts to the log and sweeps
/// until `stop`. Returns when the recovery is done; the tasks go on in the set.
///
/// # Errors
/// When the log or the read models cannot be read.
pub async fn start(
    host: Arc<Host>,
    reads: &ReadModels,
    stop: CancellationToken,
) -> Result<JoinSet<()>, WorkerError> {
    let from = recovery::run(&host, reads).await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(reactions::run(host.clone(), from, stop.clone()));
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
