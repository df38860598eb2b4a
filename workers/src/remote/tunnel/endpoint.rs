//! Where one process's tunnels begin and end: one subscription for all of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use theazo_commands::IdSource;
use theazo_log::bus::{Bus, BusError, Message, Messages};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::pump::{self, Pump};
use super::{LEAST, Tunnel, WINDOW};

/// How long the other side may take to answer that it begins a tunnel.
const OPEN_PATIENCE: Duration = Duration::from_secs(5);
/// Messages of one tunnel that its pump has not taken up: a window of the smallest, and as many
/// that carry no bytes.
const INBOX: usize = 2 * WINDOW / LEAST;

type Inboxes = HashMap<String, mpsc::Sender<Bytes>>;

/// This process's end of its tunnels.
pub(crate) struct Endpoint {
    bus: Arc<dyn Bus>,
    /// Tunnels are at `<subject>.<tunnel>`.
    subject: String,
    /// `None` when the bus has closed.
    inboxes: Mutex<Option<Inboxes>>,
    pumps: TaskTracker,
    stop: CancellationToken,
}

/// What a pump has of its endpoint: where it hears, and where the other side does.
pub(super) struct Line {
    pub bus: Arc<dyn Bus>,
    pub inbox: mpsc::Receiver<Bytes>,
    pub to: String,
    _place: InboxPlace,
}

/// Forgets the inbox when the tunnel has ended.
struct InboxPlace {
    endpoint: Arc<Endpoint>,
    tunnel: String,
}

impl Drop for InboxPlace {
    fn drop(&mut self) {
        if let Some(inboxes) = self.endpoint.inboxes.lock().as_mut() {
            inboxes.remove(&self.tunnel);
        }
    }
}

/// Asks for a tunnel: what is meant for who asks goes to `reply`.
#[derive(Serialize, Deserialize)]
struct Open {
    reply: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Opened {
    /// What is meant for who answers goes to this subject.
    At(String),
    Refused(String),
}

/// Why there is no tunnel. Nothing has crossed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("it refused: {0}")]
    Refused(String),
    #[error("it answered with what cannot be read")]
    Unreadable,
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl Endpoint {
    /// Until `stop`, which breaks the tunnels that are still open.
    pub async fn start(bus: Arc<dyn Bus>, stop: CancellationToken) -> Result<Arc<Self>, BusError> {
        let subject = format!("tunnel.{}", IdSource::new().uuid("endpoint").simple());
        let messages = bus.subscribe(&format!("{subject}.*")).await?;
        let endpoint = Arc::new(Self {
            bus,
            subject,
            inboxes: Mutex::new(Some(Inboxes::new())),
            pumps: TaskTracker::new(),
            stop,
        });
        tokio::spawn(endpoint.clone().deliver(messages));
        Ok(endpoint)
    }

    /// Hands each message to its tunnel, and never waits for one.
    async fn deliver(self: Arc<Self>, mut messages: Messages) {
        loop {
            let message = tokio::select! {
                () = self.stop.cancelled() => break,
                message = messages.next() => message,
            };
            let Some(message) = message else { break };
            let tunnel = message.subject.rsplit('.').next().unwrap_or_default();
            let mut inboxes = self.inboxes.lock();
            let Some(inboxes) = inboxes.as_mut() else { break };
            let full = |inbox: &mpsc::Sender<Bytes>| inbox.try_send(message.payload).is_err();
            if inboxes.get(tunnel).is_some_and(full) {
                // What was lost is noticed when the next one comes, or by the silence.
                tracing::warn!(tunnel, "a tunnel's messages were not taken up in time");
            }
        }
        self.inboxes.lock().take();
    }

    /// Waits until every tunnel has ended.
    pub async fn idle(&self) {
        self.pumps.close();
        self.pumps.wait().await;
    }

    fn place(self: &Arc<Self>) -> Result<(mpsc::Receiver<Bytes>, InboxPlace), BusError> {
        let tunnel = IdSource::new().uuid("tunnel").simple().to_string();
        let (sender, inbox) = mpsc::channel(INBOX);
        let mut inboxes = self.inboxes.lock();
        let open = inboxes.as_mut().ok_or_else(|| BusError::Unavailable("it is closed".into()))?;
        open.insert(tunnel.clone(), sender);
        Ok((inbox, InboxPlace { endpoint: self.clone(), tunnel }))
    }

    fn begin(&self, inbox: mpsc::Receiver<Bytes>, place: InboxPlace, to: String) -> Tunnel {
        let line = Line { bus: self.bus.clone(), inbox, to, _place: place };
        let (tunnel, pump) = pump::tunnel(line, self.stop.clone());
        self.pumps.spawn(Pump::run(pump));
        tunnel
    }

    /// A tunnel to whoever answers on `subject`.
    pub async fn open(self: &Arc<Self>, subject: &str) -> Result<Tunnel, OpenError> {
        let (inbox, place) = self.place()?;
        let open = encode(&Open { reply: self.address(&place) })?;
        let answer = self.bus.request(subject, open, OPEN_PATIENCE).await?;
        match serde_json::from_slice(&answer).map_err(|_| OpenError::Unreadable)? {
            Opened::At(to) => Ok(self.begin(inbox, place, to)),
            Opened::Refused(why) => Err(OpenError::Refused(why)),
        }
    }

    /// Begins the tunnel that `asked` asks for.
    pub async fn accept(self: &Arc<Self>, asked: &Message) -> Result<Tunnel, OpenError> {
        let open: Open =
            serde_json::from_slice(&asked.payload).map_err(|_| OpenError::Unreadable)?;
        let (inbox, place) = self.place()?;
        asked.answer(&*self.bus, encode(&Opened::At(self.address(&place)))?).await?;
        Ok(self.begin(inbox, place, open.reply))
    }

    /// Answers that there will be no tunnel.
    pub async fn refuse(&self, asked: &Message, why: &str) -> Result<(), OpenError> {
        Ok(asked.answer(&*self.bus, encode(&Opened::Refused(why.to_owned()))?).await?)
    }

    fn address(&self, place: &InboxPlace) -> String {
        format!("{}.{}", self.subject, place.tunnel)
    }

    /// Tunnels that are open.
    #[cfg(test)]
    pub fn open_tunnels(&self) -> usize {
        self.inboxes.lock().as_ref().map_or(0, HashMap::len)
    }
}

fn encode(message: &impl Serialize) -> Result<Bytes, OpenError> {
    serde_json::to_vec(message).map(Bytes::from).map_err(|_| OpenError::Unreadable)
}
