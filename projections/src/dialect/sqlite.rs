//! All that is SQLite's own.

use std::path::Path;
use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous,
};
use sqlx::{Arguments as _, AssertSqlSafe, ConnectOptions, Executor, Sqlite, Transaction};

use super::{DbRow, Pool, Statement, Value};

/// Only this spelling is SQLite's own row number.
pub(super) const ROW_NUMBER: &str = "INTEGER PRIMARY KEY";

pub(super) const CLUSTERED: &str = " WITHOUT ROWID";

/// A row that is refused takes the whole transaction with it, so SQLite need not be ready to take
/// back the statement alone, which costs it a copy of each page.
pub(super) const INSERT: &str = "INSERT OR FAIL INTO";

/// One prepared statement for every size of a bulk write and read of every table.
const STATEMENTS: usize = 1_024;
/// Pages of write-ahead log after which the writer itself copies them into the database, which it
/// comes to only when [`tidy`] does not keep up: in a replay.
const WAL_PAGES: u32 = 32_000;
/// KiB of page cache of the writing connection: the upper levels of every index stay in it.
const WRITER_CACHE_KIB: u32 = 32 * 1_024;

/// Not numbered: SQLite would look each number up.
pub(super) fn placeholders(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    format!("VALUES {}", vec![row; rows].join(","))
}

fn arguments(values: Vec<Value>) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        match value {
            Value::Text(text) => arguments.add(text),
            Value::Shared(text) => arguments.add(text),
            Value::Word(text) => arguments.add(text),
            Value::Integer(number) => arguments.add(number),
            Value::Flag(flag) => arguments.add(flag),
            Value::Null => arguments.add(None::<&str>),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

pub(super) async fn rows<'e>(
    executor: impl Executor<'e, Database = Sqlite>,
    Statement { sql, values, .. }: Statement,
) -> Result<Vec<DbRow>, sqlx::Error> {
    let query = sqlx::query_with(AssertSqlSafe(sql), arguments(values)?);
    let rows = query.fetch_all(executor).await?;
    Ok(rows.into_iter().map(DbRow::Sqlite).collect())
}

pub(super) async fn execute<'e>(
    executor: impl Executor<'e, Database = Sqlite>,
    Statement { sql, values, .. }: Statement,
) -> Result<u64, sqlx::Error> {
    let query = sqlx::query_with(AssertSqlSafe(sql), arguments(values)?);
    Ok(query.execute(executor).await?.rows_affected())
}

pub(super) async fn script<'e>(
    executor: impl Executor<'e, Database = Sqlite>,
    sql: String,
) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(executor).await?;
    Ok(())
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
        .map(Pool::Sqlite)
}

pub(crate) async fn open_readers(path: &Path, count: u32) -> Result<Pool, sqlx::Error> {
    PoolOptions::new()
        .max_connections(count.max(1))
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options(path).pragma("query_only", "true"))
        .await
        .map(Pool::Sqlite)
}

/// Begins a transaction that holds the write lock from its start, so that it cannot fail for it
/// half-way.
pub(super) async fn begin(
    writer: &SqlitePool,
) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    let begun = writer.begin_with("BEGIN IMMEDIATE").await;
    if matches!(begun, Err(sqlx::Error::InvalidSavePointStatement)) {
        // SQLite has ended a transaction by itself, as it does when the disk is full, and the
        // connection does not know it: the next try has a new one.
        tracing::warn!("the writing connection has lost its transaction; it is made anew");
        writer.acquire().await?.close().await?;
    }
    begun
}

pub(super) async fn tables(
    tx: &mut Transaction<'static, Sqlite>,
) -> Result<Vec<DbRow>, sqlx::Error> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table'";
    rows(&mut **tx, Statement::new(sql)).await
}

/// Copies the write-ahead log into the database, beside the writer and the readers.
pub(crate) async fn tidy(readers: &Pool) -> Result<(), sqlx::Error> {
    readers.rows(Statement::new("PRAGMA wal_checkpoint(PASSIVE)")).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_transaction_that_sqlite_ended_by_itself_is_got_over() {
        let folder = tempfile::tempdir().unwrap();
        let Pool::Sqlite(writer) = open_writer(&folder.path().join("reads.db")).await.unwrap()
        else {
            unreachable!()
        };
        let mut tx = begin(&writer).await.unwrap();
        sqlx::query("ROLLBACK").execute(&mut *tx).await.unwrap();
        assert!(tx.commit().await.is_err());
        // The first try may find what is wrong; the next one is well.
        if begin(&writer).await.is_err() {
            begin(&writer).await.unwrap();
        }
    }
}
