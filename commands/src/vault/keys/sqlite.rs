use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::{KeyStore, VaultError};

/// Keys in a SQLite file of one process.
pub(in crate::vault) struct SqliteKeys(SqlitePool);

impl SqliteKeys {
    pub async fn open(path: &Path) -> Result<Self, VaultError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
            // A key that sealed an acknowledged commit must not be lost with the power.
            .synchronous(SqliteSynchronous::Full)
            // An erased key must not survive in free pages.
            .pragma("secure_delete", "on");
        let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await?;
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS data_keys (name TEXT PRIMARY KEY, wrapped BLOB NOT NULL) \
             WITHOUT ROWID",
        )
        .execute(&pool)
        .await?;
        Ok(Self(pool))
    }
}

#[async_trait]
impl KeyStore for SqliteKeys {
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
        let wrapped = sqlx::query_scalar("SELECT wrapped FROM data_keys WHERE name = ?1")
            .bind(name)
            .fetch_optional(&self.0)
            .await?;
        Ok(wrapped)
    }

    async fn put_if_absent(&self, name: &str, wrapped: &[u8]) -> Result<Vec<u8>, VaultError> {
        let stored = sqlx::query_scalar(
            "INSERT INTO data_keys (name, wrapped) VALUES (?1, ?2) \
             ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING wrapped",
        )
        .bind(name)
        .bind(wrapped)
        .fetch_one(&self.0)
        .await?;
        Ok(stored)
    }

    async fn page(&self, after: &str, limit: u32) -> Result<Vec<(String, Vec<u8>)>, VaultError> {
        let sql = "SELECT name, wrapped FROM data_keys WHERE name > ?1 ORDER BY name LIMIT ?2";
        Ok(sqlx::query_as(sql).bind(after).bind(limit).fetch_all(&self.0).await?)
    }

    async fn count(&self) -> Result<u64, VaultError> {
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM data_keys").fetch_one(&self.0).await?;
        Ok(count.unsigned_abs())
    }

    async fn delete(&self, name: &str) -> Result<(), VaultError> {
        sqlx::query("DELETE FROM data_keys WHERE name = ?1").bind(name).execute(&self.0).await?;
        // The write-ahead log holds the page's old content until it is truncated.
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.0).await?;
        Ok(())
    }

    fn trusted_for(&self) -> Option<Duration> {
        None
    }
}
