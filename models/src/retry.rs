//! When a failed call is made again: the policy of the official SDKs.
//!
//! It holds only while nothing of the answer was given out. After that the caller has to know.

use std::time::Duration;

use hyper::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::contract::{ModelError, ModelErrorKind};

const FIRST_DELAY: Duration = Duration::from_millis(500);
const MAX_DELAY: Duration = Duration::from_secs(8);
/// A vendor that asks for a longer wait than this is not waited for here.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// What a vendor may say at most: more is as good as for ever, and cannot be added to a time.
const FOR_EVER: Duration = Duration::from_secs(24 * 3_600);

/// A call that did not come to its end.
#[derive(Debug)]
pub struct Failure {
    pub error: ModelError,
    /// `x-should-retry`: the vendor knows best.
    pub should_retry: Option<bool>,
    /// Something of the answer was given out.
    pub told: bool,
}

impl Failure {
    /// Before anything was given out.
    pub fn early(error: ModelError) -> Self {
        Self { error, should_retry: None, told: false }
    }

    /// Whether someone else (the same vendor again, or a fallback) may be asked without the caller
    /// knowing: nothing was given out, and nothing will be billed.
    pub fn is_silent(&self) -> bool {
        !self.told && self.error.usage.is_none()
    }

    /// How long to wait before the next attempt, `attempt` being the number of those before this
    /// one; `None` when there should be none. `jitter` is from 0 to 1.
    pub fn delay(&self, attempt: u32, jitter: f64) -> Option<Duration> {
        use ModelErrorKind::*;
        let retry = match (self.error.kind, self.should_retry) {
            (Billing | Open, _) => false,
            // Silence has cost minutes already: once more, then a fallback or the caller.
            (Timeout, _) if self.error.status.is_none() && attempt > 0 => false,
            (_, Some(said)) => said,
            (RateLimited | Overloaded | Server | Timeout | Network | Malformed, None) => true,
            (Auth | Invalid | NoModel | ContextFull, None) => false,
        };
        if !retry || !self.is_silent() {
            return None;
        }
        match self.error.retry_after {
            Some(after) if after <= MAX_RETRY_AFTER => Some(after),
            Some(_) => None,
            None => {
                let delay = FIRST_DELAY.saturating_mul(1 << attempt.min(10)).min(MAX_DELAY);
                Some(delay.mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0)))
            }
        }
    }
}

pub fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match headers.get("x-should-retry")?.to_str().ok()? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// `retry-after-ms`, then `retry-after` in seconds or as a date. A date is read against the
/// vendor's own clock, the `date` of the same answer.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    said_wait(headers).map(|wait| wait.min(FOR_EVER))
}

fn said_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |value: &hyper::header::HeaderValue| value.to_str().ok().map(str::to_owned);
    let seconds = |text: &str| Duration::try_from_secs_f64(text.trim().parse().ok()?).ok();
    let millis = headers.get("retry-after-ms").and_then(text);
    if let Some(wait) = millis.and_then(|ms| seconds(&ms)) {
        return Some(wait / 1_000);
    }
    let value = headers.get(RETRY_AFTER).and_then(text)?;
    seconds(&value).or_else(|| {
        let date = |text: &str| chrono::DateTime::parse_from_rfc2822(text.trim()).ok();
        let now = date(&headers.get(DATE).and_then(text)?)?;
        Some((date(&value)? - now).to_std().unwrap_or(Duration::ZERO))
    })
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderName;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), value.parse().unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    fn failure(kind: ModelErrorKind) -> Failure {
        Failure::early(ModelError::new(kind, ""))
    }

    #[test]
    fn waits_are_read_from_all_headers() {
        let wait = |pairs: &[_]| retry_after(&headers(pairs));
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&[("retry-after", "2")]), Some(Duration::from_secs(2)));
        let both = [("retry-after", "2"), ("retry-after-ms", "150")];
        assert_eq!(wait(&both), Some(Duration::from_millis(150)));
        let date = ("retry-after", "Sun, 22 Nov 2026 04:00:30 GMT");
        assert_eq!(wait(&[date]), None);
        let now = ("date", "Sun, 22 Nov 2026 04:00:00 GMT");
        assert_eq!(wait(&[date, now]), Some(Duration::from_secs(30)));
        let past = ("retry-after", "Sun, 22 Nov 2020 04:00:30 GMT");
        assert_eq!(wait(&[past, now]), Some(Duration::ZERO));
        for long in ["18000000000000000000", "1e18", "86401"] {
            assert_eq!(wait(&[("retry-after", long)]), Some(FOR_EVER), "{long}");
            assert_eq!(wait(&[("retry-after-ms", "1e19")]), Some(FOR_EVER));
        }
        for odd in ["-1", "soon", "NaN", "1e400"] {
            assert_eq!(wait(&[("retry-after", odd)]), None, "{odd}");
        }
    }

    #[test]
    fn delays_double_up_to_a_limit() {
        let failure = failure(ModelErrorKind::Overloaded);
        let delay = |attempt| failure.delay(attempt, 0.0).unwrap().as_millis();
        assert_eq!([0, 1, 2, 3, 4, 50].map(delay), [500, 1000, 2000, 4000, 8000, 8000]);
        assert_eq!(failure.delay(0, 1.0), Some(Duration::from_millis(375)));
    }

    #[test]
    fn who_is_asked_again() {
        use ModelErrorKind::*;
        for kind in [RateLimited, Overloaded, Server, Timeout, Network, Malformed] {
            assert!(failure(kind).delay(0, 0.0).is_some(), "{kind:?}");
        }
        for kind in [Auth, Billing, Invalid, NoModel, ContextFull, Open] {
            assert!(failure(kind).delay(0, 0.0).is_none(), "{kind:?}");
        }
        let silent = failure(Timeout);
        assert!(silent.delay(0, 0.0).is_some() && silent.delay(1, 0.0).is_none());
        let said = |kind, said| {
            Failure { should_retry: Some(said), ..failure(kind) }.delay(0, 0.0).is_some()
        };
        assert!(said(Invalid, true) && !said(Overloaded, false) && !said(Billing, true));
    }

    #[test]
    fn nobody_is_asked_again_behind_the_callers_back() {
        let told = Failure { told: true, ..failure(ModelErrorKind::Network) };
        assert!(told.delay(0, 0.0).is_none());
        let mut billed = failure(ModelErrorKind::Network);
        billed.error.usage = Some(<_>::default());
        assert!(billed.delay(0, 0.0).is_none());
    }

    #[test]
    fn a_long_wait_is_the_callers() {
        let mut failure = failure(ModelErrorKind::RateLimited);
        failure.error.retry_after = Some(Duration::from_secs(3));
        assert_eq!(failure.delay(0, 0.0), Some(Duration::from_secs(3)));
        failure.error.retry_after = Some(Duration::from_secs(61));
        assert_eq!(failure.delay(0, 0.0), None);
    }
}
