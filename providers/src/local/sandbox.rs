//! The host's handle on one sandbox: what it asks of PID 1, and what it was told.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use theazo_domain::SnapshotId;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::disk::Quota;
use super::egress::Egress;
use super::files::Files;
use super::link::Link;
use super::record::Record;
use super::wire::{Ask, Ended, How, Tell};
use crate::contract::{Limits, ProviderError, Result, SandboxId};

/// How long PID 1, which never runs anything itself, may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

type Socket = std::result::Result<OwnedFd, i32>;

#[derive(Default)]
struct Waiting {
    execs: HashMap<u64, oneshot::Sender<Ended>>,
    sockets: HashMap<u64, oneshot::Sender<Socket>>,
    others: HashMap<u64, oneshot::Sender<bool>>,
    gone: bool,
}

/// What PID 1 is asked, and who waits for the answer.
pub struct Control {
    link: Link,
    waiting: Mutex<Waiting>,
    next: AtomicU64,
}

fn gone(error: &io::Error) -> ProviderError {
    tracing::debug!(%error, "the PID 1 of a sandbox cannot be reached");
    ProviderError::Gone
}

impl Control {
    /// Waits until the sandbox is built; answers the descriptors that PID 1 sends with that.
    pub async fn open(socket: OwnedFd) -> Result<(Arc<Self>, Vec<OwnedFd>)> {
        let link = Link::new(socket).map_err(|error| gone(&error))?;
        let failed = |message: &str| {
            tracing::error!(message, "a sandbox could not be built");
            ProviderError::Failed {
                message: "the sandbox could not be built".into(),
                retryable: true,
            }
        };
        match timeout(PATIENCE, link.receive()).await {
            Ok(Ok(Some((Tell::Ready, fds)))) => {
                let control = Self { link, waiting: Mutex::default(), next: AtomicU64::new(1) };
                let control = Arc::new(control);
                tokio::spawn(Arc::clone(&control).listen());
                Ok((control, fds))
            }
            Ok(Ok(Some((Tell::NotReady { message }, _)))) => Err(failed(&message)),
            Ok(Ok(_)) => Err(failed("it ended at once")),
            Ok(Err(error)) => Err(failed(&error.to_string())),
            Err(_) => Err(failed("it takes too long")),
        }
    }

    async fn listen(self: Arc<Self>) {
        loop {
            match self.link.receive().await {
                Ok(Some((tell, fds))) => self.hear(tell, fds),
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(%error, "the PID 1 of a sandbox cannot be understood");
                    break;
                }
            }
        }
        let mut waiting = self.waiting.lock();
        waiting.gone = true;
        waiting.execs.clear();
        waiting.sockets.clear();
        waiting.others.clear();
    }

    fn hear(&self, tell: Tell, fds: Vec<OwnedFd>) {
        let mut waiting = self.waiting.lock();
        // Where nobody waits any more, the answer is of no use.
        match tell {
            Tell::Exited { id, ended } => {
                if let Some(exec) = waiting.execs.remove(&id) {
                    let _ = exec.send(ended);
                }
            }
            Tell::Socket { id, errno } => {
                if let Some(socket) = waiting.sockets.remove(&id) {
                    let answer = fds.into_iter().next().ok_or(errno.unwrap_or(libc::EIO));
                    let _ = socket.send(answer);
                }
            }
            Tell::Done { id, done } => {
                if let Some(other) = waiting.others.remove(&id) {
                    let _ = other.send(done);
                }
            }
            Tell::Ready | Tell::NotReady { .. } => {}
        }
    }

    /// Starts an exec. What is answered kills it when dropped before its end.
    pub async fn exec(
        self: &Arc<Self>,
        how: How,
        writable: bool,
        fds: [RawFd; 4],
    ) -> Result<Running> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (tell, ended) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock();
            if waiting.gone {
                return Err(ProviderError::Gone);
            }
            waiting.execs.insert(id, tell);
        }
        let running = Running { id, control: Arc::clone(self), ended, done: false };
        let ask = Ask::Exec { id, how, writable };
        self.link.send(&ask, &fds).await.map_err(|error| gone(&error))?;
        Ok(running)
    }

    /// Sends without waiting for an answer, from wherever this is called.
    fn post(self: &Arc<Self>, ask: Ask) {
        match self.link.try_send(&ask) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let control = Arc::clone(self);
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(async move {
                        if let Err(error) = control.link.send(&ask, &[]).await {
                            tracing::debug!(%error, "a sandbox has ended before it was told");
                        }
                    });
                }
            }
            Err(error) => tracing::debug!(%error, "a sandbox has ended before it was told"),
            Ok(()) => {}
        }
    }

    pub fn warm_python(self: &Arc<Self>) {
        self.post(Ask::WarmPython);
    }

    /// Kills every process and waits until they are gone.
    pub async fn kill_all(&self) -> Result<()> {
        self.ask(|id| Ask::KillAll { id }, "do not end").await
    }

    /// A connection to a port of the sandbox's loopback.
    pub async fn connect(&self, port: u16) -> Result<TcpStream> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (tell, answer) = oneshot::channel();
        self.waiting.lock().sockets.insert(id, tell);
        self.link.send(&Ask::Socket { id }, &[]).await.map_err(|error| gone(&error))?;
        let socket = match timeout(PATIENCE, answer).await {
            Ok(Ok(Ok(socket))) => std::net::TcpStream::from(socket),
            Ok(Err(_)) => return Err(ProviderError::Gone),
            Ok(Ok(Err(errno))) => {
                let error = io::Error::from_raw_os_error(errno);
                tracing::error!(%error, "a socket in a sandbox");
                return Err(ProviderError::failed("no socket could be made in the sandbox"));
            }
            Err(_) => return Err(ProviderError::failed("the sandbox does not answer")),
        };
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        match timeout(PATIENCE, TcpSocket::from_std_stream(socket).connect(address)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(_)) => Err(ProviderError::NoListener(port)),
            // It listens and does not accept.
            Err(_) => Err(ProviderError::failed("the sandbox's port does not accept connections")),
        }
    }

    /// Stops, or continues, every process by a signal, where no cgroup freezes.
    pub async fn set_stopped(&self, stopped: bool) -> Result<()> {
        self.ask(|id| Ask::SetStopped { id, stopped }, "do not stand still").await
    }

    async fn ask(&self, ask: impl FnOnce(u64) -> Ask, otherwise: &str) -> Result<()> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (tell, answer) = oneshot::channel();
        self.waiting.lock().others.insert(id, tell);
        self.link.send(&ask(id), &[]).await.map_err(|error| gone(&error))?;
        match timeout(PATIENCE, answer).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Err(_)) => Err(ProviderError::Gone),
            Ok(Ok(false)) | Err(_) => Err(ProviderError::Failed {
                message: format!("the sandbox's processes {otherwise}"),
                retryable: true,
            }),
        }
    }

    pub fn is_gone(&self) -> bool {
        self.waiting.lock().gone
    }
}

