//! Webhooks: tells AgentCo's servers what has happened, until they say that they heard it.
//!
//! A delivery is requested when its task has ended or a limit is near, and tried until the receiver
//! answers 2xx or a day has passed. Each try is an event, and carries the same `webhook-id`: a try
//! whose outcome was lost is made again, and the receiver can tell.

mod due;
mod message;
pub(crate) mod request;
mod sign;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt};
use theazo_commands::{CommandError, delivery};
use theazo_domain::delivery::{Delivery, DeliveryCommand, DeliveryEvent, DeliveryStatus};
use theazo_domain::{DeliveryId, Event, Kind, Scope, StreamId, Timestamp};
use theazo_log::{Commit, Filter, Position, unbroken};
use theazo_models::net::{Client, NetError};
use theazo_projections::ReadModels;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::retry::until_done;
use crate::walk::walk;
use crate::{Host, WorkerError};

use due::Due;

/// How long a receiver may take for its answer (the Standard Webhooks' advice is 15 to 30 s).
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the rest of an answer is read once its status is there.
const REST: Duration = Duration::from_secs(2);
/// Deliveries that are made at the same time.
const AT_ONCE: usize = 256;
/// The wait before a delivery that panicked is tried again. Milliseconds.
const AFTER_PANIC: i64 = 60_000;
/// The wait when nothing is due: a new delivery ends it.
const LONG: Duration = Duration::from_secs(3_600);

/// What deliveries are made with.
pub struct Webhooks {
    /// Refuses receivers in our own network.
    pub client: Client,
    /// What the orgs' signing secrets are derived from.
    pub key: [u8; 32],
}

/// What was tried, and whether it has a verdict.
type Tried = (Scope, DeliveryId, bool);

/// What is to be delivered, by when it is due.
pub(crate) struct Deliverer {
    host: Arc<Host>,
    webhooks: Arc<Webhooks>,
    due: Due,
}

impl Deliverer {
    /// With what the read models say is still to be delivered.
    pub async fn new(
        host: Arc<Host>,
        webhooks: Arc<Webhooks>,
        reads: &ReadModels,
    ) -> Result<Self, WorkerError> {
        let mut due = Due::default();
        let mut rows = pin!(walk(|after, limit| reads.pending_deliveries(after, limit)));
        while let Some(found) = rows.try_next().await? {
            let delivery = &found.row.value;
            due.insert(delivery.next_at.unwrap_or_default(), found.scope, delivery.id);
        }
        Ok(Self { host, webhooks, due })
    }

