use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::cipher::DataKey;

const CACHED_KEYS: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// Data keys that were unwrapped, for as long as they may be used without looking again.
pub(super) struct Opened {
    trusted_for: Option<Duration>,
    keys: Mutex<Keys>,
}

struct Keys {
    by_name: LruCache<String, Opening>,
    /// Changes when a key is erased here.
    erasures: u64,
}

struct Opening {
    key: Arc<DataKey>,
    looked_at: Instant,
}

/// Taken before the store is asked for a key.
pub(super) struct Look {
    at: Instant,
    erasures: u64,
}

impl Opened {
    pub fn new(trusted_for: Option<Duration>) -> Self {
        let by_name = LruCache::new(CACHED_KEYS);
        Self { trusted_for, keys: Mutex::new(Keys { by_name, erasures: 0 }) }
    }

    pub fn get(&self, name: &str) -> Option<Arc<DataKey>> {
        let mut keys = self.keys.lock();
        let opening = keys.by_name.get(name)?;
        if self.trusted_for.is_none_or(|trusted| opening.looked_at.elapsed() < trusted) {
            return Some(opening.key.clone());
        }
        keys.by_name.pop(name);
        None
    }

    pub fn look(&self) -> Look {
        Look { at: Instant::now(), erasures: self.keys.lock().erasures }
    }

    /// Keeps what a look found, unless it may have been erased meanwhile.
    pub fn put(&self, name: &str, key: Arc<DataKey>, look: &Look) {
        let mut keys = self.keys.lock();
        if keys.erasures == look.erasures {
            keys.by_name.put(name.to_owned(), Opening { key, looked_at: look.at });
        }
    }

    pub fn forget(&self, name: &str) {
        let mut keys = self.keys.lock();
        keys.erasures += 1;
        keys.by_name.pop(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Arc<DataKey> {
        Arc::new(DataKey::random())
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_looked_at_again_after_its_time() {
        let opened = Opened::new(Some(Duration::from_secs(60)));
        let look = opened.look();
        tokio::time::advance(Duration::from_secs(20)).await;
        opened.put("a", key(), &look);
        // Its time began when the store was asked.
        tokio::time::advance(Duration::from_secs(39)).await;
        assert!(opened.get("a").is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(opened.get("a").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_nobody_else_erases_stays() {
        let opened = Opened::new(None);
        opened.put("a", key(), &opened.look());
        tokio::time::advance(Duration::from_secs(1_000_000)).await;
        assert!(opened.get("a").is_some());
    }

    #[tokio::test]
    async fn a_key_that_is_erased_while_it_is_looked_up_is_not_kept() {
        let opened = Opened::new(None);
        let look = opened.look();
        opened.forget("a");
        opened.put("a", key(), &look);
        assert!(opened.get("a").is_none());
    }
}
