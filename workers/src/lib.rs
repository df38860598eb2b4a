//! What acts on the log: the host of sandboxes, and the process managers that turn events into
//! commands.
//!
//! Everything here can die at any line. The intent is in the log before an effect and its outcome
//! after it, so whoever starts next finds what is unfinished and finishes it or says that it was
//! lost ([`recovery`]).

mod crew;
mod dispatch;
mod exec;
mod executor;
mod exports;
mod files;
mod gateway;
mod host;
mod lane;
mod lifecycle;
mod meter;
mod pause;
mod reactions;
mod recovery;
pub mod remote;
mod retry;
mod run;
mod shelf;
mod start;
mod sweeper;
pub mod tools;
mod walk;
mod webhooks;

pub use crew::{ask_health, is_host_name};
pub use host::{Host, ProviderSet};
pub use remote::{HostOf, Place, RemoteGateway, host_by_log, serve as serve_sandboxes};
pub use run::Runner;
pub use start::{Scheduler, start_host};
pub use webhooks::Webhooks;

use theazo_log::LogError;

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
    Bus(#[from] theazo_log::bus::BusError),
    #[error(transparent)]
    Provider(#[from] theazo_providers::ProviderError),
}
