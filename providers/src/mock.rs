//! The provider of test keys: deterministic, without compute or network. Its sandboxes are in
//! memory, and also in a folder when they are to outlive the process ([`MockProvider::open`]).
//!
//! Files, snapshots, pausing and all refusals are real. Code is not run but read, line by line,
//! with these forms (blanks around them, a `;` at the end, and `#` or `//` comments are ignored):
//!
//! | language | line | effect |
//! | --- | --- | --- |
//! | bash | `echo WORDS`, the words plain or quoted | prints them |
//! | bash | `exit N` · `sleep N` · `true` · `false` | ends with N · waits · nothing · status 1 |
//! | bash | `cat PATH` | prints the file, or fails as `cat` does |
//! | python | `print(EXPR)` · `exit(N)`, `sys.exit(N)` · `time.sleep(N)` · `import …` | likewise |
//! | typescript | `console.log(EXPR)` · `process.exit(N)` · `import …` | likewise |
//!
//! An `EXPR` is a quoted text, or integers with `+ - * %` and brackets. Code with any other line is
//! not taken apart: all of it answers `mock: ran <language> (<n> bytes)`, status 0. A sleep past
//! the timeout answers [`ProviderError::Timeout`] once that has passed. Every port but 9 (discard)
//! answers HTTP with a page that names it.

mod code;
mod moving;
mod store;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use theazo_domain::SnapshotId;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use self::store::Store;
use self::tree::Tree;
use crate::archive::{self, ArchiveError, Feed};
use crate::contract::{
    Capabilities, Duplex, ExecOutput, ExecRequest, FileEntry, Health, Labels, Provider,
    ProviderError, Result, Sandbox, SandboxId, SandboxSpec, SnapshotData, TreeEntry,
};
use crate::paths::{below_workspace, check_id};

/// The port on which nothing listens.
const DISCARD: u16 = 9;

struct MockSandbox {
    labels: Labels,
    files: Tree,
    disk_bytes: u64,
    paused: Option<(SnapshotId, u64)>,
}

#[derive(Default)]
struct State {
    sandboxes: BTreeMap<SandboxId, MockSandbox>,
    snapshots: BTreeMap<SnapshotId, Tree>,
    /// What an earlier process held: to be adopted, or destroyed.
    left: BTreeMap<SandboxId, Labels>,
}

/// See the module's documentation.
#[derive(Default)]
pub struct MockProvider {
    state: Mutex<State>,
    /// Written under the lock of `state`, and first: it is never behind. Its calls are short enough
    /// for an async thread, since nothing is flushed.
    store: Option<Store>,
}

fn failed(error: io::Error) -> ProviderError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ProviderError::DiskFull,
        io::ErrorKind::InvalidFilename => ProviderError::BadPath("the path is too long".into()),
        _ => {
            tracing::error!(%error, "the mock provider's folder");
            ProviderError::failed("the mock provider's folder cannot be used")
        }
    }
}

/// Whoever wanted the export has gone.
fn gone(error: io::Error) -> Result<()> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(failed(error)),
    }
}

impl MockProvider {
    /// In memory: nothing outlives it.
    pub fn new() -> Self {
        Self::default()
    }

    /// On a folder, which it makes if it is missing and which it alone may use. Sandboxes and
    /// snapshots of an earlier process on it are there, as those of a real provider would be: see
    /// [`Provider::adopt`].
    pub fn open(folder: &Path) -> io::Result<Self> {
        let (store, left) = Store::open(folder)?;
        let state = State { left: left.into_iter().collect(), ..State::default() };
        Ok(Self { state: Mutex::new(state), store: Some(store) })
    }

    fn with<T>(
        &self,
        id: &SandboxId,
        call: impl FnOnce(&mut MockSandbox) -> Result<T>,
    ) -> Result<T> {
        call(self.state.lock().sandboxes.get_mut(id).ok_or(ProviderError::NoSandbox)?)
    }

    fn stored(&self, call: impl FnOnce(&Store) -> io::Result<()>) -> Result<()> {
        self.store.as_ref().map_or(Ok(()), |store| call(store).map_err(failed))
    }

    /// A snapshot's files; `None` when there is none.
    fn snapshot(&self, state: &mut State, id: SnapshotId) -> Result<Option<Tree>> {
        if let (None, Some(store)) = (state.snapshots.get(&id), &self.store)
            && let Some(tree) = store.load_snapshot(id).map_err(failed)?
        {
            state.snapshots.insert(id, tree);
        }
        Ok(state.snapshots.get(&id).cloned())
    }
}

fn running(sandbox: &MockSandbox) -> Result<()> {
    match sandbox.paused {
        Some(_) => Err(ProviderError::Conflict("the sandbox is paused".into())),
        None => Ok(()),
    }
}

