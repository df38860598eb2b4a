//! The host's side: what other processes ask of its sandboxes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use theazo_domain::StreamId;
use theazo_domain::agent::Agent;
use theazo_log::bus::{Bus, BusError, Message};
use theazo_providers::{Duplex, GatewayError, SandboxGateway};
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::subject;
use super::tunnel::{Endpoint, Tunnel};
use super::wire::{self, Answer, Request, What};
use crate::Host;
use crate::gateway::LocalGateway;
use crate::host::unavailable;

/// Calls and connections at a time.
const CALLS: usize = 1_024;
/// Files in memory at a time; each has 32 MiB at most.
const FILES: usize = 16;
/// How long a new tunnel may take to say what is asked.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How long calls that are under way may take when the host stops.
const GRACE: Duration = Duration::from_secs(10);

struct Desk {
    gateway: LocalGateway,
    endpoint: Arc<Endpoint>,
    calls: Arc<Semaphore>,
    files: Semaphore,
    /// No more connections into sandboxes.
    closing: CancellationToken,
}

/// Answers what is asked of `host`, until `stop`; then takes nothing more, and gives what is under
/// way a moment to end.
///
/// # Errors
/// When the bus cannot be reached, or has closed.
pub async fn serve(
    host: Arc<Host>,
    bus: Arc<dyn Bus>,
    stop: CancellationToken,
) -> Result<(), BusError> {
    let mut asked = bus.subscribe(&subject(&host.name)).await?;
    let broken = CancellationToken::new();
    let _breaks = broken.clone().drop_guard();
    let desk = Arc::new(Desk {
        gateway: LocalGateway(host),
        endpoint: Endpoint::start(bus, broken).await?,
        calls: Arc::new(Semaphore::new(CALLS)),
        files: Semaphore::new(FILES),
        closing: stop.clone(),
    });
    let tasks = TaskTracker::new();
    let ended = loop {
        let message = tokio::select! {
            () = stop.cancelled() => break Ok(()),
            message = asked.next() => message,
        };
        let Some(message) = message else {
            break Err(BusError::Unavailable("it is closed".to_owned()));
        };
        match desk.calls.clone().try_acquire_owned() {
            Ok(place) => drop(tasks.spawn(desk.clone().answer(message, place))),
            Err(_) => drop(tasks.spawn(desk.clone().refuse(message))),
        }
    };
    drop(asked);
    tasks.close();
    let finishing = async {
        tasks.wait().await;
        desk.endpoint.idle().await;
    };
    if tokio::time::timeout(GRACE, finishing).await.is_err() {
        tracing::warn!("calls of other processes were still under way when this host stopped");
    }
    ended
}

impl Desk {
    async fn refuse(self: Arc<Self>, message: Message) {
        let why = format!("it does {CALLS} things at once already; try again");
        if let Err(error) = self.endpoint.refuse(&message, &why).await {
            tracing::debug!(%error, "a call that is too much was not answered");
        }
    }

    async fn answer(self: Arc<Self>, message: Message, place: OwnedSemaphorePermit) {
        let answered = match self.endpoint.accept(&message).await {
            Ok(tunnel) => self.serve(tunnel).await,
            Err(error) => Err(io::Error::other(error)),
        };
        if let Err(error) = answered {
            tracing::debug!(%error, "a call of another process broke off");
        }
        drop(place);
    }

    /// One call, from its request to the end of its answer.
    async fn serve(&self, mut tunnel: Tunnel) -> io::Result<()> {
        let heading = wire::receive_head::<Request>(&mut tunnel);
        let (request, length) = tokio::time::timeout(HEAD_PATIENCE, heading).await??;
        let _file = match &request.what {
            What::Connect { port } => {
                let connected = self.connect(&request, *port).await;
                return self.carry(tunnel, connected).await;
            }
            What::ReadFile { .. } | What::WriteFile { .. } => {
                Some(self.files.acquire().await.map_err(io::Error::other)?)
            }
            _ => None,
        };
        let body = wire::receive_body(&mut tunnel, length).await?;
        let (answer, parts) = match self.perform(request, body).await {
            Ok(answered) => answered,
            Err(error) => (Answer::Failed(error.into()), [Bytes::new(), Bytes::new()]),
        };
        wire::send(&mut tunnel, &answer, &[&parts[0], &parts[1]]).await?;
        tunnel.shutdown().await
    }

    /// The answer and the parts of its body.
    async fn perform(
        &self,
        request: Request,
        body: Bytes,
    ) -> Result<(Answer, [Bytes; 2]), GatewayError> {
        self.catch_up(&request).await?;
        let (gateway, agent) = (&self.gateway, request.agent);
        let empty = Bytes::new;
        Ok(match request.what {
            What::Exec { call, id, lang } => {
                let code = String::from_utf8_lossy(&body).into_owned();
                let ran = gateway.exec(call, agent, id, lang, code).await?;
                let answer = Answer::Ran {
                    id: ran.id,
                    exit_code: ran.exit_code,
                    duration_ms: ran.duration_ms,
                    truncated: ran.truncated,
                    stdout: ran.stdout.len(),
                };
                (answer, [ran.stdout.into(), ran.stderr.into()])
            }
            What::ReadFile { call, path } => {
                (Answer::File, [gateway.read_file(call, agent, path).await?, empty()])
            }
            What::ListFiles { call, path } => {
                let entries = gateway.list_files(call, agent, path).await?;
                let entries = serde_json::to_vec(&entries).map_err(|error| {
                    GatewayError::Unavailable { message: format!("the entries: {error}") }
                })?;
                (Answer::Entries, [entries.into(), empty()])
            }
            What::WriteFile { call, id, path } => {
                gateway.write_file(call, agent, id, path, body).await?;
                (Answer::Done, [empty(), empty()])
            }
            What::DeleteFile { call, id, path } => {
                gateway.delete_file(call, agent, id, path).await?;
                (Answer::Done, [empty(), empty()])
            }
            // Carried by the caller of this.
            What::Connect { .. } => (Answer::Connected, [empty(), empty()]),
        })
    }

    async fn connect(&self, request: &Request, port: u16) -> Result<Box<dyn Duplex>, GatewayError> {
        self.catch_up(request).await?;
        self.gateway.connect(request.agent, port).await
    }

    /// Knows of the agent what the caller does: it may have changed it a moment ago.
    async fn catch_up(&self, request: &Request) -> Result<(), GatewayError> {
        let stream = StreamId::agent(request.scope, request.agent);
        let commander = &self.gateway.0.commander;
        let loaded = commander.load_since::<Agent>(&stream, request.since).await;
        loaded.map(|_| ()).map_err(unavailable)
    }

    /// A connection into a sandbox, until both sides have closed it or the host stops.
    async fn carry(
        &self,
        mut tunnel: Tunnel,
        connected: Result<Box<dyn Duplex>, GatewayError>,
    ) -> io::Result<()> {
        let mut sandbox = match connected {
            Ok(sandbox) => sandbox,
            Err(error) => {
                wire::send(&mut tunnel, &Answer::Failed(error.into()), &[]).await?;
                return tunnel.shutdown().await;
            }
        };
        wire::send(&mut tunnel, &Answer::Connected, &[]).await?;
        tokio::select! {
            copied = copy_bidirectional(&mut tunnel, &mut sandbox) => copied.map(|_| ()),
            () = self.closing.cancelled() => Ok(()),
        }
    }
}
