//! Questions over the connection, and what is known of its breaks.

use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, Event, HeaderMap, Message, Request, RequestErrorKind};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use theazo_log::LogError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How long one question may take before it is asked again.
const ANSWER: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Which connection this is, and since when.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Connected {
    /// Counts connections.
    pub(crate) epoch: u64,
    /// `None` while there is none.
    pub(crate) since: Option<Instant>,
}

/// Hears of breaks from the client.
#[derive(Clone)]
pub(crate) struct Signal(Arc<watch::Sender<Connected>>);

impl Default for Signal {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Connected::default())))
    }
}

impl Signal {
    pub(crate) fn hear(&self, event: &Event) {
        match event {
            Event::Connected => self.0.send_modify(|connected| {
                connected.epoch += 1;
                connected.since = Some(Instant::now());
            }),
            Event::Disconnected | Event::Closed => {
                self.0.send_modify(|connected| connected.since = None);
            }
            Event::SlowConsumer(_) => tracing::warn!("messages from NATS came faster than read"),
            Event::ServerError(error) => tracing::warn!(%error, "NATS complains"),
            Event::ClientError(error) => tracing::warn!(%error, "the NATS client complains"),
            Event::LameDuckMode | Event::Draining => (),
        }
    }
}

/// A connection that knows of its breaks.
pub(crate) struct Link {
    pub(crate) client: Client,
    connected: watch::Receiver<Connected>,
    signal: Signal,
}

/// Why a question has no answer.
#[derive(Debug, Clone)]
pub(crate) enum Unanswered {
    /// It was not sent.
    NotSent(String),
    /// Nobody took it.
    NobodyThere,
    /// It is larger than the server takes.
    TooLarge,
    /// It may have been taken.
    InDoubt(String),
}

impl Unanswered {
    pub(crate) fn reason(self) -> String {
        match self {
            Self::NotSent(reason) | Self::InDoubt(reason) => reason,
            Self::NobodyThere => {
                "JetStream does not answer: is it on (`jetstream { … }` in server.conf), and has \
                 the stream a leader?"
                    .to_owned()
            }
            Self::TooLarge => "it is larger than the server's max_payload".to_owned(),
        }
    }
}

impl Link {
    pub(crate) async fn new(client: Client, signal: &Signal) -> Self {
        let mut connected = signal.0.subscribe();
        // The client tells of its first connection in a task of its own.
        let first = connected.wait_for(|connected| connected.since.is_some());
        if timeout(Duration::from_secs(1), first).await.is_err() {
            signal.hear(&Event::Connected);
        }
        Self { client, connected, signal: signal.clone() }
    }

    pub(crate) fn connected_since(&self) -> Option<Instant> {
        self.reconcile();
        self.connected.borrow().since
    }

    /// The client drops events when there are too many of them; its state it always knows.
    fn reconcile(&self) {
        let told = self.connected.borrow().since.is_some();
        match self.client.connection_state() {
            State::Connected if !told => self.signal.hear(&Event::Connected),
            State::Disconnected if told => self.signal.hear(&Event::Disconnected),
            _ => (),
        }
    }

    /// Changes with each connection.
    pub(crate) fn watch(&self) -> watch::Receiver<Connected> {
        self.connected.clone()
    }

    /// Waits until there is a connection, until `deadline`.
    pub(crate) async fn connected(&self, deadline: Instant) -> Result<(), Unanswered> {
        let mut connected = self.connected.clone();
        while self.connected_since().is_none() {
            if Instant::now() >= deadline {
                return Err(Unanswered::NotSent("there is no connection to NATS".to_owned()));
            }
            let look_again = deadline.min(Instant::now() + LONGEST_PAUSE);
            let there = connected.wait_for(|connected| connected.since.is_some());
            // Whether it came about is looked at above.
            let _ = timeout_at(look_again, there).await;
        }
        Ok(())
    }

    /// Asks once. A connection that breaks meanwhile and comes back ends the wait.
    pub(crate) async fn ask(
        &self,
        subject: &str,
        headers: Option<&HeaderMap>,
        payload: Bytes,
        wait: Duration,
    ) -> Result<Message, Unanswered> {
        self.reconcile();
        let mut connected = self.connected.clone();
        let Connected { epoch, since } = *connected.borrow_and_update();
        if since.is_none() {
            return Err(Unanswered::NotSent("there is no connection to NATS".to_owned()));
        }
        let mut request = Request::new().payload(payload).timeout(Some(wait));
        if let Some(headers) = headers {
            request = request.headers(headers.clone());
        }
        let cut = connected.wait_for(|connected| connected.epoch != epoch);
        tokio::select! {
            answer = self.client.send_request(subject.to_owned(), request) => {
                answer.map_err(|error| match error.kind() {
                    RequestErrorKind::NoResponders => Unanswered::NobodyThere,
                    RequestErrorKind::MaxPayloadExceeded => Unanswered::TooLarge,
                    RequestErrorKind::TimedOut => {
                        Unanswered::InDoubt("there was no answer in time".to_owned())
                    }
                    RequestErrorKind::InvalidSubject => Unanswered::NotSent(error.to_string()),
                    RequestErrorKind::Other => Unanswered::InDoubt(error.to_string()),
                })
            }
            _ = cut => Err(Unanswered::InDoubt("the connection was cut".to_owned())),
        }
    }

    /// Asks what may be asked again, until there is an answer or it is `deadline`.
    pub(crate) async fn ask_again(
        &self,
        subject: &str,
        payload: Bytes,
        deadline: Instant,
    ) -> Result<Message, LogError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let failed = match self.connected(deadline).await {
                Ok(()) => {
                    let wait = ANSWER.min(deadline.saturating_duration_since(Instant::now()));
                    match self.ask(subject, None, payload.clone(), wait).await {
                        Ok(answer) => return Ok(answer),
                        Err(failed) => failed,
                    }
                }
                Err(failed) => failed,
            };
            if Instant::now() + pause >= deadline || matches!(failed, Unanswered::TooLarge) {
                return Err(LogError::Unavailable(failed.reason()));
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Asks JetStream's own interface; what is only now not to be had is asked again.
    pub(crate) async fn api<T: DeserializeOwned>(
        &self,
        name: &str,
        question: &(impl Serialize + Sync),
        deadline: Instant,
    ) -> Result<Result<T, async_nats::jetstream::Error>, LogError> {
        use async_nats::jetstream::response::Response;

        let unreadable = |e| LogError::Unavailable(format!("JetStream cannot be understood: {e}"));
        let payload = Bytes::from(serde_json::to_vec(question).map_err(unreadable)?);
        let mut pause = FIRST_PAUSE;
        loop {
            let subject = format!("$JS.API.{name}");
            let answer = self.ask_again(&subject, payload.clone(), deadline).await?;
            match serde_json::from_slice(&answer.payload).map_err(unreadable)? {
                Response::Ok(answer) => return Ok(Ok(answer)),
                Response::Err { error } if error.code() != 503 => return Ok(Err(error)),
                Response::Err { error } if Instant::now() + pause >= deadline => {
                    return Err(LogError::Unavailable(error.to_string()));
                }
                Response::Err { .. } => sleep(pause).await,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
