use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::dialect::{self, Pool};

/// What is written between two rounds of tidying, in the units of [`Tidying::wrote`].
const ROUND: u64 = 40_000;
/// Every transaction writes the ends of several tables and indexes anew.
const PER_TRANSACTION: u64 = 10;

/// Keeps the database's own log short, so that the writer does not stop for it.
#[derive(Default)]
pub(crate) struct Tidying {
    written: AtomicU64,
    wake: Notify,
}

impl Tidying {
    /// Notes a transaction with this many rows.
    pub(crate) fn wrote(&self, rows: u64) {
        let more = rows + PER_TRANSACTION;
        if self.written.fetch_add(more, Ordering::Relaxed) + more >= ROUND {
            self.wake.notify_one();
        }
    }

    /// Tidies when there is enough to tidy, until the task is aborted.
    pub(crate) fn start(self: Arc<Self>, connection: Pool) -> JoinHandle<()> {
        tokio::spawn(async move {
            loop {
                self.wake.notified().await;
                self.written.store(0, Ordering::Relaxed);
                if let Err(error) = dialect::tidy(&connection).await {
                    tracing::warn!(%error, "the read models' file is not tidied");
                }
            }
        })
    }
}
