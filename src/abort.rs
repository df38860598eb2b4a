//! For crash tests: a log that kills its process, with no more ado, when it has appended so many
//! commits. Whatever the process was about to do next is not done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use theazo_domain::{CommitId, StreamId};
use theazo_log::{
    AppendError, Appended, Commit, Draft, EventLog, Filter, Glance, LogError, Position, RawCommit,
    Subscription, Watch,
};

/// Kills the process after a number of appends that wrote something.
pub struct AbortAfter {
    log: Arc<dyn EventLog>,
    left: AtomicU64,
}

impl AbortAfter {
    pub fn new(log: Arc<dyn EventLog>, commits: u64) -> Self {
        Self { log, left: AtomicU64::new(commits) }
    }
}

#[async_trait]
impl EventLog for AbortAfter {
    async fn append(&self, expected: Position, draft: Draft) -> Result<Appended, AppendError> {
        let appended = self.log.append(expected, draft).await?;
        if !appended.duplicate && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            // It is durable, and nobody has heard of it.
            if let Err(error) = kill(Pid::this(), Signal::SIGKILL) {
                tracing::error!(%error, "the process could not kill itself");
            }
        }
        Ok(appended)
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Position,
    ) -> Result<Vec<Arc<Commit>>, LogError> {
        self.log.read_stream(stream, after).await
    }

    async fn find(&self, stream: &StreamId, id: CommitId) -> Result<Option<Arc<Commit>>, LogError> {
        self.log.find(stream, id).await
    }

    async fn read(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Arc<Commit>>, LogError> {
        self.log.read(filter, after, limit).await
    }

    async fn read_raw(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RawCommit>, LogError> {
        self.log.read_raw(filter, after, limit).await
    }

    async fn head(&self) -> Result<Position, LogError> {
        self.log.head().await
    }

    fn subscribe(&self, filter: Filter, after: Position) -> Subscription {
        self.log.subscribe(filter, after)
    }

    fn watch(&self, filter: Filter, glance: Option<Glance>, after: Position) -> Watch {
        self.log.watch(filter, glance, after)
    }

    async fn close(&self) {
        self.log.close().await;
    }
}
