//! A log that is looked at, and may be told to fail.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use theazo_domain::{CommitId, StreamId};
use theazo_log::{
    AppendError, Appended, Commit, Draft, EventLog, Filter, LogError, Position, RawCommit,
    SqliteLog, Subscription,
};

type Check = dyn Fn(Position) -> Result<(), LogError> + Send + Sync;

/// Asks `check` before it reads on from a position, and before it gives each live commit.
pub struct Watched {
    pub log: Arc<SqliteLog>,
    /// At most so many commits in one read.
    pub most: usize,
    pub check: Arc<Check>,
}

#[async_trait]
impl EventLog for Watched {
    async fn append(&self, expected: Position, draft: Draft) -> Result<Appended, AppendError> {
        self.log.append(expected, draft).await
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
        (self.check)(after)?;
        self.log.read(filter, after, limit.min(self.most)).await
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
        let check = self.check.clone();
        let commits = self.log.subscribe(filter, after).map(move |commit| {
            let commit = commit?;
            check(commit.position)?;
            Ok(commit)
        });
        commits.boxed()
    }

    async fn close(&self) {
        self.log.close().await;
    }
}
