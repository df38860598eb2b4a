//! A subscription for those who must not stop listening.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt, future, stream};

use crate::subscribe::watched;
use crate::{Commit, EventLog, Filter, Glance, Passing, Position, Watch};

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
    let anew = move |after| watched(log.subscribe(filter.clone(), after), None, after);
    // Whoever subscribes gets them decoded.
    let decoded = |passing: Passing| future::ready(passing.decoded().cloned());
    for_ever(anew, after).filter_map(decoded).boxed()
}

/// The same for [`EventLog::watch`].
pub fn unbroken_watch(
    log: Arc<dyn EventLog>,
    filter: Filter,
    glance: Glance,
    after: Position,
) -> BoxStream<'static, Passing> {
    let anew = move |after| log.watch(filter.clone(), Some(Arc::clone(&glance)), after);
    for_ever(anew, after).boxed()
}

fn for_ever(anew: impl Fn(Position) -> Watch, after: Position) -> impl Stream<Item = Passing> {
    let follower = Follower { anew, reached: after, commits: None };
    stream::unfold(follower, |mut follower| async move {
        let commit = follower.next().await;
        Some((commit, follower))
    })
}

struct Follower<F> {
    /// Makes a subscription after a position.
    anew: F,
    reached: Position,
    commits: Option<Watch>,
}

impl<F: Fn(Position) -> Watch> Follower<F> {
    async fn next(&mut self) -> Passing {
        loop {
            let anew = || (self.anew)(self.reached);
            match self.commits.get_or_insert_with(anew).next().await {
                Some(Ok(commit)) => {
                    self.reached = commit.position();
                    return commit;
                }
                Some(Err(broken)) => {
                    self.reached = broken.reached;
                    tracing::error!(error = %broken, "the log's subscription broke; trying again");
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
    use crate::{Broken, LogError, SqliteLog, SqliteOptions};

    /// What a watch that broke after a commit would give.
    fn breaking(log: &Arc<dyn EventLog>, after: Position) -> Watch {
        let error = LogError::Unavailable("a cut".to_owned());
        let broken = Broken { error, reached: Position(after.0 + 1) };
        log.watch(Filter::all(), None, after).take(1).chain(stream::iter([Err(broken)])).boxed()
    }

    #[tokio::test]
    async fn a_break_loses_and_repeats_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(folder.path().join("log.db"));
        let log: Arc<dyn EventLog> = SqliteLog::open(options).await.unwrap();
        for n in 0..3 {
            log.append(Position::START, draft(&session(scope(0), n), "text")).await.unwrap();
        }
        let again = Arc::clone(&log);
        let mut follower = Follower {
            anew: move |after| again.watch(Filter::all(), None, after),
            reached: Position(1),
            commits: Some(breaking(&log, Position(1))),
        };
        assert_eq!(follower.next().await.position(), Position(2));
        assert_eq!(follower.next().await.position(), Position(3), "after the break");
        assert_eq!(follower.reached, Position(3));
    }
}
