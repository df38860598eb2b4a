//! Wrapped data keys on their way to another store, as they are: nothing is opened for longer than
//! it takes to see that it opens.

use std::collections::HashMap;

use super::{MASTER_CHECK, Vault, VaultError};

/// Keys copied together.
const PAGE: u32 = 500;

impl Vault {
    /// How many keys are in the store.
    pub async fn keys(&self) -> Result<u64, VaultError> {
        self.store.count().await
    }

    /// Copies every key to the store of `to`, which has the same master key; those that are there
    /// already are left. `progress` hears how many are done. Answers how many there are.
    ///
    /// # Errors
    /// When a key does not open, or the other store has one that this one has not, or another under
    /// the same name: then nothing is written.
    pub async fn copy_keys(
        &self,
        to: &Vault,
        mut progress: impl FnMut(u64) + Send,
    ) -> Result<u64, VaultError> {
        self.refuse_others(to).await?;
        let (mut after, mut done) = (String::new(), 0);
        loop {
            let mut page = self.store.page(&after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(done) };
            after.clone_from(last);
            done += page.len() as u64;
            // Each store has a check of its own.
            page.retain(|(name, _)| name != MASTER_CHECK);
            for (name, wrapped) in &page {
                self.master.unwrap(name, wrapped).map_err(|_| changed(name))?;
            }
            let stored: HashMap<_, _> = to.store.put_all(&page).await?.into_iter().collect();
            for (name, wrapped) in &page {
                if stored.get(name) != Some(wrapped) {
                    return Err(other(name));
                }
            }
            progress(done);
        }
    }

    /// Fails when `to` has a key that is not one of this store's.
    async fn refuse_others(&self, to: &Vault) -> Result<(), VaultError> {
        let mut after = String::new();
        loop {
            let page = to.store.page(&after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after.clone_from(last);
            for (name, wrapped) in page.iter().filter(|(name, _)| name != MASTER_CHECK) {
                if self.store.get(name).await?.as_ref() != Some(wrapped) {
                    return Err(other(name));
                }
            }
        }
    }
}

fn changed(name: &str) -> VaultError {
    VaultError::Copy(format!(
        "the wrapped key {name} does not open: its store is damaged; restore it from a backup"
    ))
}

fn other(name: &str) -> VaultError {
    VaultError::Copy(format!(
        "the key store to copy to has a key {name} that this one has not: it is in use already, or \
         that key has been erased here since; copy to an empty one"
    ))
}
