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

mod cipher;
mod keys;
mod master;
mod payload;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use theazo_domain::{Scope, Sealed, SessionId};
use zeroize::Zeroizing;

use cipher::{DataKey, random_bytes};
use keys::KeyStore;

pub use master::MasterKey;
pub use payload::{open_payload, seal_payload};

const CACHED_KEYS: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

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
    #[error("the blob store cannot be reached: {0}")]
    Blob(String),
}

/// Seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    master: Arc<DataKey>,
    store: KeyStore,
    opened: Arc<Mutex<LruCache<String, Arc<DataKey>>>>,
}

impl Vault {
    /// Opens the key store at `path` (made if it is not there).
    pub async fn open(path: &Path, master: &MasterKey) -> Result<Self, VaultError> {
        let vault = Self {
            master: Arc::new(master.derive_wrapping_key()),
            store: KeyStore::open(path).await?,
            opened: Arc::new(Mutex::new(LruCache::new(CACHED_KEYS))),
        };
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

    /// Erases a session's key: what was sealed under it can never be opened again.
    pub async fn erase(&self, scope: Scope, session: SessionId) -> Result<(), VaultError> {
        let name = key_name(scope, Owner::Session(session));
        self.store.delete(&name).await?;
        self.opened.lock().pop(&name);
        Ok(())
    }

    async fn data_key(&self, name: &str, make: bool) -> Result<Arc<DataKey>, VaultError> {
        if let Some(key) = self.opened.lock().get(name) {
            return Ok(key.clone());
        }
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
        self.opened.lock().put(name.to_owned(), key.clone());
        Ok(key)
    }

    /// Fails at start, not at the first secret, when the master key is not the one of this store.
    async fn check_master(&self) -> Result<(), VaultError> {
        self.data_key("master-check", true).await.map(|_| ()).map_err(|error| match error {
            VaultError::Forged => VaultError::Master(
                "the master key is not the one this data folder was made with; set \
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
