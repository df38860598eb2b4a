//! The bus inside one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use super::{Bus, BusError, Message, Messages};

/// Messages that wait for one subscriber; more are lost to it, as on any bus.
const WAITING: usize = 65_536;

/// Messages inside one process. Cheap to clone.
#[derive(Clone)]
pub struct LocalBus(Arc<Inner>);

struct Inner {
    began: Instant,
    inboxes: AtomicU64,
    subscriptions: Mutex<Vec<Subscription>>,
}

struct Subscription {
    subject: String,
    messages: mpsc::Sender<Message>,
}

impl LocalBus {
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            began: Instant::now(),
            inboxes: AtomicU64::new(0),
            subscriptions: Mutex::default(),
        }))
    }

    fn listen(&self, subject: &str) -> mpsc::Receiver<Message> {
        let (messages, received) = mpsc::channel(WAITING);
        let subscription = Subscription { subject: subject.to_owned(), messages };
        self.0.subscriptions.lock().push(subscription);
        received
    }

    /// Answers how many have received it.
    fn send(&self, message: &Message) -> usize {
        let mut received = 0;
        self.0.subscriptions.lock().retain(|subscription| {
            if !matches(&subscription.subject, &message.subject) {
                return !subscription.messages.is_closed();
            }
            match subscription.messages.try_send(message.clone()) {
                Ok(()) => received += 1,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    tracing::warn!(subject = message.subject, "a slow subscriber missed a message");
                }
                Err(mpsc::error::TrySendError::Closed(_)) => return false,
            }
            true
        });
        received
    }
}

impl Default for LocalBus {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether `subject` is one of those that `pattern` stands for.
fn matches(pattern: &str, subject: &str) -> bool {
    let mut tokens = subject.split('.');
    for wanted in pattern.split('.') {
        match (wanted, tokens.next()) {
            (">", rest) => return rest.is_some(),
            ("*", Some(_)) => {}
            (wanted, token) if token == Some(wanted) => {}
            _ => return false,
        }
    }
    tokens.next().is_none()
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), BusError> {
        self.send(&Message { subject: subject.to_owned(), reply: None, payload });
        Ok(())
    }

    async fn subscribe(&self, subject: &str) -> Result<Messages, BusError> {
        Ok(ReceiverStream::new(self.listen(subject)).boxed())
    }

    async fn request(
        &self,
        subject: &str,
        payload: Bytes,
        patience: Duration,
    ) -> Result<Bytes, BusError> {
        let inbox = format!("inbox.{}", self.0.inboxes.fetch_add(1, Ordering::Relaxed));
        let mut answers = self.listen(&inbox);
        let message = Message { subject: subject.to_owned(), reply: Some(inbox), payload };
        if self.send(&message) == 0 {
            return Err(BusError::NobodyThere(subject.to_owned()));
        }
        match tokio::time::timeout(patience, answers.recv()).await {
            Ok(Some(answer)) => Ok(answer.payload),
            Ok(None) => Err(BusError::Unavailable("it is closed".to_owned())),
            Err(_) => Err(BusError::Timeout(subject.to_owned())),
        }
    }

    fn connected_since(&self) -> Option<Instant> {
        Some(self.0.began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_subjects() {
        for (pattern, subject, fits) in [
            ("a.b", "a.b", true),
            ("a.b", "a.c", false),
            ("a.b", "a.b.c", false),
            ("a.b.c", "a.b", false),
            ("a.*", "a.b", true),
            ("a.*", "a.b.c", false),
            ("a.*.c", "a.b.c", true),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            (">", "a", true),
        ] {
            assert_eq!(matches(pattern, subject), fits, "{pattern} and {subject}");
        }
    }

    #[tokio::test]
    async fn it_keeps_the_contract() {
        use crate::conformance::bus::*;

        let bus = LocalBus::new();
        everybody_receives_what_they_asked_for(&bus, &bus).await;
        a_sender_is_heard_in_order(&bus, &bus).await;
        a_large_message_arrives_whole(&bus, &bus).await;
        a_request_is_answered(&bus, Arc::new(bus.clone())).await;
        a_request_that_nobody_hears_says_so(&bus, &bus).await;
    }

    #[tokio::test]
    async fn who_goes_away_leaves_nothing() {
        let bus = LocalBus::new();
        drop(bus.subscribe("a").await.unwrap());
        bus.publish("a", Bytes::new()).await.unwrap();
        assert!(bus.0.subscriptions.lock().is_empty());
    }
}
