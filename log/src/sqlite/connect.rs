//! Connections to the file, and what their errors mean.

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqliteConnection};

use super::SqliteOptions;
use crate::LogError;

/// KiB of page cache of the writer: the inner pages of every index and the end of the table.
const WRITER_CACHE: &str = "-16000";
/// Bytes to which the write-ahead log shrinks after it grew in a burst.
const WAL_KEPT: &str = "67108864";

fn options(log: &SqliteOptions, name: &'static str) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(&log.path)
        .busy_timeout(log.lock_timeout)
        .thread_name(move |_| name.to_owned())
        .disable_statement_logging()
}

fn open_error(log: &SqliteOptions) -> impl Fn(sqlx::Error) -> LogError {
    let what = format!("{} cannot be opened", log.path.display());
    move |error| unavailable(&what, &error)
}

/// The writer's connection; makes the file when it is not there.
pub(super) async fn writer(log: &SqliteOptions) -> Result<SqliteConnection, LogError> {
    options(log, "log-writer")
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // See `checkpoint`.
        .pragma("wal_autocheckpoint", "0")
        .pragma("journal_size_limit", WAL_KEPT)
        .pragma("cache_size", WRITER_CACHE)
        .pragma("temp_store", "memory")
        .connect()
        .await
        .map_err(open_error(log))
}

/// The connection that moves the write-ahead log into the database.
pub(super) async fn checkpointer(log: &SqliteOptions) -> Result<SqliteConnection, LogError> {
    options(log, "log-checkpoint")
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "0")
        .connect()
        .await
        .map_err(open_error(log))
}

/// The read connections.
pub(super) async fn readers(log: &SqliteOptions) -> Result<SqlitePool, LogError> {
    SqlitePoolOptions::new()
        .max_connections(log.readers.max(1))
        .min_connections(1)
        // A ping is a round trip to the connection's thread, as long as a small read.
        .test_before_acquire(false)
        .connect_with(options(log, "log-reader").read_only(true).row_buffer_size(256))
        .await
        .map_err(open_error(log))
}

/// The log error for `error`: what failed, and SQLite's own words for why.
pub(super) fn unavailable(what: &str, error: &sqlx::Error) -> LogError {
    LogError::Unavailable(format!("{what}: {error}"))
}

/// What a failed statement left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// A row was there already: nothing was written, and what the writer remembers is out of date.
    Duplicate,
    /// Nothing was written.
    NotWritten,
    /// The failure may have struck after the transaction's last page was on its way to the disk:
    /// in this process it is undone, after a crash it may be there.
    Unknown,
}

impl Failure {
    /// By SQLite's primary result code (<https://sqlite.org/rescode.html>).
    pub(super) fn of(error: &sqlx::Error) -> Self {
        const BUSY: i32 = 5;
        const LOCKED: i32 = 6;
        const READONLY: i32 = 8;
        const CORRUPT: i32 = 11;
        const CANTOPEN: i32 = 14;
        const TOOBIG: i32 = 18;
        const NOTADB: i32 = 26;
        if error.as_database_error().is_some_and(|e| e.is_unique_violation()) {
            return Failure::Duplicate;
        }
        let code = error.as_database_error().and_then(|e| e.code()?.parse::<i32>().ok());
        match code.map(|extended| extended & 0xff) {
            Some(BUSY | LOCKED | READONLY | CORRUPT | CANTOPEN | TOOBIG | NOTADB) => {
                Failure::NotWritten
            }
            _ => Failure::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Row;

    use super::*;

    /// A test cannot take the power away; it can see that SQLite was told to be ready for it.
    #[tokio::test]
    async fn a_transaction_is_on_the_disk_before_it_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let log = SqliteOptions::new(folder.path().join("log.db"));
        let mut conn = writer(&log).await.unwrap();
        let row = sqlx::query("PRAGMA synchronous").fetch_one(&mut conn).await.unwrap();
        assert_eq!(row.try_get::<i64, _>(0).unwrap(), 2, "FULL");
        let row = sqlx::query("PRAGMA journal_mode").fetch_one(&mut conn).await.unwrap();
        assert_eq!(row.try_get::<String, _>(0).unwrap(), "wal");
    }

    #[test]
    fn a_failure_of_unknown_outcome_is_never_taken_for_nothing_written() {
        assert_eq!(Failure::of(&sqlx::Error::WorkerCrashed), Failure::Unknown);
        assert_eq!(Failure::of(&sqlx::Error::PoolTimedOut), Failure::Unknown);
    }
}
