//! All that is SQLite's own. The other files' SQL is what SQLite and Postgres both take.

use std::path::Path;
use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Row as _};

pub(crate) type Db = sqlx::Sqlite;
pub(crate) type Pool = sqlx::Pool<Db>;
pub(crate) type Connection = sqlx::SqliteConnection;
pub(crate) type Transaction = sqlx::Transaction<'static, Db>;
pub(crate) type Arguments = SqliteArguments;
pub(crate) type DbRow = SqliteRow;

/// A `BIGINT` key that rows are appended under: only this spelling is SQLite's own row number.
pub(crate) const SEQ_TYPE: &str = "INTEGER PRIMARY KEY";

/// After a table whose rows are kept in its primary key, without a second tree for it.
pub(crate) const CLUSTERED: &str = " WITHOUT ROWID";

/// Begins an insert of several rows. A row that is refused takes the whole transaction with it, so
/// SQLite need not be ready to take back the statement alone, which costs it a copy of each page.
pub(crate) const INSERT: &str = "INSERT OR FAIL INTO";

/// One prepared statement for every size of a bulk write and read of every table.
const STATEMENTS: usize = 1_024;
/// Pages of write-ahead log after which the writer itself copies them into the database, which it
/// comes to only when [`tidy`] does not keep up: in a replay.
const WAL_PAGES: u32 = 32_000;
/// KiB of page cache of the writing connection: the upper levels of every index stay in it.
const WRITER_CACHE_KIB: u32 = 32 * 1_024;

/// The values of one row of a multi-row `VALUES`, as placeholders.
pub(crate) fn placeholders(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    vec![row; rows].join(",")
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // What a power cut takes back is written again from the log: the checkpoint goes with it.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_secs(10))
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging()
}

/// The one connection that writes; whoever holds it is the only writer.
pub(crate) async fn open_writer(path: &Path) -> Result<Pool, sqlx::Error> {
    let options = options(path)
        .pragma("cache_size", format!("-{WRITER_CACHE_KIB}"))
        .pragma("wal_autocheckpoint", WAL_PAGES.to_string())
        .pragma("temp_store", "memory");
    PoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(60))
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
}

pub(crate) async fn open_readers(path: &Path, count: u32) -> Result<Pool, sqlx::Error> {
    PoolOptions::new()
        .max_connections(count.max(1))
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options(path).pragma("query_only", "true"))
        .await
}

/// Begins a transaction that holds the write lock from its start, so that it cannot fail for it
/// half-way.
pub(crate) async fn begin(writer: &Pool) -> Result<Transaction, sqlx::Error> {
    writer.begin_with("BEGIN IMMEDIATE").await
}

/// The names of all tables.
pub(crate) async fn tables(connection: &mut Connection) -> Result<Vec<String>, sqlx::Error> {
    let rows = sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table'")
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Copies the write-ahead log into the database, beside the writer and the readers.
pub(crate) async fn tidy(readers: &Pool) -> Result<(), sqlx::Error> {
    sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(readers).await?;
    Ok(())
}
