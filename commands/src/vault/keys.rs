use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::VaultError;

/// Wrapped data keys by name. The one place where something is ever really deleted.
#[derive(Clone)]
pub(super) struct KeyStore(SqlitePool);

impl KeyStore {
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

    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
        let wrapped = sqlx::query_scalar("SELECT wrapped FROM data_keys WHERE name = ?1")
            .bind(name)
            .fetch_optional(&self.0)
            .await?;
        Ok(wrapped)
    }

    /// The key that is stored under `name` afterwards: the given one, or an earlier one.
    pub async fn put_if_absent(&self, name: &str, wrapped: &[u8]) -> Result<Vec<u8>, VaultError> {
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

    pub async fn delete(&self, name: &str) -> Result<(), VaultError> {
        sqlx::query("DELETE FROM data_keys WHERE name = ?1").bind(name).execute(&self.0).await?;
        // The write-ahead log holds the page's old content until it is truncated.
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.0).await?;
        Ok(())
    }
}

impl From<sqlx::Error> for VaultError {
    fn from(error: sqlx::Error) -> Self {
        VaultError::Store(error.to_string())
    }
}
