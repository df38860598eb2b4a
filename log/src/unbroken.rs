//! A subscription for those who must not stop listening.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{StreamExt, stream};

use crate::{Commit, EventLog, Filter, Position, Subscription};

/// The wait before a subscription that broke is made anew.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// Every commit after `after` that matches, in order, for as long as it is listened to: where
/// [`EventLog::subscribe`] ends with an error, this says so in the trace, and goes on from the last
/// position seen.
pub fn unbroken(
    log: Arc<dyn EventLog>,
    filter: Filter,
    after: Position,
) -> BoxStream<'static, Arc<Commit>> {
    let follower = Follower { log, filter, seen: after, commits: None };
    stream::unfold(follower, |mut follower| async move {
        let commit = follower.next().await;
        Some((commit, follower))
    })
    .boxed()
}

struct Follower {
    log: Arc<dyn EventLog>,
    filter: Filter,
    seen: Position,
    commits: Option<Subscription>,
}

impl Follower {
    async fn next(&mut self) -> Arc<Commit> {
        loop {
            let subscribe = || self.log.subscribe(self.filter.clone(), self.seen);
            match self.commits.get_or_insert_with(subscribe).next().await {
                Some(Ok(commit)) => {
                    self.seen = commit.position;
                    return commit;
                }
                Some(Err(error)) => {
                    tracing::error!(%error, "the log's subscription broke; trying again");
                }
                None => {}
            }
            self.commits = None;
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::fixtures::{draft, scope, session};
    use crate::{LogError, SqliteLog, SqliteOptions};

    /// What a subscription that broke after each commit would give.
    fn breaking(log: &Arc<dyn EventLog>, after: Position) -> Subscription {
        let broken = || Err(LogError::Unavailable("a cut".to_owned()));
        log.subscribe(Filter::all(), after).take(1).chain(stream::iter([broken()])).boxed()
    }

    #[tokio::test]
    async fn a_break_loses_and_repeats_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(folder.path().join("log.db"));
        let log: Arc<dyn EventLog> = SqliteLog::open(options).await.unwrap();
        for n in 0..3 {
            log.append(Position::START, draft(&session(scope(0), n), "text")).await.unwrap();
        }
        let mut follower = Follower {
            log: Arc::clone(&log),
            filter: Filter::all(),
            seen: Position(1),
            commits: None,
        };
        follower.commits = Some(breaking(&log, Position(1)));
        assert_eq!(follower.next().await.position, Position(2));
        assert_eq!(follower.next().await.position, Position(3), "after the break");
        assert_eq!(follower.seen, Position(3));
    }
}
