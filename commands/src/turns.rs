//! Commands on one stream that have met take turns: a session whose agents come and go all at once
//! would otherwise have most of them decide in vain, again and again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use theazo_domain::StreamId;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Streams that share a turn by chance only wait for each other.
const QUEUES: usize = 256;

/// First come, first served, within this process. It saves futile tries and nothing depends on it:
/// the log decides who was first.
pub(crate) struct Turns(Box<[Arc<Mutex<()>>]>);

impl Default for Turns {
    fn default() -> Self {
        Self((0..QUEUES).map(|_| Arc::default()).collect())
    }
}

impl Turns {
    /// Waits for the turn of a command on `stream`; it is over when the guard is dropped. Whoever
    /// has one must not wait for another.
    pub async fn of(&self, stream: &StreamId) -> OwnedMutexGuard<()> {
        let mut hasher = DefaultHasher::new();
        stream.hash(&mut hasher);
        let queue = usize::try_from(hasher.finish() % QUEUES as u64).unwrap_or(0);
        self.0[queue].clone().lock_owned().await
    }
}
