//! A call from its first attempt to its last fallback.

use std::time::Duration;

use rand::Rng;

use crate::breaker::Breakers;
use crate::call::{Events, Leg, ask_once};
use crate::contract::{ModelError, ModelErrorKind, Prompt, Wire};
use crate::mock::Mock;
use crate::retry::Failure;

/// How hard to try.
#[derive(Clone)]
pub struct Policy {
    pub silence: Duration,
    /// Attempts after the first, for each leg.
    pub retries: u32,
    pub breakers: Breakers,
    pub mock: Mock,
}

/// Asks each leg in turn until one answers. A leg that could not be made ready (no key) is its
/// error.
pub async fn drive(
    legs: Vec<Result<Leg, ModelError>>,
    prompt: Prompt,
    policy: Policy,
    events: Events,
) {
    let mut first: Option<ModelError> = None;
    for leg in legs {
        let failure = match leg {
            Ok(leg) => match ask(&leg, &prompt, &policy, &events).await {
                Ok(()) => return,
                Err(failure) => {
                    let error = &failure.error;
                    let (model, kind) = (leg.route.name(), error.kind);
                    tracing::debug!(model, ?kind, error = %error.message, "a model call failed");
                    failure
                }
            },
            Err(error) => Failure::early(error),
        };
        let silent = failure.is_silent();
        let error = &failure.error;
        let next = silent && (error.kind.is_transient() || error.kind == ModelErrorKind::NoModel);
        match &mut first {
            None => first = Some(failure.error),
            // What was used is billed to the leg that used it.
            Some(_) if !silent => first = Some(failure.error),
            Some(first) => {
                first.message = format!("{}; then its fallback: {}", first.message, error.message);
            }
        }
        if !next {
            break;
        }
    }
    if let Some(error) = first {
        let _ = events.send(Err(error)).await;
    }
}

/// Asks one leg, again and again as long as that makes sense.
async fn ask(leg: &Leg, prompt: &Prompt, policy: &Policy, events: &Events) -> Result<(), Failure> {
    if leg.route.wire == Wire::Mock {
        // What it is told to fail with is for the caller to see.
        return policy.mock.answer(leg.number, prompt, events).await;
    }
    let mut attempt = 0;
    let mut last: Option<Failure> = None;
    loop {
        let permit = match policy.breakers.admit(&leg.route.base_url, leg.key.as_ref()) {
            Ok(permit) => permit,
            Err(error) => {
                let error = ModelError { leg: leg.number, ..error };
                return Err(tried(last.unwrap_or_else(|| Failure::early(error)), attempt));
            }
        };
        let failure = match ask_once(leg, prompt, policy.silence, events).await {
            Ok(()) => {
                permit.success();
                return Ok(());
            }
            Err(failure) => failure,
        };
        permit.verdict(&failure.error);
        attempt += 1;
        let delay = failure.delay(attempt - 1, rand::rng().random());
        match delay {
            Some(delay) if attempt <= policy.retries && !events.is_closed() => {
                last = Some(failure);
                tokio::time::sleep(delay).await;
            }
            _ => return Err(tried(failure, attempt)),
        }
    }
}

/// Says how often the vendor was asked.
fn tried(mut failure: Failure, attempts: u32) -> Failure {
    if attempts > 1 {
        failure.error.message = format!("{} (asked {attempts} times)", failure.error.message);
    }
    failure
}
