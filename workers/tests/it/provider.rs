//! A provider that keeps sandboxes in memory, counts what is asked of it, and fails or waits when
//! told to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use theazo_domain::SnapshotId;
use theazo_providers::{
    Capabilities, Duplex, ExecOutput, ExecRequest, FileEntry, Health, Provider, ProviderError,
    Result, Sandbox, SandboxId, SandboxSpec, SnapshotData,
};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Semaphore, watch};

/// The port on which every sandbox says again what it hears.
pub const ECHO: u16 = 8080;

/// By their paths.
type Files = BTreeMap<String, Bytes>;

pub struct Scripted {
    pub sandboxes: Mutex<HashMap<SandboxId, SandboxSpec>>,
    files: Mutex<BTreeMap<(SandboxId, String), Bytes>>,
    /// Each with its files.
    pub snapshots: Mutex<BTreeMap<SnapshotId, Files>>,
    /// Exports stop in the middle and wait.
    pub hold_exports: AtomicBool,
    /// Sandboxes that stand still.
    pub paused: Mutex<BTreeSet<SandboxId>>,
    pub execs: AtomicUsize,
    /// The next creates fail with this.
    pub fail_create: Mutex<Option<ProviderError>>,
    /// Each exec of `wait` takes one of these.
    pub release: Semaphore,
    /// Execs that run now.
    pub running: watch::Sender<usize>,
    /// Told when a sandbox is destroyed: its execs end.
    destroyed: watch::Sender<usize>,
}

impl Scripted {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            sandboxes: Mutex::default(),
            files: Mutex::default(),
            snapshots: Mutex::default(),
            hold_exports: AtomicBool::new(false),
            paused: Mutex::default(),
            execs: AtomicUsize::new(0),
            fail_create: Mutex::default(),
            release: Semaphore::new(0),
            running: watch::Sender::new(0),
            destroyed: watch::Sender::new(0),
        })
    }

    fn must_have(&self, id: &SandboxId) -> Result<()> {
        match self.sandboxes.lock().contains_key(id) {
            true => Ok(()),
            false => Err(ProviderError::NoSandbox),
        }
    }
}

