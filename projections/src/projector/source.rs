//! Reading the log ahead of the fold.

use std::sync::Arc;

use futures::StreamExt;
use theazo_domain::execution::ExecutionEvent;
use theazo_domain::{Event, Payload};
use theazo_log::{Commit, EventLog, Filter, LogError, Position};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// Commits in a batch, at most.
pub(super) const MOST: usize = 4_096;
const FEWEST: usize = 64;
/// Bytes in a batch, about: several batches are in memory at a time.
const BATCH_BYTES: usize = 16 << 20;
/// Batches that wait to be folded.
const AHEAD: usize = 2;

pub(super) type Batch = Vec<Arc<Commit>>;

/// The commits after some position, in batches, read by a task of its own.
pub(super) struct Source {
    batches: mpsc::Receiver<Batch>,
    reader: AbortOnDropHandle<Result<(), LogError>>,
}

impl Source {
    /// Reads from `after` on: up to `until`, or for ever.
    pub(super) fn start(log: Arc<dyn EventLog>, after: Position, until: Option<Position>) -> Self {
        let (sender, batches) = mpsc::channel(AHEAD);
        let reader = tokio::spawn(async move {
            match until {
                Some(until) => read_until(&*log, after, until, sender).await.map(|_| ()),
                None => follow(&*log, after, sender).await,
            }
        });
        Self { batches, reader: AbortOnDropHandle::new(reader) }
    }

    /// The next commits: all that are there, up to the size of a batch. None at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Batch>, LogError> {
        let Some(mut batch) = self.batches.recv().await else {
            return match (&mut self.reader).await {
                Ok(ended) => ended.map(|()| None),
                Err(panic) => Err(LogError::Unavailable(format!("reading it failed: {panic}"))),
            };
        };
        while batch.len() < MOST / 2
            && let Ok(more) = self.batches.try_recv()
        {
            batch.extend(more);
        }
        Ok(Some(batch))
    }
}

/// Reads up to `until` and tells the last position read. Ends early when nobody listens any more.
async fn read_until(
    log: &dyn EventLog,
    mut after: Position,
    until: Position,
    batches: mpsc::Sender<Batch>,
) -> Result<Position, LogError> {
    let mut limit = FEWEST * 4;
    while after < until {
        let mut batch = log.read(&Filter::all(), after, limit).await?;
        batch.truncate(batch.partition_point(|commit| commit.position <= until));
        let Some(last) = batch.last() else { break };
        after = last.position;
        limit = fitting(limit, &batch);
        if batches.send(batch).await.is_err() {
            break;
        }
    }
    Ok(after)
}

/// Reads all there is in large batches, then takes what comes.
async fn follow(
    log: &dyn EventLog,
    after: Position,
    batches: mpsc::Sender<Batch>,
) -> Result<(), LogError> {
    let head = log.head().await?;
    let after = read_until(log, after, head, batches.clone()).await?;
    let mut live = log.subscribe(Filter::all(), after).ready_chunks(MOST / 4);
    while let Some(chunk) = live.next().await {
        let mut failed = None;
        let mut batch = Vec::with_capacity(chunk.len());
        for commit in chunk {
            match commit {
                Ok(commit) => batch.push(commit),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if !batch.is_empty() && batches.send(batch).await.is_err() {
            return Ok(());
        }
        if let Some(error) = failed {
            return Err(error);
        }
    }
    Err(LogError::Unavailable("its subscription ended".to_owned()))
}

/// How many commits like these make a batch: at most twice as many as now.
fn fitting(limit: usize, batch: &[Arc<Commit>]) -> usize {
    let bytes: usize = batch.iter().map(|commit| weight(commit)).sum();
    let average = bytes / batch.len().max(1);
    (BATCH_BYTES / average.max(1)).min(limit * 2).clamp(FEWEST, MOST)
}

/// Bytes of a commit in memory, about. Only the payloads of executions are ever large.
fn weight(commit: &Commit) -> usize {
    let inline = |payload: &Payload| match payload {
        Payload::Inline { sealed } => sealed.data.len(),
        Payload::Blob { .. } => 0,
    };
    let event = |event: &Event| match event {
        Event::Execution(ExecutionEvent::Requested { code, .. }) => inline(code),
        Event::Execution(ExecutionEvent::Completed { stdout, stderr, .. }) => {
            inline(stdout) + inline(stderr)
        }
        _ => 0,
    };
    1_000 + commit.events.iter().map(event).sum::<usize>()
}
