//! The file's tables.

use sqlx::{Connection, Row, SqliteConnection};

use super::connect::unavailable;
use crate::LogError;

/// The version of the tables below, in `PRAGMA user_version`.
const VERSION: i64 = 1;

/// A stream's number is the position of its first commit (`origin`), and only that one holds its
/// name: every other index entry is two small integers. SQLite ends each index entry with the
/// row's position, so `(origin)` is `(origin, position)`.
///
/// Commit ids are unique in their stream and not in the file: that is the log's contract, and such
/// an index grows at its end also when ids are derived from idempotency keys, which are random.
const TABLES: &str = "
CREATE TABLE scopes (
    number INTEGER PRIMARY KEY,
    org TEXT NOT NULL,
    mode TEXT NOT NULL,
    UNIQUE (org, mode)
) STRICT;
CREATE TABLE commits (
    position INTEGER PRIMARY KEY,
    previous INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    scope INTEGER NOT NULL,
    kind TEXT NOT NULL,
    stream TEXT,
    id BLOB NOT NULL,
    time INTEGER NOT NULL,
    previous_hash BLOB NOT NULL,
    hash BLOB NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX commits_of_stream ON commits (origin);
CREATE UNIQUE INDEX commits_by_id ON commits (origin, id);
CREATE UNIQUE INDEX streams_by_name ON commits (stream) WHERE stream IS NOT NULL;
CREATE INDEX commits_of_scope ON commits (scope);
PRAGMA user_version = 1;
";

/// Makes the tables, or checks that they are ones this version knows.
pub(super) async fn prepare(conn: &mut SqliteConnection) -> Result<(), LogError> {
    let error = |e| unavailable("its tables cannot be made", &e);
    // IMMEDIATE: of two processes that open a new file, one makes the tables.
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.map_err(error)?;
    let found: i64 = sqlx::query("PRAGMA user_version")
        .fetch_one(&mut *tx)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(error)?;
    match found {
        VERSION => return tx.rollback().await.map_err(error),
        0 => sqlx::raw_sql(TABLES).execute(&mut *tx).await.map_err(error)?,
        newer => {
            return Err(LogError::Unavailable(format!(
                "the file has version {newer}, and this program knows {VERSION}; start a newer one"
            )));
        }
    };
    tx.commit().await.map_err(error)
}
