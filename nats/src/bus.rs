//! The message bus on NATS.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Request, RequestErrorKind};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use theazo_log::bus::{Bus, BusError, Message, Messages};
use tokio::time::{Instant, timeout};

use crate::connect::Nats;
use crate::link::{Link, Unanswered};

const PREFIX: &str = "theazo.bus";
/// What the reply subjects of NATS itself begin with; ours are below the prefix.
const INBOX: &str = "_INBOX.";
/// How long sending may take, which waits only for a full queue.
const SENDING: Duration = Duration::from_secs(5);

/// Messages over NATS, beside the log and on the same connection. Cheap to clone.
#[derive(Clone)]
pub struct NatsBus {
    link: Arc<Link>,
    prefix: String,
}

impl NatsBus {
    pub fn new(nats: &Nats) -> Self {
        Self::with_prefix(nats, PREFIX)
    }

    /// With subjects of its own, for one of several deployments on a server.
    pub fn with_prefix(nats: &Nats, prefix: &str) -> Self {
        Self { link: Arc::clone(&nats.0), prefix: prefix.to_owned() }
    }

    fn subject(&self, subject: &str) -> String {
        match subject.starts_with(INBOX) {
            true => subject.to_owned(),
            false => format!("{}.{subject}", self.prefix),
        }
    }

    fn connected(&self) -> Result<(), BusError> {
        match self.link.connected_since() {
            Some(_) => Ok(()),
            None => Err(unavailable("there is no connection to NATS")),
        }
    }
}

fn unavailable(reason: impl ToString) -> BusError {
    BusError::Unavailable(reason.to_string())
}

#[async_trait]
impl Bus for NatsBus {
    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), BusError> {
        // What is sent into a break would be heard long after it is true.
        self.connected()?;
        match timeout(SENDING, self.link.client.publish(self.subject(subject), payload)).await {
            Ok(sent) => sent.map_err(unavailable),
            Err(_) => Err(unavailable("messages are sent faster than they go out")),
        }
    }

    async fn subscribe(&self, subject: &str) -> Result<Messages, BusError> {
        self.connected()?;
        let client = &self.link.client;
        let received = client.subscribe(self.subject(subject)).await.map_err(unavailable)?;
        // The server takes what comes over a connection in order: its answer, that nobody hears
        // this, comes after it has taken the subscription.
        let nobody = client.new_inbox();
        match self.link.ask(&nobody, None, Bytes::new(), SENDING).await {
            Ok(_) | Err(Unanswered::NobodyThere) => (),
            Err(failed) => return Err(unavailable(failed.reason())),
        }
        let prefix = format!("{}.", self.prefix);
        let messages = received.map(move |message| Message {
            subject: message.subject.strip_prefix(&prefix).unwrap_or_default().to_owned(),
            reply: message.reply.map(|reply| reply.to_string()),
            payload: message.payload,
        });
        Ok(messages.boxed())
    }

    async fn request(
        &self,
        subject: &str,
        payload: Bytes,
        patience: Duration,
    ) -> Result<Bytes, BusError> {
        self.connected()?;
        let request = Request::new().payload(payload).timeout(Some(patience));
        match self.link.client.send_request(self.subject(subject), request).await {
            Ok(answer) => Ok(answer.payload),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::NoResponders => BusError::NobodyThere(subject.to_owned()),
                RequestErrorKind::TimedOut => BusError::Timeout(subject.to_owned()),
                _ => unavailable(error),
            }),
        }
    }

    fn connected_since(&self) -> Option<Instant> {
        self.link.connected_since()
    }
}
