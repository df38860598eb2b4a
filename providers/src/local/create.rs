//! Making a sandbox.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::destroy::wait_for_end;
use super::disk::Quota;
use super::egress::{self, Policy};
use super::exec;
use super::files::Files;
use super::provider::{Inner, blocking, internal};
use super::record::Record;
use super::sandbox::{Control, LiveSandbox, Phase};
use super::slot::{Held, Slot};
use super::snapshot;
use super::spawner_link::SpawnerLink;
use super::wire::CreateOrder;
use crate::contract::{ProviderError, Result, SandboxSpec};
use crate::paths::check_id;

/// Whether this provider can make it.
pub fn check(spec: &SandboxSpec) -> Result<()> {
    check_id(&spec.id)?;
    match spec.browser {
        true => Err(ProviderError::Unsupported(
            "the local provider has no browser yet; use a provider that has".into(),
        )),
        false => Ok(()),
    }
}

impl Inner {
    pub async fn create(self: &Arc<Self>, spec: SandboxSpec) -> Result<()> {
        check(&spec)?;
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
        match self.make(&spec).await {
            Ok(live) => {
                self.settle_in(&slot, live);
                Ok(())
            }
            Err(error) => {
                self.slots.lock().remove(&spec.id);
                Err(error)
            }
        }
    }

    /// From here on the sandbox can be used.
    pub fn settle_in(&self, slot: &Slot, live: LiveSandbox) {
        if self.config.warm_python && self.runtimes.python.is_some() {
            live.control.warm_python();
        }
        slot.hold(Held::Live(Arc::new(live)));
        self.changed.notify_one();
    }

    /// Makes it, or leaves nothing of it.
    async fn make(self: &Arc<Self>, spec: &SandboxSpec) -> Result<LiveSandbox> {
        if let Some(snapshot) = spec.snapshot {
            self.take_base(snapshot)?;
        }
        let made = match self.uids.take() {
            Err(error) => Err(error),
            Ok(uid) => {
                // Without root no overlay can show a snapshot's files as the sandbox's own.
                let base = spec.snapshot.filter(|_| nix::unistd::geteuid().is_root());
                let record = Arc::new(Record { labels: spec.labels.clone(), uid, base });
                let made = self.make_as(spec, record).await;
                if made.is_err() {
                    self.uids.give_back(uid);
                }
                made
            }
        };
        let lies_on_it = made.as_ref().is_ok_and(|live| live.record.base.is_some());
        if let (Some(snapshot), false) = (spec.snapshot, lies_on_it)
            && let Err(error) = self.give_back_base(snapshot).await
        {
            // It was deleted meanwhile, and is half removed: the next start removes the rest.
            tracing::warn!(%error, "a snapshot that was deleted is still there");
        }
        made
    }

    async fn make_as(
        self: &Arc<Self>,
        spec: &SandboxSpec,
        record: Arc<Record>,
    ) -> Result<LiveSandbox> {
        let made = self.make_whole(spec, record).await;
        if made.is_err() {
            self.remove_traces(&spec.id).await?;
        }
        made
    }

    async fn make_whole(
        self: &Arc<Self>,
        spec: &SandboxSpec,
        record: Arc<Record>,
    ) -> Result<LiveSandbox> {
        let order = self.prepare(spec, Arc::clone(&record)).await?;
        let filled = self.filled.sample().map_err(|error| internal("the disk", &error))?;
        let folder = self.folder.sandbox(&spec.id.0);
        let folders = folder.written(record.base.is_some());
        let quota = Quota::new(spec.limits.disk_bytes, folders, filled);
        let live = self.bear(spec, record, quota, order).await?;
        match folder.commit_record() {
            Ok(()) => Ok(live),
            Err(error) => {
                self.end(&live, Phase::Live).await?;
                Err(internal("a sandbox's record", &error))
            }
        }
    }

    /// Folder and cgroups, and the order for the spawner.
    async fn prepare(
        self: &Arc<Self>,
        spec: &SandboxSpec,
        record: Arc<Record>,
    ) -> Result<CreateOrder> {
        let (inner, spec) = (Arc::clone(self), spec.clone());
        blocking("making a sandbox's folder", move || {
            let folder = inner.folder.sandbox(&spec.id.0);
            folder.create(record.uid, record.base.is_some())?;
            if let (Some(snapshot), None) = (spec.snapshot, record.base) {
                snapshot::unpack(&inner.folder.snapshot_files(snapshot), &folder.workspace())?;
            }
            folder.stage_record(&record)?;
            inner.order(&spec, &record)
        })
        .await
    }

    /// Makes the cgroups, and says what the spawner is to clone. Blocks.
    pub fn order(&self, spec: &SandboxSpec, record: &Record) -> io::Result<CreateOrder> {
        let egress = Policy::of(&spec.egress, &self.config).is_some();
        Ok(CreateOrder {
            cgroups: self.cgroups.create(&spec.id.0, &spec.limits)?,
            id: spec.id.0.clone(),
            uid: record.uid,
            folder: self.folder.sandbox(&spec.id.0).path().to_owned(),
            lower: record.base.map(|id| self.folder.snapshot_files(id)),
            limits: spec.limits,
            rlimits: self.cgroups.fallback(),
            egress,
            python: self.runtimes.python.clone(),
            env: exec::base_env(egress),
        })
    }

    /// Has it cloned, and takes it over.
    pub async fn bear(
        &self,
        spec: &SandboxSpec,
        record: Arc<Record>,
        quota: Arc<Quota>,
        order: CreateOrder,
    ) -> Result<LiveSandbox> {
        let spawner = self.spawner().await?;
        let (socket, ended) = spawner.create(order).await?;
        let equipped = self.equip(spec, record, quota, socket, ended.clone()).await;
        if equipped.is_err() {
            spawner.destroy(&spec.id.0).await?;
            wait_for_end(ended).await?;
        }
        equipped
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
        record: Arc<Record>,
        quota: Arc<Quota>,
        socket: OwnedFd,
        ended: watch::Receiver<bool>,
    ) -> Result<LiveSandbox> {
        let (control, fds) = Control::open(socket).await?;
        let mut fds = fds.into_iter();
        let failed = |error: io::Error| internal("taking over a sandbox", &error);
        let root = fds.next().ok_or_else(|| failed(io::Error::other("it sent no root")))?;
        let files = Files::new(root, record.uid).map_err(failed)?;
        let egress = Policy::of(&spec.egress, &self.config)
            .map(|policy| egress::serve(fds.collect(), policy))
            .transpose()
            .map_err(failed)?;
        Ok(LiveSandbox {
            id: spec.id.clone(),
            record,
            limits: spec.limits,
            control,
            files: Arc::new(files),
            quota,
            measuring: tokio::sync::Mutex::new(()),
            overruns: AtomicU64::new(0),
            phase: Mutex::new(Phase::Live),
            ended,
            egress,
        })
    }
}
