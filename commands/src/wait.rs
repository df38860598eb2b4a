//! Waiting for what a worker makes of a request.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use theazo_domain::{Aggregate, StreamId};
use theazo_log::{Filter, Position};

use crate::load::fold_commits;
use crate::{CommandError, Commander};

impl Commander {
    /// The state of `stream` as soon as `reached` holds for it, with its revision; `None` when
    /// that takes longer than `patience`.
    pub async fn wait_until<A: Aggregate>(
        &self,
        stream: &StreamId,
        patience: Duration,
        reached: impl Fn(&A) -> bool,
    ) -> Result<Option<(Arc<A>, Position)>, CommandError> {
        let loaded = self.load_fresh::<A>(stream).await?;
        let (mut state, revision) = (loaded.state.as_deref().cloned(), loaded.revision);
        if let Some(now) = loaded.state.filter(|now| reached(now)) {
            return Ok(Some((now, revision)));
        }
        let mut commits = self.log.subscribe(Filter::stream(stream.clone()), revision);
        let waiting = async {
            while let Some(commit) = commits.next().await {
                let commit = commit?;
                state = fold_commits(state.take(), std::slice::from_ref(&commit));
                if let Some(now) = state.as_ref().filter(|now| reached(now)) {
                    let now = Arc::new(now.clone());
                    self.cache.put(stream, now.clone(), commit.position);
                    return Ok(Some((now, commit.position)));
                }
            }
            Err(CommandError::Unavailable("the log closed its subscription".to_owned()))
        };
        tokio::time::timeout(patience, waiting).await.unwrap_or(Ok(None))
    }
}
