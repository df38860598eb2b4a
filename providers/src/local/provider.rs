//! The provider: which sandboxes there are, and the calls of the contract on them.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use theazo_domain::SnapshotId;
use tokio::sync::Notify;

use super::cgroup::{self, Cgroups};
use super::config::LocalConfig;
use super::disk::Filled;
use super::exec::{self, Runtimes};
use super::folder::Folder;
use super::making::Making;
use super::pause::{Base, bases_of};
use super::probe;
use super::record::Record;
use super::sandbox::LiveSandbox;
use super::slot::{Held, Slot};
use super::snapshot;
use super::spawner_link::SpawnerLink;
use super::tree;
use super::uids::Uids;
use super::watch;
use crate::archive;
use crate::contract::{
    Capabilities, Duplex, ExecOutput, ExecRequest, FileEntry, Health, Provider, ProviderError,
    Result, Sandbox, SandboxId, SandboxSpec, SnapshotData, TreeEntry,
};

/// How long a start waits for the spawner of a server that has just died to clean up.
const LOCK_TIME: Duration = Duration::from_secs(30);
const LOCK_POLL: Duration = Duration::from_millis(20);

/// Sandboxes on this machine; see the module's own documentation.
pub struct LocalProvider(Arc<Inner>);

pub(super) struct Inner {
    pub config: LocalConfig,
    pub folder: Folder,
    pub lock: OwnedFd,
    pub cgroups: Cgroups,
    pub runtimes: Runtimes,
    pub uids: Uids,
    pub filled: Filled,
    pub spawner: tokio::sync::Mutex<Arc<SpawnerLink>>,
    pub slots: Mutex<HashMap<SandboxId, Arc<Slot>>>,
    /// Snapshots that sandboxes lie on, and how many do; one that was deleted meanwhile goes last.
    pub bases: Mutex<HashMap<SnapshotId, Base>>,
    pub making: Making,
    /// Wakes the watch of the disk.
    pub changed: Arc<Notify>,
}

pub(super) fn internal(what: &'static str, error: &dyn std::fmt::Display) -> ProviderError {
    tracing::error!(%error, what, "the local provider failed");
    ProviderError::Failed { message: format!("the local provider failed: {what}"), retryable: true }
}

/// Runs what blocks on a thread where it may.
pub(super) async fn blocking<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(internal(what, &error)),
        Err(error) => Err(internal(what, &error)),
    }
}

/// Carries work to its end although the caller may go away.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) => Err(internal("a task", &error)),
    }
}

impl LocalProvider {
    /// Takes the data directory, ends what still runs of an earlier server, and starts a spawner.
    /// Snapshots and the files of whole sandboxes stay: see [`Provider::adopt`].
    /// [`ProviderError::Unsupported`] says what this machine lacks, [`ProviderError::Conflict`]
    /// that another server has the directory.
    pub async fn start(config: LocalConfig) -> Result<Arc<Self>> {
        let required = tokio::task::spawn_blocking(probe::probe).await;
        let required = required.map_err(|error| internal("looking at the machine", &error))?;
        if let Some(missing) = required.missing() {
            return Err(ProviderError::Unsupported(missing));
        }
        let data_dir = config.data_dir.clone();
        let (folder, lock) = blocking("opening the data directory", move || {
            let folder = Folder::open(&data_dir)?;
            let lock = wait_for_lock(&folder)?;
            Ok((folder, lock))
        })
        .await?;
        let lock = lock.ok_or_else(|| {
            ProviderError::Conflict("another server uses this data directory".into())
        })?;
        let swept = folder.clone();
        let (cgroups, left, bases) =
            blocking("looking at what an earlier server left", move || {
                let cgroups = Cgroups::detect(&swept.cgroup_name()?);
                cgroup::sweep(&cgroups.bases())?;
                let left = swept.sweep()?;
                let bases = bases_of(&swept, &left)?;
                Ok((cgroups, left, bases))
            })
            .await?;
        if !left.is_empty() {
            tracing::info!(count = left.len(), "found the sandboxes of an earlier server");
        }
        let spawner = SpawnerLink::start(&config, folder.root(), cgroups.bases(), &lock).await;
        let spawner = spawner.inspect_err(|_| cgroup::remove_bases(&cgroups.bases()))?;
        let filled = Filled::new(folder.root().to_owned());
        let changed = Arc::new(Notify::new());
        let inner = Arc::new(Inner {
            changed: Arc::clone(&changed),
            uids: Uids::new(config.uid_base, left.iter().map(|(_, record)| record.uid)),
            filled: filled.map_err(|error| internal("asking the file system", &error))?,
            config,
            folder,
            lock,
            cgroups,
            runtimes: Runtimes::find(),
            spawner: tokio::sync::Mutex::new(spawner),
            slots: Mutex::new(slots_of(left)),
            bases: Mutex::new(bases),
            making: Making::default(),
        });
        tokio::spawn(watch::disk(Arc::downgrade(&inner), changed));
        Ok(Arc::new(Self(inner)))
    }

