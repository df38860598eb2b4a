//! A log that fails for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::StreamExt;
use theazo_domain::{CommitId, StreamId};
use theazo_log::{
    AppendError, Appended, Commit, Draft, EventLog, Filter, LogError, Position, RawCommit,
    SqliteLog, Subscription,
};

use crate::support::{PATIENCE, Running, World, live};

/// Gives errors in place of commits while it is broken.
struct Faulty {
    log: Arc<SqliteLog>,
    broken: Arc<AtomicBool>,
}

fn fault() -> LogError {
    LogError::Corrupt { position: Position(3), reason: "a bad sector".to_owned() }
}

impl Faulty {
    fn check(&self) -> Result<(), LogError> {
        if self.broken.load(Ordering::Acquire) { Err(fault()) } else { Ok(()) }
    }
}

#[async_trait]
impl EventLog for Faulty {
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
        self.check()?;
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
        let broken = self.broken.clone();
        let commits = self
            .log
            .subscribe(filter, after)
            .map(move |commit| if broken.load(Ordering::Acquire) { Err(fault()) } else { commit });
        commits.boxed()
    }

    async fn close(&self) {
        self.log.close().await;
    }
}

async fn until_troubled(world: &World) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(trouble) = world.reads.trouble() {
            return trouble;
        }
        assert!(Instant::now() < deadline, "no trouble came");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_fails_is_tried_again_until_it_is_well() {
    let mut world = World::new().await;
    let broken = Arc::new(AtomicBool::new(true));
    let log = Arc::new(Faulty { log: world.log.clone(), broken: broken.clone() });
    for _ in 0..5 {
        world.session(live(1), "ann").await;
    }
    let running = Running::start(log, world.reads.clone());
    // At the start, and once more while it follows.
    for _ in 0..2 {
        assert!(until_troubled(&world).await.contains("a bad sector"));
        broken.store(false, Ordering::Release);
        assert!(world.reads.wait_for(world.head().await, PATIENCE).await);
        assert_eq!(world.reads.trouble(), None);
        broken.store(true, Ordering::Release);
        world.session(live(1), "ben").await;
    }
    running.stop().await;
}
