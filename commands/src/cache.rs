use std::any::Any;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;

use theazo_domain::{Aggregate, StreamId};
use theazo_log::Position;

/// States of aggregates as of their last commit this process knows. A stale one is harmless: an
/// append on it conflicts, and a rejection by it is decided again on a fresh one.
pub(crate) struct Cache(Mutex<LruCache<StreamId, Entry>>);

#[derive(Clone)]
struct Entry {
    revision: Position,
    state: Arc<dyn Any + Send + Sync>,
}

impl Cache {
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self(Mutex::new(LruCache::new(capacity)))
    }

    pub fn get<A: Aggregate>(&self, stream: &StreamId) -> Option<(Arc<A>, Position)> {
        let entry = self.0.lock().get(stream)?.clone();
        Some((entry.state.downcast::<A>().ok()?, entry.revision))
    }

    /// Keeps the newer one, whichever request comes last.
    pub fn put<A: Aggregate>(&self, stream: &StreamId, state: Arc<A>, revision: Position) {
        let mut cache = self.0.lock();
        if cache.peek(stream).is_none_or(|entry| entry.revision < revision) {
            cache.put(stream.clone(), Entry { revision, state });
        }
    }

    pub fn forget(&self, stream: &StreamId) {
        self.0.lock().pop(stream);
    }
}