/// An exec under way.
pub struct Running {
    id: u64,
    control: Arc<Control>,
    ended: oneshot::Receiver<Ended>,
    done: bool,
}

impl Running {
    /// Waits for its end.
    pub async fn ended(&mut self) -> Result<Ended> {
        let ended = (&mut self.ended).await;
        self.done = true;
        ended.map_err(|_| ProviderError::Gone)
    }

    /// Kills it and waits until it is gone.
    pub async fn kill(mut self) {
        self.control.post(Ask::Kill { id: self.id });
        match timeout(PATIENCE, self.ended()).await {
            Ok(_) => {}
            Err(_) => tracing::error!("an exec that was killed has not ended"),
        }
        self.done = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.done {
            self.control.waiting.lock().execs.remove(&self.id);
            self.control.post(Ask::Kill { id: self.id });
        }
    }
}

/// Where a sandbox is in its life, beside being there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Live,
    Paused {
        snapshot: SnapshotId,
        size: u64,
    },
    /// It is being destroyed, or that has failed and can be tried again.
    Ending,
}

/// A sandbox that exists.
pub struct LiveSandbox {
    pub id: SandboxId,
    pub record: Arc<Record>,
    pub limits: Limits,
    pub control: Arc<Control>,
    pub files: Arc<Files>,
    pub quota: Arc<Quota>,
    /// Held while the disk is measured, and what was found is acted on.
    pub measuring: tokio::sync::Mutex<()>,
    /// How often it was killed for what it wrote.
    pub overruns: AtomicU64,
    pub phase: Mutex<Phase>,
    /// Turns true when its last process is gone.
    pub ended: watch::Receiver<bool>,
    /// Serves DNS and proxy while this lives.
    pub egress: Option<Egress>,
}

impl LiveSandbox {
    /// Whether its processes are gone, or about to be, although nobody has destroyed it.
    pub fn has_ended(&self) -> bool {
        self.control.is_gone() || *self.ended.borrow()
    }

    pub fn must_run(&self) -> Result<()> {
        match *self.phase.lock() {
            _ if self.control.is_gone() => Err(ProviderError::Gone),
            Phase::Live => Ok(()),
            Phase::Ending => Err(ProviderError::Gone),
            Phase::Paused { .. } => Err(ProviderError::Conflict("the sandbox is paused".into())),
        }
    }
}