    /// Ends every sandbox and waits until none of their processes, mounts and cgroups is left.
    /// Their files stay, for a later server to adopt.
    pub async fn shut_down(&self) -> Result<()> {
        let slots: Vec<Arc<Slot>> = self.0.slots.lock().values().cloned().collect();
        // What is being made, paused or destroyed comes to its end first.
        let _gates = futures::future::join_all(slots.iter().map(|slot| slot.gate.lock())).await;
        // Held to the end, so that no create starts another spawner beside the one that sweeps.
        let spawner = self.0.spawner.lock().await;
        Arc::clone(&spawner).shut_down().await
    }

    fn live(&self, id: &SandboxId) -> Result<Arc<LiveSandbox>> {
        let slot = self.0.slots.lock().get(id).cloned().ok_or(ProviderError::NoSandbox)?;
        slot.live().ok_or(ProviderError::NoSandbox)
    }

    async fn files<T: Send + 'static>(
        &self,
        id: &SandboxId,
        call: impl FnOnce(&Inner, &LiveSandbox) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let sandbox = self.live(id)?;
        let inner = Arc::clone(&self.0);
        match tokio::task::spawn_blocking(move || call(&inner, &sandbox)).await {
            Ok(done) => done,
            Err(error) => Err(internal("a file call", &error)),
        }
    }
}

impl Drop for LocalProvider {
    fn drop(&mut self) {
        // With its control socket closed the spawner ends every sandbox.
        if let Ok(spawner) = self.0.spawner.try_lock() {
            spawner.close();
        }
        self.0.changed.notify_one();
    }
}

fn slots_of(left: Vec<(SandboxId, Record)>) -> HashMap<SandboxId, Arc<Slot>> {
    let slot = |record| Arc::new(Slot::of(Held::Left(Arc::new(record))));
    left.into_iter().map(|(id, record)| (id, slot(record))).collect()
}

/// The lock, once whoever has it lets go; `None` when that takes too long.
fn wait_for_lock(folder: &Folder) -> io::Result<Option<OwnedFd>> {
    let deadline = Instant::now() + LOCK_TIME;
    loop {
        if let Some(lock) = folder.lock()? {
            return Ok(Some(lock));
        }
        if Instant::now() > deadline {
            return Ok(None);
        }
        std::thread::sleep(LOCK_POLL);
    }
}

