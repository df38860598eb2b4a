use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgPool;

use super::{KeyStore, VaultError};
use crate::stores::{make_tables, through_restarts};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS theazo_stores.data_keys (\
    name TEXT PRIMARY KEY, wrapped BYTEA NOT NULL)";
/// A key that sealed an acknowledged commit must not be lost with the power, also where the
/// database as a whole is set to risk that.
const PUT: &str = "WITH durable AS (SELECT set_config('synchronous_commit', 'on', true)) \
    INSERT INTO theazo_stores.data_keys (name, wrapped) SELECT $1, $2 FROM durable \
    ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING wrapped";
const PUT_ALL: &str = "WITH durable AS (SELECT set_config('synchronous_commit', 'on', true)) \
    INSERT INTO theazo_stores.data_keys (name, wrapped) \
    SELECT given.name, given.wrapped FROM durable, \
    UNNEST($1::text[], $2::bytea[]) AS given (name, wrapped) \
    ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING name, wrapped";
const PAGE: &str = "SELECT name, wrapped FROM theazo_stores.data_keys \
    WHERE name COLLATE \"C\" > $1 ORDER BY name COLLATE \"C\" LIMIT $2";
const TRUSTED_FOR: Duration = Duration::from_secs(60);

/// Keys in a database that processes share.
///
/// A deleted key is gone for every query at once. Postgres' files and its write-ahead log hold the
/// row's old bytes until they are written over, and backups for as long as those are kept. They are
/// wrapped: without the master key they open nothing.
pub(in crate::vault) struct PostgresKeys(PgPool);

impl PostgresKeys {
    pub async fn open(pool: PgPool) -> Result<Self, VaultError> {
        make_tables(&pool, &[TABLE]).await?;
        Ok(Self(pool))
    }
}

#[async_trait]
impl KeyStore for PostgresKeys {
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
        let sql = "SELECT wrapped FROM theazo_stores.data_keys WHERE name = $1";
        let get = || sqlx::query_scalar(sql).bind(name).fetch_optional(&self.0);
        Ok(through_restarts(get).await?)
    }

    async fn put_if_absent(&self, name: &str, wrapped: &[u8]) -> Result<Vec<u8>, VaultError> {
        // Done twice, the second finds the first.
        let put = || sqlx::query_scalar(PUT).bind(name).bind(wrapped).fetch_one(&self.0);
        Ok(through_restarts(put).await?)
    }

    async fn page(&self, after: &str, limit: u32) -> Result<Vec<(String, Vec<u8>)>, VaultError> {
        let page = || sqlx::query_as(PAGE).bind(after).bind(i64::from(limit)).fetch_all(&self.0);
        Ok(through_restarts(page).await?)
    }

    async fn count(&self) -> Result<u64, VaultError> {
        let sql = "SELECT count(*) FROM theazo_stores.data_keys";
        let count: i64 = through_restarts(|| sqlx::query_scalar(sql).fetch_one(&self.0)).await?;
        Ok(count.unsigned_abs())
    }

    async fn put_all(
        &self,
        keys: &[(String, Vec<u8>)],
    ) -> Result<Vec<(String, Vec<u8>)>, VaultError> {
        let (names, wrapped): (Vec<&str>, Vec<&[u8]>) =
            keys.iter().map(|(name, wrapped)| (name.as_str(), wrapped.as_slice())).unzip();
        let put = || sqlx::query_as(PUT_ALL).bind(&names).bind(&wrapped).fetch_all(&self.0);
        Ok(through_restarts(put).await?)
    }

    async fn delete(&self, name: &str) -> Result<(), VaultError> {
        let sql = "DELETE FROM theazo_stores.data_keys WHERE name = $1";
        through_restarts(|| sqlx::query(sql).bind(name).execute(&self.0)).await?;
        Ok(())
    }

    fn trusted_for(&self) -> Option<Duration> {
        Some(TRUSTED_FOR)
    }
}
