//! How many streams each key has open.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use theazo_domain::ApiKeyId;

/// What `/metrics` shows of them.
const OPEN: &str = "theazo_streams_open";

/// Counts open streams by key. Cheap to clone.
#[derive(Clone)]
pub(super) struct Quota(Arc<Mutex<HashMap<ApiKeyId, usize>>>);

/// One open stream; dropped, it counts no more.
pub(super) struct Place {
    quota: Quota,
    key: ApiKeyId,
}

impl Quota {
    pub fn new() -> Self {
        // What was counted before there is a recorder would be missing for ever.
        crate::metrics::prometheus();
        metrics::describe_gauge!(OPEN, "Streams that are open.");
        Self(Arc::default())
    }

    /// A place for one more, if `key` has fewer than `limit`.
    pub fn take(&self, key: ApiKeyId, limit: usize) -> Option<Place> {
        let mut open = self.0.lock();
        let count = open.get(&key).copied().unwrap_or(0);
        if count >= limit {
            return None;
        }
        open.insert(key, count + 1);
        metrics::gauge!(OPEN).increment(1);
        Some(Place { quota: self.clone(), key })
    }

    /// How many streams are open, of all keys.
    pub fn count(&self) -> usize {
        self.0.lock().values().sum()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        metrics::gauge!(OPEN).decrement(1);
        let mut open = self.quota.0.lock();
        match open.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                open.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_places() {
        let (quota, key) = (Quota::new(), |n| ApiKeyId::from_uuid(uuid::Uuid::from_u128(n)));
        let first = quota.take(key(1), 2).unwrap();
        let second = quota.take(key(1), 2).unwrap();
        assert!(quota.take(key(1), 2).is_none());
        assert!(quota.take(key(2), 2).is_some());
        drop(first);
        let third = quota.take(key(1), 2).unwrap();
        drop((second, third));
        assert!(quota.0.lock().is_empty());
    }
}
