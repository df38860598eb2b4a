use std::collections::HashMap;
use std::time::Instant;

use parking_lot::Mutex;
use theazo_domain::ApiKeyId;

use super::window::{WINDOW, Window};
use super::{SHARDS, Standing, shard_of};

/// The windows of a process that is alone. Sharded, so that keys do not wait for each other.
pub(crate) struct Alone {
    began: Instant,
    shards: [Mutex<HashMap<ApiKeyId, Window>>; SHARDS],
}

impl Alone {
    pub fn new() -> Self {
        Self { began: Instant::now(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    pub fn take(&self, key: ApiKeyId, limit: u32) -> Standing {
        let now = self.now();
        self.shards[shard_of(key)].lock().entry(key).or_default().take(now, limit)
    }

    /// Forgets keys whose window is empty.
    pub fn forget_idle(&self) {
        let minute = self.now() / WINDOW;
        for shard in &self.shards {
            shard.lock().retain(|_, window| window.minute + 1 >= minute);
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_not_count_for_each_other() {
        let limiter = Alone::new();
        let key = |n| ApiKeyId::from_uuid(uuid::Uuid::from_u128(n));
        assert!(limiter.take(key(1), 1).allowed);
        assert!(!limiter.take(key(1), 1).allowed);
        assert!(limiter.take(key(2), 1).allowed);
    }
}