    /// Follows the log after `from` until `stop`. What is under way then is tried again by
    /// whoever starts next.
    pub async fn run(mut self, from: Position, stop: CancellationToken) {
        let mut trying = JoinSet::new();
        let log = self.host.commander.log().clone();
        let mut commits = unbroken(log, Filter::kind(Kind::Delivery), from);
        loop {
            let wait = self.start_what_is_due(&mut trying);
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(commit) = commits.next() => self.note(&commit),
                Some(tried) = trying.join_next() => self.tried(tried),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn note(&mut self, commit: &Commit) {
        let Ok(id) = commit.stream.key().parse() else { return };
        for event in &commit.events {
            let next = match event {
                Event::Delivery(DeliveryEvent::Requested { .. }) => Some(commit.time),
                Event::Delivery(DeliveryEvent::Attempted { next_at, .. }) => *next_at,
                _ => None,
            };
            if let Some(at) = next {
                self.due.insert(at, commit.stream.scope, id);
            }
        }
    }

    /// Starts what is due; answers how long nothing more will be.
    fn start_what_is_due(&mut self, trying: &mut JoinSet<Tried>) -> Duration {
        let now = theazo_commands::now();
        while trying.len() < AT_ONCE {
            let Some((scope, id)) = self.due.pop(now) else {
                let next = self.due.next_at();
                return next.map_or(LONG, |at| Duration::from_millis(at.millis_since(now)));
            };
            let (host, webhooks) = (self.host.clone(), self.webhooks.clone());
            trying.spawn(async move {
                let delivered = deliver(&host, &webhooks, scope, id);
                (scope, id, AssertUnwindSafe(delivered).catch_unwind().await.is_ok())
            });
        }
        LONG
    }

    fn tried(&mut self, tried: Result<Tried, JoinError>) {
        match tried {
            Ok((scope, id, settled)) => {
                self.due.tried(scope);
                if !settled {
                    tracing::error!(delivery = %id, "a webhook's delivery panicked");
                    let later = theazo_commands::now().as_millis().saturating_add(AFTER_PANIC);
                    self.due.insert(Timestamp::from_millis(later), scope, id);
                }
            }
            Err(broken) => tracing::error!(%broken, "a webhook's delivery broke off"),
        }
    }
}

/// One try of a delivery, and its outcome.
async fn deliver(host: &Arc<Host>, webhooks: &Webhooks, scope: Scope, id: DeliveryId) {
    until_done("a webhook is not delivered yet", || async {
        let stream = StreamId::delivery(scope, id);
        let Some(delivery) = host.commander.load_fresh::<Delivery>(&stream).await?.state else {
            return Ok(());
        };
        if delivery.status != DeliveryStatus::Pending {
            return Ok(());
        }
        let began = Instant::now();
        let (status, error) = match attempt(host, webhooks, scope, &delivery).await? {
            Ok(status) => (Some(status), None),
            Err(why) => (None, Some(why)),
        };
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let number = delivery.attempts + 1;
        let report = DeliveryCommand::Report { number, status, error, duration_ms };
        host.commander.delivery(&host.origin(scope), id, &report).await.map(|_| ())
    })
    .await;
}

/// The receiver's status, or why there is none.
async fn attempt(
    host: &Host,
    webhooks: &Webhooks,
    scope: Scope,
    delivery: &Delivery,
) -> Result<Result<u16, String>, CommandError> {
    let message = match message::of(&host.commander, scope, delivery).await? {
        Ok(message) => message,
        Err(why) => return Ok(Err(why.to_owned())),
    };
    let secret = delivery::signing_secret(&webhooks.key, scope);
    let (url, now) = (&message.url, theazo_commands::now());
    let request = sign::request(url, &secret, delivery.id, now, message.body);
    let sent = match request {
        Ok(request) => tokio::time::timeout(PATIENCE, send(&webhooks.client, request)).await,
        Err(why) => return Ok(Err(why)),
    };
    Ok(match sent {
        Ok(Ok(status)) => Ok(status),
        // Its words name the host, and the URL is nobody's but the caller's.
        Ok(Err(NetError::Refused(_))) => {
            Err("its address is of this machine or a private network".to_owned())
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    })
}

async fn send(client: &Client, request: http::Request<Bytes>) -> Result<u16, NetError> {
    let response = client.send(request).await?;
    let status = response.status.as_u16();
    // What it says besides does not matter, but a connection that was read to its end is reused.
    match tokio::time::timeout(REST, response.bytes(64 << 10)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a webhook's answer was not read to its end"),
        Err(_) => tracing::debug!("a webhook's answer has no end in time"),
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// The status is the receiver's answer, however long it goes on talking.
    #[tokio::test]
    async fn an_answer_without_an_end_is_an_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 1_024];
            assert_ne!(socket.read(&mut request).await.unwrap(), 0);
            let head = b"HTTP/1.1 202 Accepted\r\nconnection: close\r\n\r\n";
            socket.write_all(head).await.unwrap();
            while socket.write_all(b"and another thing").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let client = theazo_models::net::guarded_client(true).unwrap();
        let request = http::Request::post(&url).body(Bytes::from_static(b"{}")).unwrap();
        let sent = tokio::time::timeout(PATIENCE / 2, send(&client, request)).await;
        assert_eq!(sent.unwrap(), Ok(202));
        receiver.abort();
    }
}
