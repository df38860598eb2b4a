//! Secrets and personal payloads: AES-256-GCM, envelope encryption.
//!
//! ```text
//! master key ──wraps──▶ data key of an org     ──seals──▶ secrets, provider credentials
//!            └─wraps──▶ data key of a session  ──seals──▶ code, output: personal payloads
//! ```
//!
//! Wrapped data keys live in a small store of their own, *not* in the log: deleting a session's
//! key makes its payloads in the immutable log unreadable for ever (crypto-shredding). Every
//! ciphertext is bound to its tenant, owner and purpose as associated data, so that it opens only
//! where it was made for.
//!
//! The store is a SQLite file, or Postgres when processes share it. Opened keys are kept in memory;
//! on Postgres for a minute, which is how long after an erasure another process may still open what
//! was sealed under the key.

mod cipher;
mod copy;
mod keys;
mod master;
mod opened;
mod payload;
mod stream;

use std::path::Path;
use std::sync::Arc;

use sqlx::PgPool;
use theazo_domain::{Scope, Sealed, SessionId};
use zeroize::Zeroizing;

use cipher::{DataKey, random_bytes};
use keys::{KeyStore, PostgresKeys, SqliteKeys};
use opened::Opened;

pub use master::MasterKey;
pub use payload::{open_payload, seal_payload};
pub use stream::ByteStream;

/// The key that tells whether the master key is the right one.
const MASTER_CHECK: &str = "master-check";

/// Whose data key seals something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    Org,
    Session(SessionId),
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum VaultError {
    #[error("the vault's key store cannot be reached: {0}")]
    Store(String),
    /// The data key was erased, or was never here.
    #[error("the key of this data has been erased")]
    Erased,
    /// Not what was sealed, not where it was sealed for, or another master key.
    #[error("the data does not open: it was changed, or the master key is another one")]
    Forged,
    #[error("{0}")]
    Master(String),
    /// What stands in the way of a copy.
    #[error("{0}")]
    Copy(String),
    #[error("the blob store cannot be reached: {0}")]
    Blob(String),
}

/// Seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    master: Arc<DataKey>,
    store: Arc<dyn KeyStore>,
    opened: Arc<Opened>,
}

impl Vault {
    /// Opens the key store at `path` (made if it is not there).
    pub async fn open(path: &Path, master: &MasterKey) -> Result<Self, VaultError> {
        Self::over(Arc::new(SqliteKeys::open(path).await?), master).await
    }

    /// Opens the key store in the database of `pool` (made if it is not there). Any number of
    /// processes may.
    pub async fn open_postgres(pool: PgPool, master: &MasterKey) -> Result<Self, VaultError> {
        Self::over(Arc::new(PostgresKeys::open(pool).await?), master).await
    }

    async fn over(store: Arc<dyn KeyStore>, master: &MasterKey) -> Result<Self, VaultError> {
        let opened = Arc::new(Opened::new(store.trusted_for()));
        let vault = Self { master: Arc::new(master.derive_wrapping_key()), store, opened };
        vault.check_master().await?;
        Ok(vault)
    }

    /// Seals `plain` for `purpose` (`secret NAME v3`, `execution exe_… stdout`).
    pub async fn seal(
        &self,
        scope: Scope,
        owner: Owner,
        purpose: &str,
        plain: &[u8],
    ) -> Result<Sealed, VaultError> {
        let name = key_name(scope, owner);
        let key = self.data_key(&name, true).await?;
        Ok(Sealed { data: key.seal(&aad(&name, purpose), plain)?, key: name })
    }

    /// Opens what was sealed in `scope` for the same purpose.
    pub async fn unseal(
        &self,
        scope: Scope,
        purpose: &str,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        // A ciphertext that names another tenant's key was moved here.
        if !sealed.key.starts_with(&scope_name(scope)) {
            return Err(VaultError::Forged);
        }
        let key = self.data_key(&sealed.key, false).await?;
        key.open(&aad(&sealed.key, purpose), &sealed.data)
    }

    /// Erases a session's key: what was sealed under it can never be opened again; by other
    /// processes on the same store, after a minute.
    pub async fn erase(&self, scope: Scope, session: SessionId) -> Result<(), VaultError> {
        let name = key_name(scope, Owner::Session(session));
        self.store.delete(&name).await?;
        self.opened.forget(&name);
        Ok(())
    }

    async fn data_key(&self, name: &str, make: bool) -> Result<Arc<DataKey>, VaultError> {
        if let Some(key) = self.opened.get(name) {
            return Ok(key);
        }
        let look = self.opened.look();
        let wrapped = match self.store.get(name).await? {
            Some(wrapped) => wrapped,
            None if make => {
                let wrapped = self.master.wrap(name, &DataKey::random())?;
                // Another request may have been faster: the store's answer is the key.
                self.store.put_if_absent(name, &wrapped).await?
            }
            None => return Err(VaultError::Erased),
        };
        let key = Arc::new(self.master.unwrap(name, &wrapped)?);
        self.opened.put(name, key.clone(), &look);
        Ok(key)
    }

    /// Fails at start, not at the first secret, when the master key is not the one of this store.
    async fn check_master(&self) -> Result<(), VaultError> {
        self.data_key(MASTER_CHECK, true).await.map(|_| ()).map_err(|error| match error {
            VaultError::Forged => VaultError::Master(
                "the master key is not the one this data was made with; set \
                 THEAZO_MASTER_KEY (or restore master.key) to the one it was"
                    .to_owned(),
            ),
            other => other,
        })
    }
}

fn scope_name(scope: Scope) -> String {
    format!("{}.{}.", scope.org, scope.mode)
}

fn key_name(scope: Scope, owner: Owner) -> String {
    let owner = match owner {
        Owner::Org => "org".to_owned(),
        Owner::Session(id) => id.to_string(),
    };
    format!("{}{owner}#1", scope_name(scope))
}

fn aad(key: &str, purpose: &str) -> Vec<u8> {
    format!("theazo/1\0{key}\0{purpose}").into_bytes()
}

/// Random bytes from the operating system, for what must not be guessed.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    random_bytes()
}
