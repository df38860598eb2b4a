//! How many streams each key has open.
//!
//! Processes that share a database publish their counts in it, and ask for the others' when a
//! stream is opened; one question a key is on its way at a time, however many streams are being
//! opened. Opens are counted exactly; a stream that was closed elsewhere may count for a second
//! more. What a process that died had open counts for five seconds.

mod postgres;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use theazo_domain::ApiKeyId;
use tokio_util::sync::CancellationToken;

use crate::shared::Reach;

pub(crate) use postgres::PostgresStreams;

/// What `/metrics` shows of them.
const OPEN: &str = "theazo_streams_open";
/// How often a process publishes what has changed, and that it is alive.
const BEAT: Duration = Duration::from_secs(1);
/// Beats between two sweeps.
const SWEEP: u32 = 60;

/// The open streams of one process, as the others are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub key: ApiKeyId,
    pub open: usize,
    /// Of two counts the higher is the newer one.
    pub version: u64,
}

/// The counts of all processes.
#[async_trait]
pub(crate) trait StreamCounts: Send + Sync + 'static {
    /// Publishes this process's count; answers how many streams of the key the others have open.
    async fn publish(&self, count: Count) -> Result<usize, sqlx::Error>;

    /// Publishes what has changed, and that this process is alive. `false`: the others had given it
    /// up, and know none of its counts.
    async fn beat(&self, changed: &[Count]) -> Result<bool, sqlx::Error>;

    /// This process has none any more.
    async fn leave(&self) -> Result<(), sqlx::Error>;

    /// Removes the counts of processes that are gone.
    async fn sweep(&self) -> Result<(), sqlx::Error>;
}

/// Counts open streams by key. Cheap to clone.
#[derive(Clone)]
pub(super) struct Quota(Arc<Inner>);

struct Inner {
    open: Mutex<Open>,
    together: Option<(Arc<dyn StreamCounts>, Reach)>,
}

#[derive(Default)]
struct Open {
    keys: HashMap<ApiKeyId, OfKey>,
    /// Goes up with every change.
    version: u64,
}

#[derive(Default)]
struct OfKey {
    count: usize,
    version: u64,
    /// The version that is published.
    published: u64,
    turn: Arc<tokio::sync::Mutex<Others>>,
}

impl OfKey {
    /// Whether a stream is being opened.
    fn opens(&self) -> bool {
        Arc::strong_count(&self.turn) > 1
    }
}

/// What the others had open when this version was published; nothing when they cannot be asked.
#[derive(Default)]
struct Others {
    count: usize,
    version: u64,
}

/// A place of this process, until the others' are known.
struct Reserved {
    place: Place,
    /// Which of this process's places it is, from 1.
    rank: usize,
    version: u64,
    turn: Arc<tokio::sync::Mutex<Others>>,
}

/// One open stream; dropped, it counts no more.
pub(super) struct Place {
    quota: Quota,
    key: ApiKeyId,
}

impl Quota {
    pub fn new(together: Option<Arc<dyn StreamCounts>>) -> Self {
        Self::with(together.map(|counts| (counts, Reach::new("streams"))))
    }

    fn with(together: Option<(Arc<dyn StreamCounts>, Reach)>) -> Self {
        // What was counted before there is a recorder would be missing for ever.
        crate::metrics::prometheus();
        metrics::describe_gauge!(OPEN, "Streams that are open.");
        Self(Arc::new(Inner { open: Mutex::default(), together }))
    }

    /// A place for one more, if `key` has fewer than `limit`.
    pub async fn take(&self, key: ApiKeyId, limit: usize) -> Option<Place> {
        let Reserved { place, rank, version, turn } = self.reserve(key, limit)?;
        let Some((counts, reach)) = &self.0.together else { return Some(place) };
        if reach.is_down() {
            return Some(place);
        }
        let mut others = turn.lock().await;
        // Whoever had the turn before may have published this place too.
        if others.version < version {
            let count = self.count_of(key);
            let answer = reach.ask(|| counts.publish(count)).await;
            if answer.is_some() {
                self.0.open.lock().published(&count);
            }
            *others = Others { count: answer.unwrap_or(0), version: count.version };
        }
        (rank + others.count <= limit).then_some(place)
    }

    fn reserve(&self, key: ApiKeyId, limit: usize) -> Option<Reserved> {
        let mut open = self.0.open.lock();
        if open.keys.get(&key).map_or(0, |of| of.count) >= limit {
            return None;
        }
        let OfKey { count, version, turn, .. } = open.change(key, |count| count + 1);
        let (rank, version, turn) = (*count, *version, turn.clone());
        metrics::gauge!(OPEN).increment(1);
        Some(Reserved { place: Place { quota: self.clone(), key }, rank, version, turn })
    }

    /// How many streams are open, of all keys.
    pub fn count(&self) -> usize {
        self.0.open.lock().keys.values().map(|of| of.count).sum()
    }

    fn count_of(&self, key: ApiKeyId) -> Count {
        let open = self.0.open.lock();
        let (open, version) =
            open.keys.get(&key).map_or((0, open.version), |of| (of.count, of.version));
        Count { key, open, version }
    }

    /// Tells the other processes what has changed, until `stop`.
    pub async fn beat(self, stop: CancellationToken) {
        let Some((counts, reach)) = &self.0.together else { return };
        let mut tick = tokio::time::interval(BEAT);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for beat in 0u32.. {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = tick.tick() => self.tell(counts, reach).await,
            }
            if beat % SWEEP == 0 {
                reach.ask(|| counts.sweep()).await;
            }
        }
        // Without it, they find out a little later.
        reach.ask(|| counts.leave()).await;
    }

    async fn tell(&self, counts: &Arc<dyn StreamCounts>, reach: &Reach) {
        let changed = self.0.open.lock().changed();
        let Some(known) = reach.ask(|| counts.beat(&changed)).await else { return };
        let mut open = self.0.open.lock();
        for count in &changed {
            open.published(count);
        }
        if !known {
            // All of them with the next beat, which is soon enough: until now none counted.
            open.keys.values_mut().for_each(|of| of.published = 0);
        }
    }
}

impl Open {
    fn change(&mut self, key: ApiKeyId, to: impl Fn(usize) -> usize) -> &OfKey {
        self.version += 1;
        let of = self.keys.entry(key).or_default();
        (of.count, of.version) = (to(of.count), self.version);
        of
    }

    /// What the others do not know. Not of keys with streams that are being opened: these publish
    /// their count themselves, and told in between, places that will be refused would be taken
    /// from all.
    fn changed(&self) -> Vec<Count> {
        let changed = self.keys.iter().filter(|(_, of)| of.published < of.version && !of.opens());
        let count = |(key, of): (&ApiKeyId, &OfKey)| Count {
            key: *key,
            open: of.count,
            version: of.version,
        };
        changed.map(count).collect()
    }

    fn published(&mut self, count: &Count) {
        if let Some(of) = self.keys.get_mut(&count.key) {
            of.published = of.published.max(count.version);
            if of.count == 0 && of.published >= of.version {
                self.keys.remove(&count.key);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        metrics::gauge!(OPEN).decrement(1);
        let mut open = self.quota.0.open.lock();
        let left = open.change(self.key, |count| count.saturating_sub(1)).count;
        if left == 0 && self.quota.0.together.is_none() {
            open.keys.remove(&self.key);
        }
    }
}
