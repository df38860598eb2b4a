//! What happens once a batch is durable: the commits become visible, then their appends are
//! answered. Beside the writer, which is at the next batch by then.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::answer::Settled;
use crate::{Hub, Passing, Recent};

/// Publishes what the writer settles, in order, until the writer is gone; then nothing more will
/// come, and the hub closes.
pub(super) async fn run(mut settled: mpsc::Receiver<Settled>, recent: Arc<Recent>, hub: Arc<Hub>) {
    while let Some(batch) = settled.recv().await {
        publish(batch, &recent, &hub);
    }
    hub.close();
}

fn publish(batch: Settled, recent: &Recent, hub: &Hub) {
    let commits: Vec<_> = batch.commits.into_iter().map(Passing::from).collect();
    recent.push(commits.iter().zip(batch.sizes));
    hub.publish(&commits);
    for (asker, answer) in batch.answers {
        // An asker that went away finds its commit by its id when it asks again.
        let _ = asker.send(answer);
    }
}
