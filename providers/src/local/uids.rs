//! The host uids of sandboxes.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use crate::contract::{ProviderError, Result};

/// How many sandboxes can exist at once, each with a host uid of its own.
const MAX_SANDBOXES: u32 = 32_768;

pub struct Uids {
    base: u32,
    used: Mutex<BTreeSet<u32>>,
    /// The one of all sandboxes, where the server is not root.
    shared: Option<u32>,
}

impl Uids {
    /// `used` are those of sandboxes of an earlier server.
    pub fn new(base: u32, used: impl IntoIterator<Item = u32>) -> Self {
        let own = nix::unistd::geteuid();
        let shared = (!own.is_root()).then(|| own.as_raw());
        Self { base, used: Mutex::new(used.into_iter().collect()), shared }
    }

    pub fn take(&self) -> Result<u32> {
        if let Some(shared) = self.shared {
            return Ok(shared);
        }
        let mut used = self.used.lock();
        let uids = self.base..self.base.saturating_add(MAX_SANDBOXES);
        let free = uids.into_iter().find(|uid| !used.contains(uid));
        let uid = free.ok_or_else(|| ProviderError::Failed {
            message: format!("this machine has {MAX_SANDBOXES} sandboxes and takes no more"),
            retryable: true,
        })?;
        used.insert(uid);
        Ok(uid)
    }

    pub fn give_back(&self, uid: u32) {
        self.used.lock().remove(&uid);
    }

    /// Whether a sandbox of this server may have it.
    pub fn may_be(&self, uid: u32) -> bool {
        match self.shared {
            Some(shared) => uid == shared,
            None => (self.base..self.base.saturating_add(MAX_SANDBOXES)).contains(&uid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_in_use_is_not_given_to_another() {
        let uids = Uids { base: 100, used: Mutex::new([100, 102].into()), shared: None };
        assert_eq!((uids.take(), uids.take()), (Ok(101), Ok(103)));
        uids.give_back(102);
        assert_eq!(uids.take(), Ok(102));
        assert!(uids.may_be(100) && !uids.may_be(99) && !uids.may_be(100 + MAX_SANDBOXES));
    }
}
