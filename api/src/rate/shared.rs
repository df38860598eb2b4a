use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use theazo_domain::ApiKeyId;
use tokio::time::Instant;

use super::window::{WINDOW, Window};
use super::{RateStore, SHARDS, Standing, Taken, Taking, shard_of};
use crate::shared::Reach;

/// A process takes this part of a limit at once: limits below it are exact, and of a larger one no
/// process holds back more than half a percent.
const CHUNKS: u32 = 200;
/// Milliseconds in which a chunk is handed out; what is left of it then goes back with the next.
const LEASE: u64 = 1_000;
/// Milliseconds for which a refusal holds without asking again.
const REFUSAL: u64 = 100;

/// The windows of processes that count together.
///
/// One question a key is on its way at a time, however many requests wait for its answer. While the
/// store cannot be reached a process counts by itself: it lets through at most the limit.
pub(crate) struct Together {
    store: Arc<dyn RateStore>,
    reach: Reach,
    began: Instant,
    shards: [Mutex<HashMap<ApiKeyId, Arc<Key>>>; SHARDS],
}

#[derive(Default)]
struct Key {
    state: Mutex<State>,
    /// Held by the one that asks the store.
    turn: tokio::sync::Mutex<()>,
    waiting: AtomicU32,
}

#[derive(Default)]
struct State {
    /// What this process alone has let through.
    own: Window,
    lease: Option<Lease>,
    /// Let through, and unknown to the store.
    owed: u32,
}

/// The part of a limit that this process may hand out.
struct Lease {
    taken: Taken,
    /// Milliseconds of this process's clock.
    since: u64,
    left: u32,
    /// The store had no more.
    dry: bool,
}

/// One of those that wait for the store's answer, until it is dropped.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a AtomicU32) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Together {
    pub fn new(store: Arc<dyn RateStore>, reach: Reach) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { store, reach, began: Instant::now(), shards }
    }

    pub async fn take(&self, id: ApiKeyId, limit: u32) -> Standing {
        let key = self.shards[shard_of(id)].lock().entry(id).or_default().clone();
        if let Some(standing) = key.state.lock().hand_out(self.now(), limit) {
            return standing;
        }
        if self.reach.is_down() {
            return key.state.lock().by_itself(self.now(), limit);
        }
        let _waiting = Waiting::new(&key.waiting);
        let _turn = key.turn.lock().await;
        // Whoever had the turn before may have taken enough.
        if let Some(standing) = key.state.lock().hand_out(self.now(), limit) {
            return standing;
        }
        let want = (limit / CHUNKS).max(key.waiting.load(Ordering::Relaxed)).max(1);
        let taking = key.state.lock().taking(self.now(), (id, limit), want);
        let taken = self.reach.ask(|| self.store.take(taking)).await;
        let (mut state, now) = (key.state.lock(), self.now());
        match taken {
            Some(taken) => state.put(now, &taking, taken),
            None => state.by_itself(now, limit),
        }
    }

    pub async fn sweep(&self) {
        let minute = self.now() / WINDOW;
        for shard in &self.shards {
            let in_use = |key: &Arc<Key>| Arc::strong_count(key) > 1;
            shard.lock().retain(|_, key| in_use(key) || key.state.lock().own.minute + 1 >= minute);
        }
        self.reach.ask(|| self.store.sweep()).await;
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl State {
    /// Answers a request without the store, if that is possible.
    fn hand_out(&mut self, now: u64, limit: u32) -> Option<Standing> {
        let lease = self.lease.as_mut()?;
        let age = now.saturating_sub(lease.since);
        let (window, at) = (lease.taken.window, lease.taken.at + age);
        if age >= LEASE || at / WINDOW != window.minute {
            return None;
        }
        let into = at % WINDOW;
        if lease.left > 0 {
            lease.left -= 1;
            let left = u64::from(lease.left);
            self.own.count(now);
            let remaining = u64::from(limit).saturating_sub(window.used(into)) + left;
            return Some(Standing::allowed(limit, remaining, WINDOW - into));
        }
        let wait = window.wait(into, limit);
        (lease.dry && age < REFUSAL && wait > 0).then(|| Standing::refused(limit, wait))
    }

    fn taking(&mut self, now: u64, (key, limit): (ApiKeyId, u32), want: u32) -> Taking {
        self.own.turn(now / WINDOW);
        // Older ones have left the window.
        let own = u32::try_from(self.own.used(now % WINDOW)).unwrap_or(u32::MAX);
        self.owed = self.owed.min(own);
        let (back, back_minute) =
            self.lease.as_ref().map_or((0, 0), |lease| (lease.left, lease.taken.window.minute));
        Taking { key, limit, want, back, back_minute, owed: self.owed }
    }

    /// The store's answer; the first request has its part of it.
    fn put(&mut self, now: u64, taking: &Taking, taken: Taken) -> Standing {
        self.owed = self.owed.saturating_sub(taking.owed);
        let dry = taken.granted < taking.want;
        self.lease = Some(Lease { taken, since: now, left: taken.granted, dry });
        let into = taken.at % WINDOW;
        // What was granted a moment ago is always handed out.
        self.hand_out(now, taking.limit).unwrap_or_else(|| {
            Standing::refused(taking.limit, taken.window.wait(into, taking.limit))
        })
    }

    fn by_itself(&mut self, now: u64, limit: u32) -> Standing {
        let standing = self.own.take(now, limit);
        if standing.allowed {
            self.owed = self.owed.saturating_add(1);
        }
        standing
    }
}