#[async_trait]
impl Provider for LocalProvider {
    fn name(&self) -> &'static str {
        "local"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { ports: true, egress_rules: true, ..Capabilities::default() }
    }

    async fn create(&self, spec: SandboxSpec) -> Result<()> {
        let inner = Arc::clone(&self.0);
        to_its_end(async move { inner.create(spec).await }).await
    }

    async fn adopt(&self, spec: SandboxSpec) -> Result<()> {
        let inner = Arc::clone(&self.0);
        to_its_end(async move { inner.adopt(spec).await }).await
    }

    async fn exec(&self, id: &SandboxId, request: ExecRequest) -> Result<ExecOutput> {
        let sandbox = self.live(id)?;
        sandbox.must_run()?;
        let env = exec::base_env(sandbox.egress.is_some());
        let writable = self.0.disk_takes_execs(&sandbox).await?;
        let before = self.0.tally(&sandbox, writable);
        let runtimes = &self.0.runtimes;
        let mut outcome = exec::run(&sandbox.control, runtimes, &env, writable, &request).await?;
        // The next exec must know how things stand.
        self.0.check_disk(&sandbox, sandbox.measuring.lock().await).await;
        let notes = self.0.notes(&sandbox, &before, &outcome);
        watch::annotate(&mut outcome.output, &notes, request.output_limit);
        Ok(outcome.output)
    }

    async fn read_file(&self, id: &SandboxId, path: &str, limit: u64) -> Result<Bytes> {
        let path = path.to_owned();
        self.files(id, move |_, sandbox| sandbox.files.read(&path, limit)).await
    }

    async fn write_file(&self, id: &SandboxId, path: &str, data: Bytes) -> Result<()> {
        let path = path.to_owned();
        self.files(id, move |inner, sandbox| {
            let asked = |error| internal("measuring the disk", &error);
            let filled = inner.filled.sample().map_err(asked)?;
            if !sandbox.quota.has_room(data.len() as u64, filled).map_err(asked)? {
                return Err(ProviderError::DiskFull);
            }
            sandbox.files.write(&path, &data)
        })
        .await
    }

    async fn delete_file(&self, id: &SandboxId, path: &str) -> Result<()> {
        let path = path.to_owned();
        self.files(id, move |_, sandbox| sandbox.files.delete(&path)).await
    }

    async fn list_files(&self, id: &SandboxId, path: &str) -> Result<Vec<FileEntry>> {
        let path = path.to_owned();
        self.files(id, move |_, sandbox| sandbox.files.list(&path)).await
    }

    async fn list_tree(&self, id: &SandboxId, limit: usize) -> Result<Vec<TreeEntry>> {
        self.files(id, move |_, sandbox| {
            let workspace = snapshot::workspace_of(sandbox.files.root());
            let listed = workspace.and_then(|workspace| tree::list(workspace, limit));
            listed.map_err(|error| internal("listing a workspace", &error))
        })
        .await
    }

    async fn connect(&self, id: &SandboxId, port: u16) -> Result<Box<dyn Duplex>> {
        let sandbox = self.live(id)?;
        sandbox.must_run()?;
        Ok(Box::new(sandbox.control.connect(port).await?))
    }

    async fn pause(&self, id: &SandboxId, snapshot: SnapshotId) -> Result<u64> {
        let (inner, id) = (Arc::clone(&self.0), id.clone());
        to_its_end(async move { inner.pause(&id, snapshot).await }).await
    }

    async fn resume(&self, id: &SandboxId) -> Result<()> {
        let (inner, id) = (Arc::clone(&self.0), id.clone());
        to_its_end(async move { inner.resume(&id).await }).await
    }

    async fn destroy(&self, id: &SandboxId) -> Result<()> {
        let (inner, id) = (Arc::clone(&self.0), id.clone());
        to_its_end(async move { inner.destroy(&id).await }).await
    }

    async fn delete_snapshot(&self, snapshot: SnapshotId) -> Result<()> {
        let inner = Arc::clone(&self.0);
        to_its_end(async move { inner.delete_snapshot(snapshot).await }).await
    }

    async fn has_snapshot(&self, snapshot: SnapshotId) -> Result<bool> {
        self.0.has_snapshot(snapshot)
    }

    async fn list_snapshots(&self) -> Result<Vec<SnapshotId>> {
        let folder = self.0.folder.clone();
        blocking("listing the snapshots", move || folder.list_snapshots()).await
    }

    async fn export_snapshot(&self, snapshot: SnapshotId) -> Result<SnapshotData> {
        self.0.export_snapshot(snapshot)
    }

    async fn import_snapshot(
        &self,
        snapshot: SnapshotId,
        data: SnapshotData,
        limit: u64,
    ) -> Result<()> {
        let inner = Arc::clone(&self.0);
        let import = |feed| async move { inner.import_snapshot(snapshot, feed, limit).await };
        archive::receive(data, import).await
    }

    async fn list(&self) -> Result<Vec<Sandbox>> {
        let slots = self.0.slots.lock();
        let mut sandboxes: Vec<Sandbox> = slots
            .iter()
            .filter_map(|(id, slot)| {
                let labels = slot.record()?.labels.clone();
                Some(Sandbox { id: id.clone(), labels })
            })
            .collect();
        drop(slots);
        sandboxes.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(sandboxes)
    }

    async fn health(&self) -> Health {
        let gone = self.0.spawner.lock().await.is_gone();
        if gone {
            let message = "the sandbox spawner has ended; the next sandbox starts another".into();
            return Health { healthy: false, message };
        }
        match writable(self.0.folder.root()) {
            Ok(()) => Health { healthy: true, message: "ready".into() },
            Err(error) => {
                Health { healthy: false, message: format!("the data directory: {error}") }
            }
        }
    }
}

/// Whether the data directory can still take something.
fn writable(data_dir: &Path) -> io::Result<()> {
    let file = data_dir.join("health");
    std::fs::write(&file, b"ok")?;
    std::fs::remove_file(file)
}
