use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::PgPool;
use theazo_commands::stores::{make_tables, through_restarts};
use theazo_domain::Timestamp;

use super::writer::{Put, Sink, Writer};
use super::{Fingerprint, IdempotencyError, IdempotencyStore, StoredAnswer};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS theazo_stores.answers (\
    key BYTEA PRIMARY KEY, request BYTEA NOT NULL, sealed_key TEXT NOT NULL, \
    sealed_data TEXT NOT NULL, expires BIGINT NOT NULL)";
const EXPIRY_INDEX: &str =
    "CREATE INDEX IF NOT EXISTS answers_expires ON theazo_stores.answers (expires)";
/// A loss of power may take the last ones, as in the file of one process.
const PUT: &str = "WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true)) \
    INSERT INTO theazo_stores.answers (key, request, sealed_key, sealed_data, expires) \
    SELECT answer.* FROM relaxed, \
        UNNEST($1::bytea[], $2::bytea[], $3::text[], $4::text[], $5::bigint[]) AS answer \
    ON CONFLICT (key) DO UPDATE SET request = excluded.request, \
        sealed_key = excluded.sealed_key, sealed_data = excluded.sealed_data, \
        expires = excluded.expires";
const GET: &str = "SELECT request, sealed_key, sealed_data, expires FROM theazo_stores.answers \
    WHERE key = $1 AND expires > $2";
/// What another process sweeps at the same time is left to it.
const SWEEP: &str = "DELETE FROM theazo_stores.answers WHERE key IN (\
    SELECT key FROM theazo_stores.answers WHERE expires <= $1 \
    LIMIT 10000 FOR UPDATE SKIP LOCKED)";

/// Answers in a database that processes share. They survive the process; a crash of the database
/// may take the last ones, which the log then answers.
pub struct PostgresIdempotency {
    pool: PgPool,
    writer: Writer,
}

impl PostgresIdempotency {
    /// Makes its table in the database of `pool`, unless it is there. Its writer ends when this is
    /// dropped.
    pub async fn open(pool: PgPool) -> Result<Self, IdempotencyError> {
        make_tables(&pool, &[TABLE, EXPIRY_INDEX]).await?;
        Ok(Self { writer: Writer::start(pool.clone()), pool })
    }
}

#[async_trait]
impl Sink for PgPool {
    async fn insert(&self, batch: &[Put]) -> Result<(), sqlx::Error> {
        // In order, so that two processes never wait for each other; each key with its last answer.
        let answers: BTreeMap<&Fingerprint, &StoredAnswer> =
            batch.iter().map(|put| (&put.key, &put.answer)).collect();
        let keys: Vec<&[u8]> = answers.keys().map(|key| key.as_slice()).collect();
        let requests: Vec<&[u8]> = answers.values().map(|a| a.request.as_slice()).collect();
        let sealed_keys: Vec<&str> = answers.values().map(|a| &*a.sealed.key).collect();
        let sealed_data: Vec<&str> = answers.values().map(|a| &*a.sealed.data).collect();
        let expires: Vec<i64> = answers.values().map(|a| a.expires.as_millis()).collect();
        let put = || {
            sqlx::query(PUT)
                .bind(&keys)
                .bind(&requests)
                .bind(&sealed_keys)
                .bind(&sealed_data)
                .bind(&expires)
                .execute(self)
        };
        through_restarts(put).await.map(|_| ())
    }
}

#[async_trait]
impl IdempotencyStore for PostgresIdempotency {
    async fn get(
        &self,
        key: Fingerprint,
        now: Timestamp,
    ) -> Result<Option<StoredAnswer>, IdempotencyError> {
        let get = || {
            let query = sqlx::query(GET).bind(key.as_slice()).bind(now.as_millis());
            query.fetch_optional(&self.pool)
        };
        through_restarts(get).await?.as_ref().map(StoredAnswer::read).transpose()
    }

    async fn put(&self, key: Fingerprint, answer: StoredAnswer) -> Result<(), IdempotencyError> {
        self.writer.put(key, answer).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, IdempotencyError> {
        let mut removed = 0;
        loop {
            let swept = sqlx::query(SWEEP).bind(now.as_millis()).execute(&self.pool).await?;
            removed += swept.rows_affected();
            if swept.rows_affected() == 0 {
                return Ok(removed);
            }
        }
    }
}
