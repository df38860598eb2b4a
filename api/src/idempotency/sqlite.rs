use std::path::Path;

use async_trait::async_trait;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{QueryBuilder, Row, Sqlite};
use theazo_domain::{Sealed, Timestamp};
use tokio::sync::{mpsc, oneshot};

use super::{Fingerprint, IdempotencyError, IdempotencyStore, StoredAnswer};

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS answers (\
    key BLOB PRIMARY KEY, request BLOB NOT NULL, sealed_key TEXT NOT NULL, \
    sealed_data TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID";
const EXPIRY_INDEX: &str = "CREATE INDEX IF NOT EXISTS answers_expires ON answers (expires)";
/// Answers that one transaction writes.
const BATCH: usize = 64;
const QUEUE: usize = 1_024;
const READERS: u32 = 2;

/// Answers in a SQLite file of their own. They survive the process; a loss of power may take the
/// last ones, which the log then answers.
pub struct SqliteIdempotency {
    readers: SqlitePool,
    writer: SqlitePool,
    queue: mpsc::Sender<Put>,
}

struct Put {
    key: Fingerprint,
    answer: StoredAnswer,
    done: oneshot::Sender<Result<(), IdempotencyError>>,
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
        let (queue, puts) = mpsc::channel(QUEUE);
        tokio::spawn(write(writer.clone(), puts));
        Ok(Self { readers, writer, queue })
    }
}

/// Writes what has queued up in one transaction, until the last sender is gone.
async fn write(pool: SqlitePool, mut puts: mpsc::Receiver<Put>) {
    let mut batch = Vec::with_capacity(BATCH);
    while puts.recv_many(&mut batch, BATCH).await > 0 {
        let result = insert(&pool, &batch).await.map_err(IdempotencyError::from);
        for put in batch.drain(..) {
            // Who waited may have gone away.
            let _ = put.done.send(result.clone());
        }
    }
}

async fn insert(pool: &SqlitePool, batch: &[Put]) -> Result<(), sqlx::Error> {
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
    sql.build().execute(pool).await.map(|_| ())
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
        let Some(row) = row else { return Ok(None) };
        let request = row.try_get::<&[u8], _>("request")?;
        let request = request
            .try_into()
            .map_err(|_| IdempotencyError::Unavailable("a stored hash is too short".to_owned()))?;
        let sealed = Sealed { key: row.try_get("sealed_key")?, data: row.try_get("sealed_data")? };
        let expires = Timestamp::from_millis(row.try_get("expires")?);
        Ok(Some(StoredAnswer { request, sealed, expires }))
    }

    async fn put(&self, key: Fingerprint, answer: StoredAnswer) -> Result<(), IdempotencyError> {
        let gone = || IdempotencyError::Unavailable("its writer has ended".to_owned());
        let (done, written) = oneshot::channel();
        self.queue.send(Put { key, answer, done }).await.map_err(|_| gone())?;
        written.await.map_err(|_| gone())?
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, IdempotencyError> {
        let sql = "DELETE FROM answers WHERE expires <= $1";
        let swept = sqlx::query(sql).bind(now.as_millis()).execute(&self.writer).await?;
        Ok(swept.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(expires: i64) -> StoredAnswer {
        StoredAnswer {
            request: [3; 32],
            sealed: Sealed { key: "k".to_owned(), data: "d".to_owned() },
            expires: Timestamp::from_millis(expires),
        }
    }

    #[tokio::test]
    async fn answers_are_kept_until_they_expire_also_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("idempotency.sqlite");
        let at = Timestamp::from_millis;
        let store = SqliteIdempotency::open(&path).await.unwrap();
        store.put([1; 32], answer(100)).await.unwrap();
        store.put([2; 32], answer(200)).await.unwrap();
        drop(store);

        let store = SqliteIdempotency::open(&path).await.unwrap();
        assert_eq!(store.get([1; 32], at(99)).await.unwrap(), Some(answer(100)));
        assert_eq!(store.get([1; 32], at(100)).await.unwrap(), None);
        assert_eq!(store.sweep(at(100)).await.unwrap(), 1);
        assert_eq!(store.get([1; 32], at(0)).await.unwrap(), None);
        assert_eq!(store.get([2; 32], at(100)).await.unwrap(), Some(answer(200)));
    }
}
