use std::time::Duration;

/// Latencies of one figure.
#[derive(Debug)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    pub fn new(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The latency that `percent` of them do not pass, in milliseconds.
    pub fn percentile(&self, percent: f64) -> f64 {
        if self.0.is_empty() {
            return f64::NAN;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let at = ((self.0.len() - 1) as f64 * percent / 100.0).round() as usize;
        self.0[at].as_secs_f64() * 1e3
    }

    /// Those of several measurements of the same thing.
    pub fn joined(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::new(parts.into_iter().flat_map(|part| part.0).collect())
    }

    pub fn summary(&self) -> String {
        format!("p50 {:.2} ms, p99 {:.2} ms", self.percentile(50.0), self.percentile(99.0))
    }
}

/// `ok` or `SHORT`, against a bar.
pub fn verdict(met: bool) -> &'static str {
    if met { "ok" } else { "SHORT of the bar" }
}
