//! Messages between the processes of one deployment: at most once, and never the truth.
//!
//! Whatever must not be lost is a commit. A message only says sooner what the log would say later,
//! or carries bytes whose loss their receiver notices (an answer that does not come).
//!
//! A *subject* is tokens with `.` between them. Subscriptions may have `*` for one token, and `>`
//! at the end for one or more.

mod local;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use tokio::time::Instant;

pub use local::LocalBus;

/// Bytes of one message, at most: what every broker takes with its own defaults, and room for
/// headers.
pub const MAX_MESSAGE: usize = 512 << 10;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub subject: String,
    /// Where an answer is awaited.
    pub reply: Option<String>,
    pub payload: Bytes,
}

/// Messages in the order in which each sender sent them; ends when the bus is closed.
pub type Messages = BoxStream<'static, Message>;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// Nobody has subscribed to the subject of a request: it was not received.
    #[error("nobody listens on `{0}`")]
    NobodyThere(String),
    /// It may or may not have been received.
    #[error("there was no answer on `{0}` in time")]
    Timeout(String),
    /// It may or may not have been sent.
    #[error("the message bus cannot be reached: {0}")]
    Unavailable(String),
}

/// What carries messages. Its conformance is checked by [`crate::conformance::bus`].
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Sends to everybody who has subscribed. Answers before anybody has received it.
    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), BusError>;

    /// What is published after this has answered.
    async fn subscribe(&self, subject: &str) -> Result<Messages, BusError>;

    /// The first answer to `payload`, which is published with a reply subject of its own.
    async fn request(
        &self,
        subject: &str,
        payload: Bytes,
        patience: Duration,
    ) -> Result<Bytes, BusError>;

    /// Since when there has been a connection without a break; `None` while there is none. Who
    /// takes silence for an end must not do so sooner after this than the other may be silent.
    fn connected_since(&self) -> Option<Instant>;
}

impl Message {
    /// Answers a request. Nothing happens when none was made.
    pub async fn answer(&self, bus: &dyn Bus, payload: Bytes) -> Result<(), BusError> {
        match &self.reply {
            Some(reply) => bus.publish(reply, payload).await,
            None => Ok(()),
        }
    }
}
