//! Making a sandbox, and taking it away.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::timeout;

use super::disk::Quota;
use super::egress::{self, Policy};
use super::exec;
use super::files::Files;
use super::folder::SandboxFolder;
use super::provider::{Inner, Slot, blocking, internal};
use super::sandbox::{Control, LiveSandbox, Phase};
use super::snapshot;
use super::spawner_link::SpawnerLink;
use super::wire::CreateOrder;
use crate::contract::{ProviderError, Result, SandboxId, SandboxSpec};

/// How many sandboxes can exist at once, each with a host uid of its own.
const MAX_SANDBOXES: u32 = 32_768;
/// How long the kernel gets to end every process of a sandbox.
const END_TIME: Duration = Duration::from_secs(30);

/// The host uids of sandboxes.
pub struct Uids {
    base: u32,
    used: Mutex<BTreeSet<u32>>,
}

impl Uids {
    pub fn new(base: u32) -> Self {
        Self { base, used: Mutex::default() }
    }

    fn take(self: &Uids) -> Result<u32> {
        let mut used = self.used.lock();
        let free = (0..MAX_SANDBOXES).find(|number| !used.contains(number));
        let number = free.ok_or_else(|| ProviderError::Failed {
            message: format!("this machine has {MAX_SANDBOXES} sandboxes and takes no more"),
            retryable: true,
        })?;
        used.insert(number);
        Ok(self.base + number)
    }

    fn give_back(&self, uid: u32) {
        self.used.lock().remove(&(uid - self.base));
    }
}

/// A name that is safe as one part of a path and as a cgroup's.
fn check_id(id: &SandboxId) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match (1..=128).contains(&id.0.len()) && id.0.bytes().all(plain) {
        true => Ok(()),
        false => Err(ProviderError::failed("a sandbox's id has letters, digits, `-` and `_` only")),
    }
}

impl Inner {
    pub async fn create(self: &Arc<Self>, spec: SandboxSpec) -> Result<()> {
        check_id(&spec.id)?;
        if spec.browser {
            return Err(ProviderError::Unsupported(
                "the local provider has no browser yet; use a provider that has".into(),
            ));
        }
        let slot = Arc::new(Slot::default());
        let _gate = slot.gate.lock().await;
        match self.slots.lock().entry(spec.id.clone()) {
            std::collections::hash_map::Entry::Occupied(_) => {
                return Err(ProviderError::Conflict("the sandbox exists already".into()));
            }
            std::collections::hash_map::Entry::Vacant(vacant) => {
                vacant.insert(Arc::clone(&slot));
            }
        }
        let made = self.make(&spec).await;
        match made {
            Ok(live) => {
                if self.config.warm_python && self.runtimes.python.is_some() {
                    live.control.warm_python();
                }
                *slot.live.lock() = Some(Arc::new(live));
                self.changed.notify_one();
                Ok(())
            }
            Err(error) => {
                self.slots.lock().remove(&spec.id);
                Err(error)
            }
        }
    }

    /// Makes it, or leaves nothing of it.
    async fn make(self: &Arc<Self>, spec: &SandboxSpec) -> Result<LiveSandbox> {
        if let Some(snapshot) = spec.snapshot {
            self.take_base(snapshot)?;
        }
        let made = match self.uids.take() {
            Err(error) => Err(error),
            Ok(uid) => {
                let made = self.make_as(spec, uid).await;
                if made.is_err() {
                    self.uids.give_back(uid);
                }
                made
            }
        };
        if let (Err(_), Some(snapshot)) = (&made, spec.snapshot) {
            self.give_back_base(snapshot).await?;
        }
        made
    }

    async fn make_as(self: &Arc<Self>, spec: &SandboxSpec, uid: u32) -> Result<LiveSandbox> {
        let order = self.prepare(spec, uid).await?;
        let folder = SandboxFolder::at(&order.folder);
        let spawner = self.spawner().await?;
        let born = match spawner.create(order).await {
            Ok((socket, ended)) => {
                let equipped = self.equip(spec, uid, folder, socket, ended.clone()).await;
                if equipped.is_err() {
                    spawner.destroy(&spec.id.0).await?;
                    wait_for_end(ended).await?;
                }
                equipped
            }
            Err(error) => Err(error),
        };
        if born.is_err() {
            self.remove_traces(&spec.id).await?;
        }
        born
    }

