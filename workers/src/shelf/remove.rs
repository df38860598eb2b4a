use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use theazo_domain::snapshot::SnapshotEvent;
use theazo_domain::{Event, Kind, Scope, SnapshotId};
use theazo_log::{Commit, Filter, Position};
use theazo_providers::Provider;

use super::blob;
use crate::Host;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Commits before the head in which deletions are looked for at a start: what a process dies over
/// is near the end of the log.
const REPEATED: u64 = 10_000;
const BATCH: usize = 500;
const AT_ONCE: usize = 8;

/// Removes a deleted snapshot from the shelf; keeps at it while the store is out of reach.
pub(crate) async fn remove(host: &Host, scope: Scope, id: SnapshotId) {
    let mut wait = FIRST_WAIT;
    while let Err(error) = host.commander.blobs.delete(&blob(scope, id)).await {
        tracing::error!(snapshot = %id, %error, "a deleted snapshot is still in the blob store");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Removes what is left of a snapshot that nobody was told of.
pub(crate) async fn discard(host: &Host, provider: &dyn Provider, scope: Scope, id: SnapshotId) {
    if let Err(error) = provider.delete_snapshot(id).await {
        tracing::warn!(snapshot = %id, %error, "the files of a failed pause are still there");
    }
    if let Err(error) = host.commander.blobs.delete(&blob(scope, id)).await {
        tracing::warn!(snapshot = %id, %error, "a failed pause may have left its snapshot stored");
    }
}

/// Removes the snapshots that were deleted last once more: the process may have died over them.
pub(crate) async fn repeat_removals(host: Arc<Host>, head: Position) {
    let filter = Filter::kind(Kind::Snapshot);
    let mut after = Position(head.0.saturating_sub(REPEATED));
    while after < head {
        let commits = match host.commander.log().read(&filter, after, BATCH).await {
            Ok(commits) => commits,
            Err(error) => {
                tracing::error!(%error, "the last deleted snapshots are not looked after");
                return;
            }
        };
        let Some(last) = commits.last() else { return };
        after = last.position;
        stream::iter(commits.iter().filter_map(|commit| deleted(commit)))
            .for_each_concurrent(AT_ONCE, |(scope, id)| remove(&host, scope, id))
            .await;
    }
}

fn deleted(commit: &Commit) -> Option<(Scope, SnapshotId)> {
    let deletes = |event: &Event| matches!(event, Event::Snapshot(SnapshotEvent::Deleted { .. }));
    let id = commit.stream.key().parse().ok()?;
    commit.events.iter().any(deletes).then_some((commit.stream.scope, id))
}