#[async_trait]
impl Provider for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn create(&self, spec: SandboxSpec) -> Result<()> {
        if let Some(error) = self.fail_create.lock().clone() {
            return Err(error);
        }
        let mut sandboxes = self.sandboxes.lock();
        if sandboxes.contains_key(&spec.id) {
            return Err(ProviderError::Conflict("it exists".to_owned()));
        }
        if let Some(snapshot) = spec.snapshot {
            let snapshots = self.snapshots.lock();
            let files = snapshots.get(&snapshot).ok_or(ProviderError::NoSnapshot)?;
            let own =
                files.iter().map(|(path, data)| ((spec.id.clone(), path.clone()), data.clone()));
            self.files.lock().extend(own);
        }
        sandboxes.insert(spec.id.clone(), spec);
        Ok(())
    }

    async fn adopt(&self, spec: SandboxSpec) -> Result<()> {
        self.must_have(&spec.id)
    }

    async fn exec(&self, id: &SandboxId, request: ExecRequest) -> Result<ExecOutput> {
        self.must_have(id)?;
        self.execs.fetch_add(1, Ordering::SeqCst);
        self.running.send_modify(|n| *n += 1);
        let mut destroyed = self.destroyed.subscribe();
        let ended = if request.code == "wait" {
            tokio::select! {
                permit = self.release.acquire() => { permit.unwrap().forget(); false }
                _ = destroyed.changed() => true,
            }
        } else {
            false
        };
        self.running.send_modify(|n| *n -= 1);
        match (ended, request.code.as_str()) {
            (true, _) => Err(ProviderError::Gone),
            (false, "hang") => Err(ProviderError::Timeout(request.timeout)),
            (false, code) => Ok(ExecOutput {
                stdout: Bytes::from(format!("ran {code}")),
                stderr: Bytes::new(),
                exit_code: 0,
                duration: Duration::from_millis(3),
                truncated: false,
            }),
        }
    }

    async fn read_file(&self, id: &SandboxId, path: &str, _: u64) -> Result<Bytes> {
        self.must_have(id)?;
        let file = self.files.lock().get(&(id.clone(), path.to_owned())).cloned();
        file.ok_or_else(|| ProviderError::NoFile(path.to_owned()))
    }

    async fn write_file(&self, id: &SandboxId, path: &str, data: Bytes) -> Result<()> {
        self.must_have(id)?;
        if path == "/workspace/full" {
            return Err(ProviderError::DiskFull);
        }
        self.files.lock().insert((id.clone(), path.to_owned()), data);
        Ok(())
    }

    async fn delete_file(&self, id: &SandboxId, path: &str) -> Result<()> {
        self.must_have(id)?;
        self.files.lock().remove(&(id.clone(), path.to_owned()));
        Ok(())
    }

    async fn list_files(&self, id: &SandboxId, _: &str) -> Result<Vec<FileEntry>> {
        self.must_have(id)?;
        let files = self.files.lock();
        let own = files.iter().filter(|((sandbox, _), _)| sandbox == id);
        let entry = |path: &str, data: &Bytes| FileEntry {
            name: path.trim_start_matches("/workspace/").to_owned(),
            size: data.len() as u64,
            is_directory: false,
        };
        Ok(own.map(|((_, path), data)| entry(path, data)).collect())
    }

    async fn connect(&self, _: &SandboxId, port: u16) -> Result<Box<dyn Duplex>> {
        if port != ECHO {
            return Err(ProviderError::NoListener(port));
        }
        let (ours, theirs) = tokio::io::duplex(16 << 10);
        tokio::spawn(async move {
            let (mut hears, mut says) = tokio::io::split(ours);
            tokio::io::copy(&mut hears, &mut says).await.unwrap();
            says.shutdown().await.unwrap();
        });
        Ok(Box::new(theirs))
    }

    async fn pause(&self, id: &SandboxId, snapshot: SnapshotId) -> Result<u64> {
        self.must_have(id)?;
        let files = self.files.lock();
        let own = files.iter().filter(|((sandbox, _), _)| sandbox == id);
        let own: Files = own.map(|((_, path), data)| (path.clone(), data.clone())).collect();
        self.snapshots.lock().entry(snapshot).or_insert(own);
        self.paused.lock().insert(id.clone());
        Ok(42)
    }

    async fn resume(&self, id: &SandboxId) -> Result<()> {
        self.must_have(id)?;
        self.paused.lock().remove(id);
        Ok(())
    }

    async fn destroy(&self, id: &SandboxId) -> Result<()> {
        self.sandboxes.lock().remove(id);
        self.files.lock().retain(|(sandbox, _), _| sandbox != id);
        self.paused.lock().remove(id);
        self.destroyed.send_modify(|n| *n += 1);
        Ok(())
    }

    async fn delete_snapshot(&self, snapshot: SnapshotId) -> Result<()> {
        self.snapshots.lock().remove(&snapshot);
        Ok(())
    }

    async fn has_snapshot(&self, snapshot: SnapshotId) -> Result<bool> {
        Ok(self.snapshots.lock().contains_key(&snapshot))
    }

    async fn list_snapshots(&self) -> Result<Vec<SnapshotId>> {
        Ok(self.snapshots.lock().keys().copied().collect())
    }

    async fn export_snapshot(&self, snapshot: SnapshotId) -> Result<SnapshotData> {
        let files = self.snapshots.lock().get(&snapshot).cloned();
        let files: BTreeMap<String, Vec<u8>> = files
            .ok_or(ProviderError::NoSnapshot)?
            .into_iter()
            .map(|(path, data)| (path, data.to_vec()))
            .collect();
        let bytes = Bytes::from(serde_json::to_vec(&files).unwrap());
        let middle = bytes.len() / 2;
        let halves = [bytes.slice(..middle), bytes.slice(middle..)].map(Ok);
        let data = stream::iter(halves);
        Ok(match self.hold_exports.load(Ordering::SeqCst) {
            true => data.take(1).chain(stream::pending()).boxed(),
            false => data.boxed(),
        })
    }

    async fn import_snapshot(
        &self,
        snapshot: SnapshotId,
        data: SnapshotData,
        _: u64,
    ) -> Result<()> {
        let bytes = data.try_collect::<Vec<Bytes>>().await?.concat();
        let files: BTreeMap<String, Vec<u8>> = serde_json::from_slice(&bytes)
            .map_err(|error| ProviderError::BadSnapshot(error.to_string()))?;
        let files = files.into_iter().map(|(path, data)| (path, data.into())).collect();
        self.snapshots.lock().entry(snapshot).or_insert(files);
        Ok(())
    }

    async fn list(&self) -> Result<Vec<Sandbox>> {
        let sandboxes = self.sandboxes.lock();
        let sandbox =
            |spec: &SandboxSpec| Sandbox { id: spec.id.clone(), labels: spec.labels.clone() };
        Ok(sandboxes.values().map(sandbox).collect())
    }

    async fn health(&self) -> Health {
        Health { healthy: true, message: String::new() }
    }
}
