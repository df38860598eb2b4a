use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// What `/metrics` shows.
const DOWN: &str = "theazo_shared_limits_down";
/// How long a request waits for the shared counters.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long nobody asks after that was in vain.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether shared counters can be reached, so that requests do not all find out by waiting.
pub(crate) struct Reach {
    limits: &'static str,
    patience: Duration,
    began: Instant,
    /// Microseconds from the beginning, when they may be asked again; zero when they answer.
    down_until: AtomicU64,
}

impl Reach {
    /// `limits` is what they are called in the log and the metrics.
    pub fn new(limits: &'static str) -> Self {
        // What is set before there is a recorder would be missing.
        crate::metrics::prometheus();
        metrics::describe_gauge!(DOWN, "1 while each process counts by itself.");
        metrics::gauge!(DOWN, "limits" => limits).set(0.0);
        Self { limits, patience: PATIENCE, began: Instant::now(), down_until: AtomicU64::new(0) }
    }

    #[cfg(test)]
    pub fn patient(limits: &'static str) -> Self {
        Self { patience: Duration::from_secs(60), ..Self::new(limits) }
    }

    /// The answer, unless there is none in time; nothing is asked while that is likely.
    pub async fn ask<T, F>(&self, question: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        if !self.may_ask() {
            return None;
        }
        match tokio::time::timeout(self.patience, question()).await {
            Ok(Ok(answer)) => {
                self.up();
                Some(answer)
            }
            Ok(Err(error)) => self.down(&error),
            Err(_) => self.down(&"it did not answer in time"),
        }
    }

    /// Whether nobody need ask now, nor wait for the one that does.
    pub fn is_down(&self) -> bool {
        // A try that is under way has moved the next one on.
        self.down_until.load(Ordering::Relaxed) > self.now()
    }

    /// Of those that come while it is down, one a second tries.
    fn may_ask(&self) -> bool {
        let until = self.down_until.load(Ordering::Relaxed);
        if until == 0 {
            return true;
        }
        let now = self.now();
        let next = now + u64::try_from(PAUSE.as_micros()).unwrap_or(u64::MAX);
        let swap =
            || self.down_until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed);
        until <= now && swap().is_ok()
    }

    fn up(&self) {
        if self.down_until.swap(0, Ordering::Relaxed) != 0 {
            metrics::gauge!(DOWN, "limits" => self.limits).set(0.0);
            tracing::info!(limits = self.limits, "limits are counted across processes again");
        }
    }

    fn down<T>(&self, error: &dyn std::fmt::Display) -> Option<T> {
        let until = self.now() + u64::try_from(PAUSE.as_micros()).unwrap_or(u64::MAX);
        if self.down_until.swap(until, Ordering::Relaxed) == 0 {
            metrics::gauge!(DOWN, "limits" => self.limits).set(1.0);
            tracing::warn!(
                limits = self.limits,
                %error,
                "Postgres cannot be reached: this process counts by itself until it can"
            );
        }
        None
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }
}
