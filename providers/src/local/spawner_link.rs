//! The host's side of the spawner: start it, order, and hear what became of the orders.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use super::config::LocalConfig;
use super::link::Link;
use super::wire::{self, CreateOrder, Order, Report};
use crate::contract::{ProviderError, Result};

type Created = std::result::Result<OwnedFd, String>;

#[derive(Default)]
struct Waiting {
    births: HashMap<String, oneshot::Sender<Created>>,
    /// Told when the sandbox's last process is gone, whoever ended it.
    ends: HashMap<String, watch::Sender<bool>>,
    gone: bool,
}

/// A running spawner.
pub struct SpawnerLink {
    link: Link,
    waiting: Mutex<Waiting>,
    process: Mutex<std::process::Child>,
}

fn unavailable(what: &str, error: &io::Error) -> ProviderError {
    tracing::error!(%error, "the sandbox spawner: {what}");
    ProviderError::Failed { message: "the sandbox spawner failed".into(), retryable: true }
}

impl SpawnerLink {
    /// Starts a spawner and waits until it can make sandboxes. `lock` is the data directory's,
    /// which the spawner holds until it has removed what it made.
    pub async fn start(
        config: &LocalConfig,
        data_dir: &Path,
        cgroups: Vec<PathBuf>,
        lock: &OwnedFd,
    ) -> Result<Arc<Self>> {
        let (ours, theirs) = wire::channel().map_err(|e| unavailable("its socket", &e))?;
        let process = spawn(config, theirs).map_err(|error| {
            tracing::error!(%error, "the sandbox spawner could not be started");
            ProviderError::Unsupported("the program of the sandbox spawner cannot be run".into())
        })?;
        let link = Link::new(ours).map_err(|e| unavailable("its socket", &e))?;
        let setup = Order::Setup { data_dir: data_dir.to_owned(), cgroups };
        link.send(&setup, &[lock.as_raw_fd()]).await.map_err(|e| unavailable("setting up", &e))?;
        match link.receive().await {
            Ok(Some((Report::Ready, _))) => {}
            Ok(Some((Report::NotReady { message }, _))) => {
                return Err(ProviderError::Unsupported(format!(
                    "this machine cannot isolate sandboxes: {message}"
                )));
            }
            Ok(_) => return Err(unavailable("setting up", &io::Error::other("it ended at once"))),
            Err(error) => return Err(unavailable("setting up", &error)),
        }
        let spawner =
            Arc::new(Self { link, waiting: Mutex::default(), process: Mutex::new(process) });
        tokio::spawn(Arc::clone(&spawner).listen());
        Ok(spawner)
    }

    /// Has a sandbox cloned; answers the socket of its PID 1 and what says when it has ended.
    pub async fn create(&self, order: CreateOrder) -> Result<(OwnedFd, watch::Receiver<bool>)> {
        let (born, birth) = oneshot::channel();
        let (end, ended) = watch::channel(false);
        {
            let mut waiting = self.waiting.lock();
            if waiting.gone {
                return Err(unavailable("creating", &io::Error::other("it has ended")));
            }
            waiting.births.insert(order.id.clone(), born);
            waiting.ends.insert(order.id.clone(), end);
        }
        let order = Order::Create(Box::new(order));
        self.link.send(&order, &[]).await.map_err(|e| unavailable("creating", &e))?;
        match birth.await {
            Ok(Ok(socket)) => Ok((socket, ended)),
            Ok(Err(message)) => Err(unavailable("creating", &io::Error::other(message))),
            Err(_) => Err(unavailable("creating", &io::Error::other("it has ended"))),
        }
    }

    /// Has a sandbox killed. Its end is told through what [`Self::create`] answered.
    pub async fn destroy(&self, id: &str) -> Result<()> {
        let order = Order::Destroy { id: id.to_owned() };
        match self.link.send(&order, &[]).await {
            // A spawner that is gone has taken its sandboxes with it.
            Err(_) if self.is_gone() => Ok(()),
            other => other.map_err(|e| unavailable("destroying", &e)),
        }
    }

    pub fn is_gone(&self) -> bool {
        self.waiting.lock().gone
    }

    /// Ends it, and with it every sandbox, without waiting.
    pub fn close(&self) {
        self.link.close();
    }

    /// Closes the control socket and waits until the spawner has removed everything.
    pub async fn shut_down(self: Arc<Self>) -> Result<()> {
        self.link.close();
        let spawner = Arc::clone(&self);
        let ended = tokio::task::spawn_blocking(move || spawner.process.lock().wait()).await;
        match ended {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(unavailable("ending", &error)),
            Err(error) => Err(unavailable("ending", &io::Error::other(error))),
        }
    }

    async fn listen(self: Arc<Self>) {
        loop {
            match self.link.receive().await {
                Ok(Some((report, fds))) => self.hear(report, fds),
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(%error, "the sandbox spawner cannot be understood");
                    break;
                }
            }
        }
        let mut waiting = self.waiting.lock();
        waiting.gone = true;
        waiting.births.clear();
        for (_, end) in waiting.ends.drain() {
            end.send_replace(true);
        }
    }

    fn hear(&self, report: Report, fds: Vec<OwnedFd>) {
        let mut waiting = self.waiting.lock();
        let born = |waiting: &mut Waiting, id: &str, created: Created| {
            // Nobody waits when the create was given up; its guard destroys what came of it.
            if let Some(birth) = waiting.births.remove(id) {
                let _ = birth.send(created);
            }
        };
        match report {
            Report::Created { id } => {
                let socket = fds.into_iter().next().ok_or_else(|| "no socket came".to_owned());
                born(&mut waiting, &id, socket);
            }
            Report::NotCreated { id, message } => {
                waiting.ends.remove(&id);
                born(&mut waiting, &id, Err(message));
            }
            Report::Ended { id } => {
                if let Some(end) = waiting.ends.remove(&id) {
                    end.send_replace(true);
                }
            }
            Report::Ready | Report::NotReady { .. } => {}
        }
    }
}

impl Drop for SpawnerLink {
    fn drop(&mut self) {
        // It ends by itself now; this only keeps it from staying a zombie when it has already.
        let _ = self.process.get_mut().try_wait();
    }
}

/// Without any variable of ours: PID 1 of a sandbox is a clone of it, and shows what it has.
fn spawn(config: &LocalConfig, control: OwnedFd) -> io::Result<std::process::Child> {
    let [program, arguments @ ..] = config.spawner.as_slice() else {
        return Err(io::Error::other("no program is configured"));
    };
    Command::new(program)
        .arg0("theazo-sandbox")
        .args(arguments)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(control))
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
}
