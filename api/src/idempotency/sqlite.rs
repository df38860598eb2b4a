use std::path::Path;

use async_trait::async_trait;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{QueryBuilder, Sqlite};
use theazo_domain::Timestamp;

use super::writer::{Put, Sink, Writer};
use super::{Fingerprint, IdempotencyError, IdempotencyStore, StoredAnswer};

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS answers (\
    key BLOB PRIMARY KEY, request BLOB NOT NULL, sealed_key TEXT NOT NULL, \
    sealed_data TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID";
const EXPIRY_INDEX: &str = "CREATE INDEX IF NOT EXISTS answers_expires ON answers (expires)";
const READERS: u32 = 2;

/// Answers in a SQLite file of their own. They survive the process; a loss of power may take the
/// last ones, which the log then answers.
pub struct SqliteIdempotency {
    readers: SqlitePool,
    writer: SqlitePool,
    queue: Writer,
}

impl SqliteIdempotency {
    /// Opens the file at `path`, or creates it. Its writer ends when this is dropped.
    pub async fn open(path: &Path) -> Result<Self, IdempotencyError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(std::time::Duration::from_secs(5));
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone());
        let writer = writer.await?;
        sqlx::query(SCHEMA).execute(&writer).await?;
        sqlx::query(EXPIRY_INDEX).execute(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self { readers, queue: Writer::start(writer.clone()), writer })
    }
}

#[async_trait]
impl Sink for SqlitePool {
    async fn insert(&self, batch: &[Put]) -> Result<(), sqlx::Error> {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "INSERT OR REPLACE INTO answers (key, request, sealed_key, sealed_data, expires) ",
        );
        sql.push_values(batch, |mut row, Put { key, answer, .. }| {
            row.push_bind(key.as_slice())
                .push_bind(answer.request.as_slice())
                .push_bind(answer.sealed.key.as_str())
                .push_bind(answer.sealed.data.as_str())
                .push_bind(answer.expires.as_millis());
        });
        sql.build().execute(self).await.map(|_| ())
    }
}

#[async_trait]
impl IdempotencyStore for SqliteIdempotency {
    async fn get(
        &self,
        key: Fingerprint,
        now: Timestamp,
    ) -> Result<Option<StoredAnswer>, IdempotencyError> {
        let sql = "SELECT request, sealed_key, sealed_data, expires FROM answers \
                   WHERE key = $1 AND expires > $2";
        let row = sqlx::query(sql)
            .bind(key.as_slice())
            .bind(now.as_millis())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(StoredAnswer::read).transpose()
    }

    async fn put(&self, key: Fingerprint, answer: StoredAnswer) -> Result<(), IdempotencyError> {
        self.queue.put(key, answer).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, IdempotencyError> {
        let sql = "DELETE FROM answers WHERE expires <= $1";
        let swept = sqlx::query(sql).bind(now.as_millis()).execute(&self.writer).await?;
        Ok(swept.rows_affected())
    }
}
