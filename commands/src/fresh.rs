//! Keeping cached states fresh where other processes write too.
//!
//! A command is right on any state, for its append conflicts with what it did not see. What is only
//! read (settings, prices, a definition, a secret) has nothing that would say so: it must not stay
//! what it was when another process has changed it.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use theazo_log::{Filter, Glance, Position};
use tokio_util::sync::CancellationToken;

use crate::Commander;

/// The wait before a subscription that broke is made anew.
const TRY_AGAIN: Duration = Duration::from_millis(200);

impl Commander {
    /// Follows the log after `from` until `stop`, and forgets every state that a commit has passed.
    /// Not needed where one process does everything.
    pub async fn keep_fresh(&self, mut from: Position, stop: CancellationToken) {
        self.seen.send_replace(Some(from));
        let follow = async {
            loop {
                let mut passing = self.log.watch(Filter::all(), Some(self.forgetting()), from);
                while let Some(nothing) = passing.next().await {
                    if let Err(broken) = nothing {
                        tracing::warn!(%broken, "the log's subscription broke; trying again");
                        from = broken.reached;
                        break;
                    }
                }
                drop(passing);
                // Nothing is known of what is committed meanwhile.
                self.cache.clear();
                tokio::time::sleep(TRY_AGAIN).await;
            }
        };
        stop.run_until_cancelled(follow).await;
    }

    /// Sees to each commit in passing: where it is says all that is needed, so it is never decoded,
    /// and nobody is woken for it.
    fn forgetting(&self) -> Glance {
        let (cache, seen) = (Arc::clone(&self.cache), self.seen.clone());
        Arc::new(move |commit| {
            cache.passed(commit.stream(), commit.position());
            seen.send_replace(Some(commit.position()));
            false
        })
    }

    /// Waits until what was committed up to `position`, by whomever, counts here; false when
    /// `patience` is over first.
    pub async fn fresh_as_of(&self, position: Position, patience: Duration) -> bool {
        let mut seen = self.seen.subscribe();
        let counts = seen.wait_for(|seen| seen.is_none_or(|seen| seen >= position));
        matches!(tokio::time::timeout(patience, counts).await, Ok(Ok(_)))
    }
}
