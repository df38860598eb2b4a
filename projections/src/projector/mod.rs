//! The projector: follows the log and keeps the read models up with it.
//!
//! ```text
//!  source ──batches──▶ fold ──rows──▶ write          three tasks, so that decoding,
//!  (log)               (CPU)          (database)     folding and writing overlap
//! ```
//!
//! A batch is whatever has come up while the last one was worked on: one commit when it is quiet,
//! thousands in a replay. What is folded ahead of a write that fails is thrown away with the whole
//! pass, and the next pass starts from the checkpoints.

mod pass;
mod rebuild;
mod source;
mod write;

use std::sync::Arc;
use std::time::Duration;

use theazo_log::{EventLog, Position};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::tables::prepare;
use crate::{Model, ProjectionError, ReadModels};

use pass::{OnFoldError, Pass};

pub use rebuild::{Rebuilt, rebuild};

/// What the one process that projects leads under.
const LEADERSHIP: &str = "projector";

const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MOST: Duration = Duration::from_secs(10);

/// Keeps read models up with a log.
pub struct Projector;

impl Projector {
    /// Starts to project `log` onto `reads` until `cancel`; the task ends when what is being
    /// written then is written. When something fails it is logged and tried again, with backoff.
    ///
    /// On Postgres one process at a time does, of all that start to: the others wait for it to go.
    pub fn start(
        log: Arc<dyn EventLog>,
        reads: ReadModels,
        cancel: CancellationToken,
    ) -> JoinHandle<()> {
        tokio::spawn(async move {
            let Some(leadership) = reads.leadership(LEADERSHIP) else {
                return keep_running(log, reads, cancel).await;
            };
            let lead = |term| take_over(log.clone(), reads.clone(), term);
            leadership.run(cancel, lead).await;
        })
    }
}

/// Makes the tables what this build expects, then projects.
async fn take_over(log: Arc<dyn EventLog>, reads: ReadModels, term: CancellationToken) {
    let mut backoff = BACKOFF_FIRST;
    while !term.is_cancelled() {
        match prepare(reads.writer()).await {
            Ok(()) => {
                reads.update(|standing| standing.trouble = None);
                keep_running(log, reads.clone(), term).await;
                break;
            }
            Err(error) => {
                let reason = format!("the read models cannot be made: {error}");
                pause(&reads, reason, &mut backoff, &term).await;
            }
        }
    }
    // From here on it is another process' to tell.
    reads.update(|standing| standing.trouble = None);
}

async fn keep_running(log: Arc<dyn EventLog>, reads: ReadModels, cancel: CancellationToken) {
    let mut backoff = BACKOFF_FIRST;
    while !cancel.is_cancelled() {
        let before = reads.position();
        let run = tokio::spawn(supervise(log.clone(), reads.clone(), cancel.clone()));
        let reason = match AbortOnDropHandle::new(run).await {
            Ok(Ok(())) => return,
            Ok(Err(ProjectionError::Moved)) => {
                tracing::info!("read models were exchanged: projecting goes on from them");
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panic.to_string(),
        };
        if reads.position() > before {
            backoff = BACKOFF_FIRST;
        }
        pause(&reads, reason, &mut backoff, &cancel).await;
    }
}

async fn pause(
    reads: &ReadModels,
    reason: String,
    backoff: &mut Duration,
    cancel: &CancellationToken,
) {
    tracing::error!(reason, ?backoff, "the projector failed and starts again");
    reads.update(|standing| standing.trouble = Some(reason.into()));
    tokio::select! {
        () = cancel.cancelled() => {}
        () = tokio::time::sleep(*backoff) => {}
    }
    *backoff = (*backoff * 2).min(BACKOFF_MOST);
}

/// Runs the read models in one pass, after those that are far behind have caught up.
async fn supervise(
    log: Arc<dyn EventLog>,
    reads: ReadModels,
    cancel: CancellationToken,
) -> Result<(), ProjectionError> {
    loop {
        let seen = reads.reload().await?;
        let at = |model: &Model| seen.checkpoints[model.index()];
        let running = || {
            let stopped = |model: &Model| seen.stopped[model.index()].is_some();
            Model::ALL.iter().copied().filter(move |model| !stopped(model))
        };
        let first = running().map(|model| at(&model)).max().unwrap_or(Position::START);
        let (near, far): (Vec<_>, Vec<_>) =
            running().partition(|model| first.0 - at(model).0 <= reads.options().join_within);
        let pass = |models: &[Model]| {
            let members = models.iter().map(|model| (*model, at(model)));
            Pass::new(reads.clone(), members, "", OnFoldError::Stop, seen.epoch)
        };
        if far.is_empty() {
            return pass(&near).follow(log, cancel).await;
        }
        tracing::info!(?far, until = first.0, "read models are behind and catch up");
        let stop = cancel.child_token();
        let catch_up = async {
            let caught = pass(&far).run_until(log.clone(), first, &cancel, &mut |_| {}).await;
            stop.cancel();
            caught
        };
        let follow = pass(&near).follow(log.clone(), stop.clone());
        tokio::try_join!(catch_up, follow)?;
        if cancel.is_cancelled() {
            return Ok(());
        }
    }
}
