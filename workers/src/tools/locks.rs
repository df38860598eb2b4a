//! One change of a file at a time: the calls of one turn run at once, and two edits of one file
//! must not lose either.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use theazo_providers::SandboxId;
use tokio::sync::{Mutex, MutexGuard};

/// Enough that two files rarely share one; sharing one only waits.
const STRIPES: usize = 64;

/// Locks of files by path. Whoever asks first is served first, so that edits are made in the order
/// in which the model asked for them.
#[derive(Clone)]
pub struct FileLocks {
    stripes: Arc<[Mutex<()>]>,
    hasher: RandomState,
}

impl Default for FileLocks {
    fn default() -> Self {
        Self { stripes: (0..STRIPES).map(|_| Mutex::new(())).collect(), hasher: RandomState::new() }
    }
}

impl FileLocks {
    pub async fn lock(&self, sandbox: &SandboxId, path: &str) -> MutexGuard<'_, ()> {
        let hash = self.hasher.hash_one((sandbox, path));
        let stripe = usize::try_from(hash % STRIPES as u64).unwrap_or(0);
        self.stripes[stripe].lock().await
    }
}
