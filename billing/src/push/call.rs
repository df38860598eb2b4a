//! One call of a biller, made again until there is a verdict or no more patience.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, RETRY_AFTER};
use http::{Request, StatusCode};
use serde_json::Value;
use theazo_domain::agent::Failure;
use theazo_models::net::{Client, NetError};

/// An answer is a few hundred bytes.
const ANSWER: usize = 1 << 20;
/// A biller that asks for a longer wait is not waited for.
const LONGEST_ASKED: Duration = Duration::from_secs(120);

/// How long a biller is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For one answer.
    pub answer: Duration,
    /// How often one call is made.
    pub tries: u32,
    /// The wait before the second try; it doubles up to `longest`.
    pub first: Duration,
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(30),
            tries: 8,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
        }
    }
}

/// What a call came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// The biller has done it.
    Done(Value),
    /// The biller does not want it: the status, and the body.
    Refused(StatusCode, Value),
    /// Nothing more can be said: whether it may have been done, and why not.
    Open { maybe: bool, failure: Failure },
}

/// Whether a batch is to go on, for all who send its parts.
#[derive(Default)]
pub(super) struct Brake(OnceLock<Failure>);

impl Brake {
    pub fn trouble(&self) -> Option<&Failure> {
        self.0.get()
    }

    pub fn into_trouble(self) -> Option<Failure> {
        self.0.into_inner()
    }

    fn pull(&self, failure: &Failure) {
        // The first reason is as good as any.
        self.0.get_or_init(|| failure.clone());
    }
}

/// Where calls go.
#[derive(Clone)]
pub(super) struct Caller {
    pub client: Client,
    pub patience: Patience,
    /// The biller's name, for those who read of trouble with it.
    pub name: &'static str,
}

enum Try {
    Over(Verdict),
    Again { maybe: bool, wait: Option<Duration>, failure: Failure },
}

impl Caller {
    /// Makes the call that `request` gives, which must be harmless to repeat. When the biller is of
    /// no use, the brake is pulled.
    pub async fn call(&self, brake: &Brake, request: impl Fn() -> Request<Bytes>) -> Verdict {
        let (mut maybe, mut pause) = (false, self.patience.first);
        let mut tried = 0;
        loop {
            if let Some(failure) = brake.trouble() {
                return Verdict::Open { maybe, failure: failure.clone() };
            }
            tried += 1;
            let (wait, failure) = match self.once(request()).await {
                Try::Over(Verdict::Open { failure, .. }) => {
                    brake.pull(&failure);
                    return Verdict::Open { maybe, failure };
                }
                Try::Over(verdict) => return verdict,
                Try::Again { maybe: this, wait, failure } => {
                    maybe |= this;
                    (wait, failure)
                }
            };
            let wait = wait.unwrap_or(pause);
            if tried >= self.patience.tries || wait > LONGEST_ASKED {
                brake.pull(&failure);
                return Verdict::Open { maybe, failure };
            }
            tokio::time::sleep(wait).await;
            pause = pause.saturating_mul(2).min(self.patience.longest);
        }
    }

    async fn once(&self, request: Request<Bytes>) -> Try {
        let answered = tokio::time::timeout(self.patience.answer, self.answer(request)).await;
        let (status, headers, body) = match answered {
            Ok(Ok(answer)) => answer,
            Ok(Err(NetError::Refused(_) | NetError::Tls(_))) => {
                return Try::Over(self.open(false, "unavailable", "cannot be called from here"));
            }
            Ok(Err(NetError::Connect(_))) => {
                return self.again(false, None, "unavailable", "cannot be reached");
            }
            Ok(Err(NetError::Broken(_) | NetError::TooLarge(_))) => {
                return self.again(true, None, "unavailable", "broke off its answer");
            }
            Err(_) => return self.again(true, None, "timeout", "does not answer"),
        };
        let wait = retry_after(&headers);
        let told = headers.get("stripe-should-retry").and_then(|value| value.to_str().ok());
        match status.as_u16() {
            200..=299 => Try::Over(Verdict::Done(body)),
            401 | 403 => {
                let why = "refuses the key; set another as a secret of the org";
                Try::Over(self.open(false, "unauthorized", why))
            }
            429 => self.again(false, wait, "rate_limited", "asks for fewer calls"),
            // The same request is under way.
            409 => self.again(true, wait, "conflict", "has the same call under way"),
            500.. => self.again(true, wait, "unavailable", "has trouble of its own"),
            _ if told == Some("true") => self.again(false, wait, "unavailable", "is not ready"),
            _ => Try::Over(Verdict::Refused(status, body)),
        }
    }

    async fn answer(
        &self,
        request: Request<Bytes>,
    ) -> Result<(StatusCode, HeaderMap, Value), NetError> {
        let response = self.client.send(request).await?;
        let (status, headers) = (response.status, response.headers.clone());
        let bytes = response.bytes(ANSWER).await?;
        // Errors of what stands before a biller need not be JSON.
        Ok((status, headers, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }

    fn failure(&self, code: &str, what: &str) -> Failure {
        Failure { code: code.to_owned(), message: format!("{} {what}.", self.name) }
    }

    fn open(&self, maybe: bool, code: &str, what: &str) -> Verdict {
        Verdict::Open { maybe, failure: self.failure(code, what) }
    }

    fn again(&self, maybe: bool, wait: Option<Duration>, code: &str, what: &str) -> Try {
        Try::Again { maybe, wait, failure: self.failure(code, what) }
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
