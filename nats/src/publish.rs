//! Publishes one commit, until it is known what became of it.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use theazo_log::{LogError, Position};
use tokio::time::{Instant, sleep};

use crate::link::{Link, Unanswered};
use crate::message::Outgoing;

/// What became of a message.
#[derive(Debug, Clone)]
pub(crate) enum Published {
    Written(Position),
    /// The server has its id already, at this place.
    Duplicate {
        at: Position,
        /// It may have been our own earlier try.
        tried: bool,
    },
    /// The stream is at another revision. The id may be in it.
    Refused {
        /// It may have been our own earlier try.
        tried: bool,
    },
    NotWritten(LogError),
    Unknown(String),
}

/// Another message with this id is being written right now.
const ID_IN_FLIGHT: ErrorCode = ErrorCode(10158);

/// One try.
enum Try {
    Done(PublishAck),
    Refused,
    /// Nothing was written.
    Not {
        reason: String,
        again: bool,
    },
    InDoubt(String),
}

/// Publishes `message`, as often as it takes until the server says what became of it, which is
/// safe: it lands once at most, whatever of the tries arrives, for each expects the same revision.
pub(crate) async fn publish(
    link: &Link,
    message: &Outgoing,
    ack_wait: Duration,
    patience: Duration,
) -> Published {
    let deadline = Instant::now() + patience;
    let mut pause = Duration::from_millis(5);
    let mut tried = false;
    loop {
        let (reason, again) = match attempt(link, message, ack_wait, deadline).await {
            Try::Done(ack) => {
                let at = Position(ack.sequence);
                return match ack.duplicate {
                    true => Published::Duplicate { at, tried },
                    false => Published::Written(at),
                };
            }
            Try::Refused => return Published::Refused { tried },
            Try::Not { reason, again } => (reason, again),
            Try::InDoubt(reason) => {
                tried = true;
                (reason, true)
            }
        };
        if !again || Instant::now() + pause >= deadline {
            return match tried {
                true => Published::Unknown(reason),
                false => Published::NotWritten(LogError::Unavailable(reason)),
            };
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(250));
    }
}

async fn attempt(link: &Link, message: &Outgoing, wait: Duration, deadline: Instant) -> Try {
    let not = |reason, again| Try::Not { reason, again };
    // Not sent into a queue: it would be written when nobody waits for it any more.
    if let Err(failed) = link.connected(deadline).await {
        return not(failed.reason(), false);
    }
    let wait = wait.min(deadline.saturating_duration_since(Instant::now()));
    let Outgoing { subject, headers, body } = message;
    match link.ask(subject, Some(headers), body.clone(), wait).await {
        Ok(answer) => match serde_json::from_slice(&answer.payload) {
            Ok(Response::Ok(ack)) => Try::Done(ack),
            Ok(Response::Err { error }) => match error.error_code() {
                ErrorCode::STREAM_WRONG_LAST_SEQUENCE => Try::Refused,
                ID_IN_FLIGHT => Try::InDoubt(error.to_string()),
                _ => not(error.to_string(), error.code() == 503),
            },
            Err(error) => Try::InDoubt(format!("the acknowledgement cannot be read: {error}")),
        },
        Err(Unanswered::InDoubt(reason)) => Try::InDoubt(reason),
        Err(failed @ (Unanswered::NotSent(_) | Unanswered::NobodyThere)) => {
            not(failed.reason(), true)
        }
        Err(Unanswered::TooLarge) => not(Unanswered::TooLarge.reason(), false),
    }
}
