mod postgres;
mod sqlite;

use std::time::Duration;

use async_trait::async_trait;

use super::VaultError;

pub(super) use postgres::PostgresKeys;
pub(super) use sqlite::SqliteKeys;

/// Wrapped data keys by name. The one place where something is ever really deleted.
#[async_trait]
pub(super) trait KeyStore: Send + Sync + 'static {
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, VaultError>;

    /// The key that is stored under `name` afterwards: the given one, or an earlier one. It
    /// survives a loss of power.
    async fn put_if_absent(&self, name: &str, wrapped: &[u8]) -> Result<Vec<u8>, VaultError>;

    /// At most `limit` keys after the name `after`, in the order of the names' bytes.
    async fn page(&self, after: &str, limit: u32) -> Result<Vec<(String, Vec<u8>)>, VaultError>;

    async fn count(&self) -> Result<u64, VaultError>;

    /// As [`KeyStore::put_if_absent`], of many.
    async fn put_all(
        &self,
        keys: &[(String, Vec<u8>)],
    ) -> Result<Vec<(String, Vec<u8>)>, VaultError> {
        let mut stored = Vec::with_capacity(keys.len());
        for (name, wrapped) in keys {
            stored.push((name.clone(), self.put_if_absent(name, wrapped).await?));
        }
        Ok(stored)
    }

    async fn delete(&self, name: &str) -> Result<(), VaultError>;

    /// How long an opened key may be used without looking whether it is still here; `None` when
    /// nobody else deletes any.
    fn trusted_for(&self) -> Option<Duration>;
}

impl From<sqlx::Error> for VaultError {
    fn from(error: sqlx::Error) -> Self {
        VaultError::Store(error.to_string())
    }
}
