//! Loading an aggregate: the cache, else a snapshot and what came after it, else its whole stream.

use std::sync::Arc;

use async_trait::async_trait;
use theazo_domain::{Aggregate, StreamId, Timestamp, fold};
use theazo_log::{Commit, LogError, Position};

use crate::{CommandError, Commander};

/// A state and the revision it is of. `None` at 0: there is no such thing yet.
#[derive(Debug, Clone)]
pub struct Loaded<A> {
    pub state: Option<Arc<A>>,
    pub revision: Position,
}

/// Where snapshots of aggregates come from: the read models' rows. Stale ones are fine.
#[async_trait]
pub trait Snapshots: Send + Sync {
    /// The state as JSON, and its revision.
    async fn latest(&self, stream: &StreamId) -> Option<(String, Position)>;
}

pub(crate) fn fold_commits<A: Aggregate>(state: Option<A>, commits: &[Arc<Commit>]) -> Option<A> {
    fold(state, commits.iter().flat_map(|c| c.events.iter().map(|event| (event, c.time))))
}

impl Commander {
    /// The aggregate as it is now, by this process's knowledge.
    pub async fn load<A: Aggregate>(&self, stream: &StreamId) -> Result<Loaded<A>, CommandError> {
        match self.cache.get::<A>(stream) {
            Some((state, revision)) => Ok(Loaded { state: Some(state), revision }),
            None => self.load_fresh(stream).await,
        }
    }

    /// The aggregate as it was at `revision` or later. A subscriber hears of a commit before the
    /// request that made it has put it into the cache.
    pub async fn load_since<A: Aggregate>(
        &self,
        stream: &StreamId,
        revision: Position,
    ) -> Result<Loaded<A>, CommandError> {
        let loaded = self.load(stream).await?;
        if loaded.revision < revision { self.load_fresh(stream).await } else { Ok(loaded) }
    }

    /// The aggregate as the log has it.
    pub async fn load_fresh<A: Aggregate>(
        &self,
        stream: &StreamId,
    ) -> Result<Loaded<A>, CommandError> {
        let (base, after) = self.snapshot::<A>(stream).await;
        let commits = self.log.read_stream(stream, after).await?;
        let revision = commits.last().map_or(after, |commit| commit.position);
        let state = fold_commits(base, &commits).map(Arc::new);
        if let Some(state) = &state {
            self.cache.put(stream, state.clone(), revision);
        }
        Ok(Loaded { state, revision })
    }

    /// The aggregate as it was: after the last commit for which `until` holds.
    pub async fn load_as_of<A: Aggregate>(
        &self,
        stream: &StreamId,
        until: impl Fn(Position, Timestamp) -> bool,
    ) -> Result<Loaded<A>, LogError> {
        let mut commits = self.log.read_stream(stream, Position::START).await?;
        commits.retain(|commit| until(commit.position, commit.time));
        let revision = commits.last().map_or(Position::START, |commit| commit.position);
        Ok(Loaded { state: fold_commits(None, &commits).map(Arc::new), revision })
    }

    async fn snapshot<A: Aggregate>(&self, stream: &StreamId) -> (Option<A>, Position) {
        let Some(snapshots) = self.snapshots.get() else { return (None, Position::START) };
        let Some((json, revision)) = snapshots.latest(stream).await else {
            return (None, Position::START);
        };
        match serde_json::from_str(&json) {
            Ok(state) => (Some(state), revision),
            Err(error) => {
                // The whole stream is as good, only slower.
                tracing::warn!(%stream, %error, "a snapshot cannot be read");
                (None, Position::START)
            }
        }
    }
}
