//! The sliding window of requests per key.
//!
//! Two counters per key: this minute's and the last one's. The last one's counts by the part of it
//! that the window still covers, so that a minute's end is no moment to send twice as much.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use theazo_domain::ApiKeyId;
use tokio_util::sync::CancellationToken;

use crate::AppState;

/// Milliseconds.
const WINDOW: u64 = 60_000;
const SHARDS: usize = 64;

/// Sharded, so that keys do not wait for each other.
pub(crate) struct RateLimiter {
    began: Instant,
    shards: [Mutex<HashMap<ApiKeyId, Window>>; SHARDS],
}

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    /// Which minute since the start `current` counts.
    minute: u64,
    current: u32,
    previous: u32,
}

/// Where a key stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub allowed: bool,
    pub limit: u32,
    pub remaining: u32,
    /// Seconds until the whole limit is there again, or a refused request may be repeated.
    pub reset: u32,
}

impl RateLimiter {
    pub fn new() -> Self {
        Self { began: Instant::now(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// Counts a request of `key`, unless it is over `limit` a minute.
    pub fn take(&self, key: ApiKeyId, limit: u32) -> Standing {
        let now = self.now();
        self.shard(key).lock().entry(key).or_default().take(now, limit)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn shard(&self, key: ApiKeyId) -> &Mutex<HashMap<ApiKeyId, Window>> {
        let bits = key.as_uuid().as_u128();
        // The low bits are random in a UUIDv7 and in a derived one.
        &self.shards[(bits % SHARDS as u128) as usize]
    }

    /// Forgets keys whose window is empty.
    fn forget_idle(&self) {
        let minute = self.now() / WINDOW;
        for shard in &self.shards {
            shard.lock().retain(|_, window| window.minute + 1 >= minute);
        }
    }
}

impl Window {
    fn take(&mut self, now: u64, limit: u32) -> Standing {
        self.turn(now / WINDOW);
        let into = now % WINDOW;
        let used = self.used(into);
        if used >= u64::from(limit) {
            return Standing { allowed: false, limit, remaining: 0, reset: self.wait(into, limit) };
        }
        self.current += 1;
        let remaining = u64::from(limit) - used - 1;
        Standing {
            allowed: true,
            limit,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            reset: seconds(WINDOW - into),
        }
    }

    fn turn(&mut self, minute: u64) {
        match minute.saturating_sub(self.minute) {
            0 => return,
            1 => self.previous = self.current,
            _ => self.previous = 0,
        }
        self.current = 0;
        self.minute = minute;
    }

    /// Requests in the last minute: rounded up, so that the limit is never passed.
    fn used(&self, into: u64) -> u64 {
        let left = WINDOW - into;
        u64::from(self.current) + (u64::from(self.previous) * left).div_ceil(WINDOW)
    }

    /// Seconds until there is room for one.
    fn wait(&self, into: u64, limit: u32) -> u32 {
        let room = u64::from(limit).saturating_sub(1);
        if limit == 0 {
            return seconds(WINDOW);
        }
        let wait_for = |count: u32, fits: u64| -> u64 {
            // count · left ÷ WINDOW ≤ fits  ⇔  left ≤ fits · WINDOW ÷ count
            WINDOW.saturating_sub(fits * WINDOW / u64::from(count.max(1)))
        };
        match room.checked_sub(u64::from(self.current)) {
            // Enough of the last minute has to leave the window.
            Some(fits) => seconds(wait_for(self.previous, fits).saturating_sub(into)),
            // This minute's have to become the last one's, and enough of them leave.
            None => seconds(WINDOW - into + wait_for(self.current, room)),
        }
    }
}

/// Whole seconds, at least one.
fn seconds(millis: u64) -> u32 {
    u32::try_from(millis.div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
}

/// Forgets idle keys until `stop`.
pub(crate) async fn sweep(state: AppState, stop: CancellationToken) {
    let mut tick = tokio::time::interval(Duration::from_millis(2 * WINDOW));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => state.rate.forget_idle(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_reached_and_said() {
        let mut window = Window::default();
        for n in 0..60 {
            let standing = window.take(1_000, 60);
            assert!(standing.allowed);
            assert_eq!(standing.remaining, 59 - n);
        }
        let refused = window.take(1_000, 60);
        assert!(!refused.allowed);
        assert_eq!(refused.remaining, 0);
    }

    #[test]
    fn the_end_of_a_minute_is_no_moment_to_send_twice_as_much() {
        let mut window = Window::default();
        let allowed = |window: &mut Window, now: u64| {
            (0..200).filter(|_| window.take(now, 60).allowed).count()
        };
        assert_eq!(allowed(&mut window, WINDOW - 1), 60);
        assert_eq!(allowed(&mut window, WINDOW), 0);
        assert_eq!(allowed(&mut window, WINDOW + WINDOW / 2), 30);
        assert_eq!(allowed(&mut window, 2 * WINDOW), 30);
        assert_eq!(allowed(&mut window, 5 * WINDOW), 60);
    }

    #[test]
    fn who_waits_as_told_gets_through() {
        for at in [0, 1, 999, 30_000, 59_999] {
            for limit in [1, 2, 7, 60, 1_000] {
                let mut window = Window::default();
                let mut now = 10 * WINDOW + at;
                while window.take(now, limit).allowed {}
                for _ in 0..5 {
                    let told = window.take(now, limit);
                    if told.allowed {
                        continue;
                    }
                    now += u64::from(told.reset) * 1_000;
                    let then = window.take(now, limit);
                    assert!(then.allowed, "limit {limit} at {at}: {told:?} then {then:?}");
                }
            }
        }
    }

    #[test]
    fn keys_do_not_count_for_each_other() {
        let limiter = RateLimiter::new();
        let key = |n| ApiKeyId::from_uuid(uuid::Uuid::from_u128(n));
        assert!(limiter.take(key(1), 1).allowed);
        assert!(!limiter.take(key(1), 1).allowed);
        assert!(limiter.take(key(2), 1).allowed);
    }
}
