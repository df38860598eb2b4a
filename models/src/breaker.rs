//! Circuit breakers: a vendor that fails often is left alone for a while.
//!
//! There is one for each address and key. It opens after [`THRESHOLD`] failures in a row; when its
//! time is over one call is let through to see (the others still wait), and if that fails too, the
//! next time is twice as long.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use crate::contract::{ModelError, ModelErrorKind};

/// Failures in a row, of all calls together, that open it.
const THRESHOLD: u32 = 10;
const FIRST_REST: Duration = Duration::from_secs(10);
const LONGEST_REST: Duration = Duration::from_secs(120);
/// Beyond so many, those that have been quiet for [`QUIET`] are forgotten, and then those that
/// have not failed: a caller can make up addresses without end.
const KEPT: usize = 10_000;
const QUIET: Duration = Duration::from_secs(600);

/// All breakers of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Breakers(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Keys are told apart by a hash that means nothing outside of this process.
    hasher: RandomState,
    states: Mutex<States>,
}

#[derive(Debug, Default)]
struct States {
    by_id: HashMap<u64, State>,
    /// Asked for since the last look at who is quiet.
    admitted: usize,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// How long it last rested.
    rest: Duration,
    open_until: Option<Instant>,
    probing: bool,
    used_at: Option<Instant>,
}

/// The leave to make one call. Dropped without a verdict, it was neither success nor failure.
#[derive(Debug)]
pub struct Permit {
    breakers: Breakers,
    id: u64,
    probe: bool,
}

impl Breakers {
    pub fn admit(&self, url: &str, key: Option<&SecretString>) -> Result<Permit, ModelError> {
        let id = self.0.hasher.hash_one((url, key.map(|k| k.expose_secret())));
        let now = Instant::now();
        let mut states = self.0.states.lock();
        states.forget_some(now);
        let state = states.by_id.entry(id).or_default();
        state.used_at = Some(now);
        let probe = match state.open_until {
            None => false,
            Some(until) if now < until => return Err(open(until - now)),
            Some(_) if state.probing => return Err(open(Duration::from_secs(1))),
            Some(_) => {
                state.probing = true;
                true
            }
        };
        Ok(Permit { breakers: self.clone(), id, probe })
    }
}

impl States {
    /// Looks at all of them once for every [`KEPT`] calls, so that a call costs the same however
    /// many there are.
    fn forget_some(&mut self, now: Instant) {
        self.admitted += 1;
        if self.by_id.len() < KEPT || self.admitted < KEPT {
            return;
        }
        self.admitted = 0;
        let is_quiet = |state: &State| {
            let rests = state.open_until.is_some_and(|until| until > now);
            !rests && state.used_at.is_none_or(|at| now.duration_since(at) > QUIET)
        };
        self.by_id.retain(|_, state| !is_quiet(state));
        if self.by_id.len() >= KEPT {
            self.by_id.retain(|_, state| state.open_until.is_some());
        }
        if self.by_id.len() >= KEPT {
            // All of them failed again and again within minutes: somebody makes them up.
            self.by_id.clear();
        }
    }
}

fn open(rest: Duration) -> ModelError {
    let seconds = rest.as_secs_f64().ceil();
    let message = format!(
        "the vendor failed {THRESHOLD} times in a row and was not asked: next attempt in \
         {seconds} s"
    );
    let error = ModelError::new(ModelErrorKind::Open, message);
    ModelError { retry_after: Some(rest), ..error }
}

impl Permit {
    /// The vendor answered, be it with a refusal.
    pub fn success(self) {
        self.settle(|state| *state = State { used_at: state.used_at, ..State::default() });
    }

    /// The vendor did not do its part.
    pub fn failure(self) {
        let probe = self.probe;
        self.settle(|state| {
            state.failures = state.failures.saturating_add(1);
            if probe || (state.failures >= THRESHOLD && state.open_until.is_none()) {
                state.rest = match state.rest {
                    Duration::ZERO => FIRST_REST,
                    rest => (rest * 2).min(LONGEST_REST),
                };
                state.open_until = Some(Instant::now() + state.rest);
            }
        });
    }

    /// By the kind of what went wrong.
    pub fn verdict(self, error: &ModelError) {
        use ModelErrorKind::*;
        match error.kind {
            Overloaded | Server | Timeout | Network => self.failure(),
            // It is well, and we ask too much; or it is well, and does not like what we ask.
            RateLimited | Auth | Billing | Invalid | NoModel | ContextFull => self.success(),
            Malformed | Open => {}
        }
    }

    fn settle(&self, change: impl FnOnce(&mut State)) {
        if let Some(state) = self.breakers.0.states.lock().by_id.get_mut(&self.id) {
            change(state);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.probe {
            self.settle(|state| state.probing = false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://vendor.example";

    fn fail(breakers: &Breakers, times: u32) {
        for _ in 0..times {
            breakers.admit(URL, None).unwrap().failure();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn opens_rests_probes_and_closes() {
        let breakers = Breakers::default();
        fail(&breakers, THRESHOLD);
        let error = breakers.admit(URL, None).unwrap_err();
        assert_eq!((error.kind, error.retry_after), (ModelErrorKind::Open, Some(FIRST_REST)));
        // Another key or address is another matter.
        assert!(breakers.admit(URL, Some(&"k".into())).is_ok());
        assert!(breakers.admit("https://b", None).is_ok());

        tokio::time::advance(FIRST_REST).await;
        let probe = breakers.admit(URL, None).unwrap();
        assert!(breakers.admit(URL, None).is_err(), "one probe at a time");
        probe.failure();
        tokio::time::advance(FIRST_REST).await;
        assert!(breakers.admit(URL, None).is_err(), "twice as long");
        tokio::time::advance(FIRST_REST).await;
        drop(breakers.admit(URL, None).unwrap());
        breakers.admit(URL, None).unwrap().success();
        fail(&breakers, THRESHOLD - 1);
        assert!(breakers.admit(URL, None).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn made_up_addresses_do_not_pile_up() {
        let breakers = Breakers::default();
        for i in 0..5 * KEPT {
            breakers.admit(&format!("https://{i}.example"), None).unwrap().failure();
        }
        let kept = breakers.0.states.lock().by_id.len();
        assert!(kept <= 2 * KEPT, "{kept}");
        // One that is open is remembered as long as it rests.
        fail(&breakers, THRESHOLD);
        for i in 0..2 * KEPT {
            breakers.admit(&format!("https://{i}.example"), None).unwrap().success();
        }
        assert!(breakers.admit(URL, None).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_do_not_open_it() {
        let breakers = Breakers::default();
        for _ in 0..3 {
            fail(&breakers, THRESHOLD - 1);
            let error = ModelError::new(ModelErrorKind::RateLimited, "");
            breakers.admit(URL, None).unwrap().verdict(&error);
        }
        assert!(breakers.admit(URL, None).is_ok());
    }
}