#[async_trait]
impl Provider for MockProvider {
    fn name(&self) -> &'static str {
        "mock"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { browser: true, ports: true, egress_rules: true, ..Capabilities::default() }
    }

    async fn create(&self, spec: SandboxSpec) -> Result<()> {
        check_id(&spec.id)?;
        let mut state = self.state.lock();
        if state.sandboxes.contains_key(&spec.id) || state.left.contains_key(&spec.id) {
            return Err(ProviderError::Conflict("the sandbox exists already".into()));
        }
        let files = match spec.snapshot {
            None => Tree::default(),
            Some(id) => self.snapshot(&mut state, id)?.ok_or(ProviderError::NoSnapshot)?,
        };
        self.stored(|store| store.create(&spec.id, &spec.labels, spec.snapshot))?;
        let disk_bytes = spec.limits.disk_bytes;
        let sandbox = MockSandbox { labels: spec.labels, files, disk_bytes, paused: None };
        state.sandboxes.insert(spec.id, sandbox);
        Ok(())
    }

    async fn adopt(&self, spec: SandboxSpec) -> Result<()> {
        let mut state = self.state.lock();
        let live = state.sandboxes.get(&spec.id).map(|sandbox| &sandbox.labels);
        let left = state.left.get(&spec.id);
        if live.or(left).ok_or(ProviderError::NoSandbox)? != &spec.labels {
            return Err(ProviderError::Conflict("the sandbox belongs to another agent".into()));
        }
        if let (None, Some(store)) = (live, &self.store) {
            let files = store.load(&spec.id).map_err(failed)?;
            let disk_bytes = spec.limits.disk_bytes;
            let sandbox = MockSandbox { labels: spec.labels, files, disk_bytes, paused: None };
            state.left.remove(&spec.id);
            state.sandboxes.insert(spec.id, sandbox);
        }
        Ok(())
    }

    async fn exec(&self, id: &SandboxId, request: ExecRequest) -> Result<ExecOutput> {
        let read = self.with(id, |sandbox| {
            running(sandbox)?;
            Ok(code::read(request.lang, &request.code, &sandbox.files))
        })?;
        if read.sleep > request.timeout {
            tokio::time::sleep(request.timeout).await;
            return Err(ProviderError::Timeout(request.timeout));
        }
        tokio::time::sleep(read.sleep).await;
        // It may have been destroyed meanwhile.
        self.with(id, |_| Ok(())).map_err(|_| ProviderError::Gone)?;
        let cut = |text: String| {
            let mut bytes = text.into_bytes();
            let longer = bytes.len() > request.output_limit;
            bytes.truncate(request.output_limit);
            (Bytes::from(bytes), longer)
        };
        let (stdout, stdout_cut) = cut(read.stdout);
        let (stderr, stderr_cut) = cut(read.stderr);
        Ok(ExecOutput {
            stdout,
            stderr,
            exit_code: read.exit_code,
            // A figure that is the same each time: a millisecond, and what it slept.
            duration: Duration::from_millis(1) + read.sleep,
            truncated: stdout_cut || stderr_cut,
        })
    }

    async fn read_file(&self, id: &SandboxId, path: &str, limit: u64) -> Result<Bytes> {
        self.with(id, |sandbox| {
            let data = sandbox.files.read(path, &below_workspace(path)?)?;
            match data.len() as u64 {
                size if size > limit => Err(ProviderError::TooLarge { size, limit }),
                _ => Ok(data),
            }
        })
    }

    async fn write_file(&self, id: &SandboxId, path: &str, data: Bytes) -> Result<()> {
        self.with(id, |sandbox| {
            let parts = below_workspace(path)?;
            if parts.is_empty() || path.ends_with('/') {
                return Err(ProviderError::BadPath(format!("{path} is a directory")));
            }
            if sandbox.files.size() + data.len() as u64 > sandbox.disk_bytes {
                return Err(ProviderError::DiskFull);
            }
            sandbox.files.can_write(path, &parts)?;
            self.stored(|store| store.write(id, &parts, &data))?;
            sandbox.files.write(path, &parts, data)
        })
    }

    async fn delete_file(&self, id: &SandboxId, path: &str) -> Result<()> {
        self.with(id, |sandbox| {
            let parts = below_workspace(path)?;
            sandbox.files.can_delete(path, &parts)?;
            self.stored(|store| store.delete(id, &parts))?;
            sandbox.files.delete(path, &parts)
        })
    }

    async fn list_files(&self, id: &SandboxId, path: &str) -> Result<Vec<FileEntry>> {
        self.with(id, |sandbox| sandbox.files.list(path, &below_workspace(path)?))
    }

    async fn list_tree(&self, id: &SandboxId, limit: usize) -> Result<Vec<TreeEntry>> {
        self.with(id, |sandbox| {
            let mut files = Vec::new();
            sandbox.files.files("/workspace/", &mut files);
            files.truncate(limit);
            Ok(files)
        })
    }

    async fn connect(&self, id: &SandboxId, port: u16) -> Result<Box<dyn Duplex>> {
        self.with(id, |sandbox| running(sandbox))?;
        if port == DISCARD {
            return Err(ProviderError::NoListener(port));
        }
        let (ours, theirs) = tokio::io::duplex(16 << 10);
        tokio::spawn(answer(ours, port));
        Ok(Box::new(theirs))
    }

    async fn pause(&self, id: &SandboxId, snapshot: SnapshotId) -> Result<u64> {
        let mut state = self.state.lock();
        let sandbox = state.sandboxes.get(id).ok_or(ProviderError::NoSandbox)?;
        match sandbox.paused {
            Some((taken, size)) if taken == snapshot => return Ok(size),
            Some(_) => {
                return Err(ProviderError::Conflict("the sandbox is paused already".into()));
            }
            None => {}
        }
        let files = sandbox.files.clone();
        // Taken before, by a process that ended then.
        let taken = self.snapshot(&mut state, snapshot)?;
        let size = taken.as_ref().unwrap_or(&files).size();
        if taken.is_none() {
            self.stored(|store| store.take_snapshot(id, snapshot))?;
            state.snapshots.insert(snapshot, files);
        }
        if let Some(sandbox) = state.sandboxes.get_mut(id) {
            sandbox.paused = Some((snapshot, size));
        }
        Ok(size)
    }

    async fn resume(&self, id: &SandboxId) -> Result<()> {
        self.with(id, |sandbox| {
            sandbox.paused = None;
            Ok(())
        })
    }

    async fn destroy(&self, id: &SandboxId) -> Result<()> {
        let mut state = self.state.lock();
        if state.sandboxes.contains_key(id) || state.left.contains_key(id) {
            self.stored(|store| store.destroy(id))?;
            state.sandboxes.remove(id);
            state.left.remove(id);
        }
        Ok(())
    }

    async fn delete_snapshot(&self, snapshot: SnapshotId) -> Result<()> {
        let mut state = self.state.lock();
        self.stored(|store| store.delete_snapshot(snapshot))?;
        state.snapshots.remove(&snapshot);
        Ok(())
    }

    async fn has_snapshot(&self, snapshot: SnapshotId) -> Result<bool> {
        Ok(self.snapshot(&mut self.state.lock(), snapshot)?.is_some())
    }

    async fn list_snapshots(&self) -> Result<Vec<SnapshotId>> {
        let mut ids: BTreeSet<SnapshotId> = self.state.lock().snapshots.keys().copied().collect();
        if let Some(store) = &self.store {
            ids.extend(store.snapshots().map_err(failed)?);
        }
        Ok(ids.into_iter().collect())
    }

    async fn export_snapshot(&self, snapshot: SnapshotId) -> Result<SnapshotData> {
        let files = self.snapshot(&mut self.state.lock(), snapshot)?;
        let files = files.ok_or(ProviderError::NoSnapshot)?;
        let work = move |to: &mut archive::Outlet| moving::export(&files, to).or_else(gone);
        Ok(archive::send(work, async { Ok(()) }))
    }

    async fn import_snapshot(
        &self,
        snapshot: SnapshotId,
        data: SnapshotData,
        limit: u64,
    ) -> Result<()> {
        if self.has_snapshot(snapshot).await? {
            return Ok(());
        }
        let read = move |feed: Feed| async move {
            let work = move || feed.read(|from| moving::import(from, limit));
            match tokio::task::spawn_blocking(work).await {
                Ok(files) => files.map_err(ArchiveError::explain),
                Err(error) => Err(failed(io::Error::other(error))),
            }
        };
        let files = archive::receive(data, read).await?;
        let mut state = self.state.lock();
        // Another import may have been faster.
        if self.snapshot(&mut state, snapshot)?.is_none() {
            self.stored(|store| store.put_snapshot(snapshot, &files))?;
            state.snapshots.insert(snapshot, files);
        }
        Ok(())
    }

    async fn list(&self) -> Result<Vec<Sandbox>> {
        let state = self.state.lock();
        let live = state.sandboxes.iter().map(|(id, sandbox)| (id, &sandbox.labels));
        let all = live.chain(&state.left);
        let mut all: Vec<Sandbox> =
            all.map(|(id, labels)| Sandbox { id: id.clone(), labels: labels.clone() }).collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    async fn health(&self) -> Health {
        Health { healthy: true, message: "ready".into() }
    }
}

/// One request, one page.
async fn answer(mut stream: DuplexStream, port: u16) {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") && head.len() < 64 << 10 {
        match stream.read_buf(&mut head).await {
            Ok(length) if length > 0 => {}
            _ => return,
        }
    }
    let page = format!("mock: port {port}\n");
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{page}",
        page.len()
    );
    // Whoever asked may have gone.
    let _ = stream.write_all(answer.as_bytes()).await;
}
