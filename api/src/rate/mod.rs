//! Requests per key and minute.
//!
//! ```text
//! a process alone      Window, in memory: exact
//! processes together   Postgres' Window ──chunks──▶ Lease, in memory ──one by one──▶ requests
//!                      cannot be reached: each process counts by itself
//! ```

mod alone;
mod postgres;
mod shared;
#[cfg(test)]
mod tests;
mod window;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use theazo_domain::ApiKeyId;
use tokio_util::sync::CancellationToken;

use crate::AppState;
use crate::shared::Reach;
use alone::Alone;
use shared::Together;
use window::{WINDOW, Window};

pub(crate) use postgres::PostgresRates;

const SHARDS: usize = 64;

/// Where a key stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub allowed: bool,
    pub limit: u32,
    pub remaining: u32,
    /// Seconds until the whole limit is there again, or a refused request may be repeated.
    pub reset: u32,
}

/// Counters that processes share.
#[async_trait]
pub(crate) trait RateStore: Send + Sync + 'static {
    /// Counts as many requests as are wanted and have room under the limit.
    async fn take(&self, taking: Taking) -> Result<Taken, sqlx::Error>;

    /// Removes what counts no more.
    async fn sweep(&self) -> Result<(), sqlx::Error>;
}

/// What a process wants of the shared counters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taking {
    pub key: ApiKeyId,
    pub limit: u32,
    pub want: u32,
    /// Requests that were counted in `back_minute` and never made.
    pub back: u32,
    pub back_minute: u64,
    /// Requests that were let through while the counters could not be reached.
    pub owed: u32,
}

/// What it gets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub granted: u32,
    /// The counters, with what was granted.
    pub window: Window,
    /// By the counters' clock, in milliseconds.
    pub at: u64,
}

pub(crate) enum RateLimiter {
    Alone(Alone),
    Together(Together),
}

impl RateLimiter {
    /// Counts in `store`, or in memory alone.
    pub fn new(store: Option<Arc<dyn RateStore>>) -> Self {
        match store {
            None => Self::Alone(Alone::new()),
            Some(store) => Self::Together(Together::new(store, Reach::new("rate"))),
        }
    }

    /// Counts a request of `key`, unless it is over `limit` a minute.
    pub async fn take(&self, key: ApiKeyId, limit: u32) -> Standing {
        match self {
            Self::Alone(windows) => windows.take(key, limit),
            Self::Together(windows) => windows.take(key, limit).await,
        }
    }

    async fn sweep(&self) {
        match self {
            Self::Alone(windows) => windows.forget_idle(),
            Self::Together(windows) => windows.sweep().await,
        }
    }
}

impl Standing {
    /// `left`: milliseconds of this minute.
    fn allowed(limit: u32, remaining: u64, left: u64) -> Self {
        let remaining = u32::try_from(remaining).unwrap_or(u32::MAX);
        Self { allowed: true, limit, remaining, reset: seconds(left) }
    }

    /// `wait`: milliseconds.
    fn refused(limit: u32, wait: u64) -> Self {
        Self { allowed: false, limit, remaining: 0, reset: seconds(wait) }
    }
}

/// Whole seconds, at least one.
fn seconds(millis: u64) -> u32 {
    u32::try_from(millis.div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
}

fn shard_of(key: ApiKeyId) -> usize {
    // The low bits are random in a UUIDv7 and in a derived one.
    (key.as_uuid().as_u128() % SHARDS as u128) as usize
}

/// Forgets idle keys until `stop`.
pub(crate) async fn sweep(state: AppState, stop: CancellationToken) {
    let mut tick = tokio::time::interval(Duration::from_millis(2 * WINDOW));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => state.rate.sweep().await,
        }
    }
}