    /// Folder and cgroups, and the order for the spawner.
    async fn prepare(self: &Arc<Self>, spec: &SandboxSpec, uid: u32) -> Result<CreateOrder> {
        let (inner, spec) = (Arc::clone(self), spec.clone());
        let privileged = nix::unistd::geteuid().is_root();
        blocking("making a sandbox's folder", move || {
            let folder = inner.folder.sandbox(&spec.id.0);
            let snapshot = spec.snapshot.map(|id| inner.folder.snapshot(id));
            // Without root no overlay can show a snapshot's files as the sandbox's own.
            let layered = snapshot.is_some() && privileged;
            folder.create(uid, layered)?;
            if let (Some(snapshot), false) = (&snapshot, layered) {
                snapshot::unpack(snapshot, &folder.workspace())?;
            }
            let egress = Policy::of(&spec.egress, &inner.config).is_some();
            Ok(CreateOrder {
                cgroups: inner.cgroups.create(&spec.id.0, &spec.limits)?,
                id: spec.id.0,
                uid,
                folder: folder.path().to_owned(),
                lower: snapshot.filter(|_| layered).map(|path| path.join("files")),
                limits: spec.limits,
                rlimits: inner.cgroups.fallback(),
                egress,
                python: inner.runtimes.python.clone(),
                env: exec::base_env(egress),
            })
        })
        .await
    }

    /// The spawner, another when the last has ended.
    async fn spawner(&self) -> Result<Arc<SpawnerLink>> {
        let mut spawner = self.spawner.lock().await;
        if spawner.is_gone() {
            tracing::error!("the sandbox spawner has ended and is started again");
            let (root, bases) = (self.folder.root(), self.cgroups.bases());
            *spawner = SpawnerLink::start(&self.config, root, bases, &self.lock).await?;
        }
        Ok(Arc::clone(&spawner))
    }

    async fn equip(
        &self,
        spec: &SandboxSpec,
        uid: u32,
        folder: SandboxFolder,
        socket: OwnedFd,
        ended: watch::Receiver<bool>,
    ) -> Result<LiveSandbox> {
        let (control, fds) = Control::open(socket).await?;
        let mut fds = fds.into_iter();
        let failed = |error: io::Error| internal("taking over a sandbox", &error);
        let root = fds.next().ok_or_else(|| failed(io::Error::other("it sent no root")))?;
        let files = Files::new(root, uid).map_err(failed)?;
        let egress = Policy::of(&spec.egress, &self.config)
            .map(|policy| egress::serve(fds.collect(), policy))
            .transpose()
            .map_err(failed)?;
        let layered = spec.snapshot.is_some() && nix::unistd::geteuid().is_root();
        let own = if layered { folder.upper() } else { folder.workspace() };
        let filled = self.filled.sample().map_err(failed)?;
        let quota = Quota::new(spec.limits.disk_bytes, vec![own, folder.tmp()], filled);
        Ok(LiveSandbox {
            id: spec.id.clone(),
            labels: spec.labels.clone(),
            limits: spec.limits,
            uid,
            control,
            files: Arc::new(files),
            quota,
            measuring: tokio::sync::Mutex::new(()),
            overruns: AtomicU64::new(0),
            phase: Mutex::new(Phase::Live),
            ended,
            egress,
            base: spec.snapshot,
        })
    }

    pub async fn destroy(self: &Arc<Self>, id: &SandboxId) -> Result<()> {
        let Some(slot) = self.slots.lock().get(id).cloned() else { return Ok(()) };
        let _gate = slot.gate.lock().await;
        // Another destroy may have been faster, or the create has failed.
        let Some(live) = slot.live.lock().clone() else { return Ok(()) };
        let phase = std::mem::replace(&mut *live.phase.lock(), Phase::Ending);
        // A process frozen by a version 1 cgroup does not die before it is thawed.
        if self.cgroups.freezer() && phase != Phase::Live {
            self.set_frozen(&live, false).await?;
        }
        let spawner = Arc::clone(&*self.spawner.lock().await);
        spawner.destroy(&id.0).await?;
        wait_for_end(live.ended.clone()).await?;
        self.remove_traces(id).await?;
        *slot.live.lock() = None;
        self.slots.lock().remove(id);
        self.uids.give_back(live.uid);
        if let Some(base) = live.base {
            self.give_back_base(base).await?;
        }
        Ok(())
    }

    /// Removes cgroups and folder of a sandbox that has no process.
    async fn remove_traces(self: &Arc<Self>, id: &SandboxId) -> Result<()> {
        let (inner, id) = (Arc::clone(self), id.0.clone());
        blocking("removing a sandbox", move || {
            inner.cgroups.remove(&id)?;
            inner.folder.sandbox(&id).remove()
        })
        .await
    }
}

async fn wait_for_end(mut ended: watch::Receiver<bool>) -> Result<()> {
    match timeout(END_TIME, ended.wait_for(|ended| *ended)).await {
        Ok(_) => Ok(()),
        Err(_) => Err(internal("ending a sandbox", &"its processes do not end")),
    }
}
