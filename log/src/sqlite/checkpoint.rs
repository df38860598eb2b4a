//! Moves the write-ahead log into the database, without the writer waiting for it.
//!
//! A checkpoint in the background copies most of it while the writer goes on; it can never catch up
//! with a busy writer, so the writer then copies the small rest itself, between two batches, and
//! its next transaction starts the write-ahead log over. Without that last step the file would grow
//! for as long as the load lasts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::{Row, SqliteConnection};
use tokio::sync::Notify;

use super::SqliteOptions;
use super::connect;

/// What the writer and the checkpointer tell each other.
#[derive(Default)]
pub(super) struct Signals {
    /// The write-ahead log is long.
    due: Notify,
    /// The background part is done.
    nearly: AtomicBool,
}

impl Signals {
    /// The writer asks for a checkpoint.
    pub(super) fn ask(&self) {
        self.due.notify_one();
    }

    /// Whether the writer is to finish one now.
    pub(super) fn take_nearly(&self) -> bool {
        self.nearly.swap(false, Ordering::AcqRel)
    }
}

/// The background part. Runs until it is dropped.
pub(super) async fn run(options: SqliteOptions, signals: Arc<Signals>) {
    let mut connection: Option<SqliteConnection> = None;
    loop {
        signals.due.notified().await;
        let conn = match connection.take() {
            Some(conn) => Ok(conn),
            None => connect::checkpointer(&options).await,
        };
        let mut conn = match conn {
            Ok(conn) => conn,
            Err(error) => {
                tracing::warn!(%error, "no checkpoint: the write-ahead log grows");
                continue;
            }
        };
        match checkpoint(&mut conn).await {
            Ok(_) => {
                signals.nearly.store(true, Ordering::Release);
                connection = Some(conn);
            }
            // The next one tries again, on a new connection.
            Err(error) => tracing::warn!(%error, "a checkpoint failed"),
        }
    }
}

/// Copies what can be copied without waiting for anyone. True when nothing is left.
pub(super) async fn checkpoint(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let row = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(conn).await?;
    let (frames, copied): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
    Ok(copied >= frames)
}
