//! The compute contract that every provider keeps.
//!
//! A *sandbox* is one isolated machine of one agent. Its id is chosen by the caller, so that
//! `create` and `destroy` can be repeated after a crash: creating what exists is a
//! [`ProviderError::Conflict`], destroying what does not exist is a success.
//!
//! Paths are absolute and inside `/workspace`; an adapter resolves `..` and symlinks inside the
//! sandbox, and answers [`ProviderError::OutsideWorkspace`] for what leads out of it.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use theazo_domain::{AgentId, Scope, SessionId, SnapshotId};
use tokio::io::{AsyncRead, AsyncWrite};

pub type Result<T> = std::result::Result<T, ProviderError>;

/// A sandbox's name at its provider. Derived from the agent, so a create can be repeated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SandboxId(pub String);

impl SandboxId {
    pub fn of(agent: AgentId) -> Self {
        Self(agent.host_label())
    }
}

/// Whose a sandbox is. The sweeper destroys what no live agent owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Labels {
    pub scope: Scope,
    pub session: SessionId,
    pub agent: AgentId,
}

/// What one sandbox may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Thousandths of a core.
    pub cpu_millis: u32,
    pub memory_bytes: u64,
    /// Processes and threads.
    pub pids: u32,
    /// Bytes written under `/workspace` and `/tmp`.
    pub disk_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { cpu_millis: 1_000, memory_bytes: 512 << 20, pids: 128, disk_bytes: 1 << 30 }
    }
}

/// Which hosts a sandbox may reach. Loopback, private and metadata addresses never.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Egress {
    /// Any public host.
    Public,
    /// These domains: `github.com` means itself, `*.github.com` every name below it.
    Domains(Vec<String>),
    None,
}

#[derive(Debug, Clone)]
pub struct SandboxSpec {
    pub id: SandboxId,
    pub labels: Labels,
    pub limits: Limits,
    pub egress: Egress,
    /// Start from this snapshot's files instead of an empty `/workspace`.
    pub snapshot: Option<SnapshotId>,
    pub browser: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    Python,
    Typescript,
    Bash,
}

#[derive(Debug, Clone)]
pub struct ExecRequest {
    pub lang: Lang,
    pub code: String,
    /// Variables beside the sandbox's own (`PATH`, `HOME`, `LANG`, the proxy's).
    pub env: BTreeMap<String, SecretString>,
    /// Wall time; past it the whole process group is killed and the answer is
    /// [`ProviderError::Timeout`].
    pub timeout: Duration,
    /// How much of stdout and of stderr is kept, each, in bytes. What comes after is read and
    /// dropped, so that the program is not blocked.
    pub output_limit: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutput {
    pub stdout: Bytes,
    pub stderr: Bytes,
    /// The exit status; 128 + n when signal n ended it.
    pub exit_code: i32,
    pub duration: Duration,
    /// Whether stdout or stderr was longer than the limit.
    pub truncated: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileEntry {
    /// The last part of the path.
    pub name: String,
    /// Bytes; zero for a directory.
    pub size: u64,
    pub is_directory: bool,
}

/// A file anywhere below `/workspace`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeEntry {
    /// Absolute.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Changes whenever the file does: a time or a count of the provider's own.
    pub changed: i64,
}

/// A sandbox that a provider has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    pub id: SandboxId,
    pub labels: Labels,
}

/// What a provider can do beyond files and exec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    pub browser: bool,
    /// A snapshot holds the memory too, so that processes go on after a resume elsewhere.
    pub memory_snapshot: bool,
    pub ports: bool,
    pub egress_rules: bool,
    /// Snapshots are kept where every host finds them: none needs to be moved, and
    /// [`Provider::export_snapshot`] and [`Provider::import_snapshot`] are not there.
    pub shared_snapshots: bool,
}

/// A snapshot on its way to another host, in the provider's own format. Chunks have any size; only
/// what ended without an error is whole.
pub type SnapshotData = BoxStream<'static, Result<Bytes>>;

/// Whether a provider can take work now, and what is wrong when not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    pub healthy: bool,
    pub message: String,
}

/// A connection into a sandbox.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Why a provider did not do it. Messages are fit for AgentCo: no host path, no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ProviderError {
    #[error("the sandbox does not exist")]
    NoSandbox,
    #[error("the snapshot does not exist")]
    NoSnapshot,
    /// What is to be imported is damaged, cut short, too large, or not what a sandbox can have.
    #[error("the snapshot cannot be imported: {0}")]
    BadSnapshot(String),
    #[error("no file is at {0}")]
    NoFile(String),
    #[error("{0} leads out of /workspace")]
    OutsideWorkspace(String),
    /// The path is a directory where a file is wanted, or the other way round, and the like.
    #[error("{0}")]
    BadPath(String),
    /// The file is larger than the caller takes.
    #[error("the file has {size} bytes; at most {limit} can be read at once")]
    TooLarge { size: u64, limit: u64 },
    #[error("the sandbox's disk is full")]
    DiskFull,
    /// Nothing in the sandbox listens there.
    #[error("nothing listens on port {0} in the sandbox")]
    NoListener(u16),
    #[error("{0}")]
    Conflict(String),
    #[error("the code ran longer than {} s and was killed", .0.as_secs())]
    Timeout(Duration),
    /// The sandbox ended while this was under way.
    #[error("the sandbox ended before the work did")]
    Gone,
    /// This machine or this account cannot do it.
    #[error("{0}")]
    Unsupported(String),
    /// The provider failed; `retryable` when the same call may succeed.
    #[error("{message}")]
    Failed { message: String, retryable: bool },
}

impl ProviderError {
    pub fn failed(message: impl Into<String>) -> Self {
        ProviderError::Failed { message: message.into(), retryable: false }
    }
}

fn immovable(provider: &str) -> ProviderError {
    ProviderError::Unsupported(format!("the {provider} provider does not move snapshots"))
}

#[async_trait]
pub trait Provider: Send + Sync {
    /// `local`, `mock`, `e2b`, …
    fn name(&self) -> &'static str;

    fn capabilities(&self) -> Capabilities;

    /// Makes the sandbox; when this returns, `exec` works.
    async fn create(&self, spec: SandboxSpec) -> Result<()>;

    /// Makes a sandbox again over the files that it had when the process that held it ended: its
    /// processes are gone, its `/workspace` is as it was, `/tmp` is empty. When this returns,
    /// `exec` works. Until then a sandbox of before a restart is listed and can be destroyed, and
    /// every other call answers [`ProviderError::NoSandbox`].
    ///
    /// `spec.limits` and `spec.egress` hold from now on. What its files lie on is known to the
    /// provider: `spec.snapshot` is not looked at.
    ///
    /// A sandbox that is live here is a success and stays as it is. [`ProviderError::NoSandbox`]
    /// when nothing of it is left, or its create was not finished; [`ProviderError::Conflict`] when
    /// what is left has other labels. After any other error its files are still there, and the
    /// call can be repeated.
    async fn adopt(&self, spec: SandboxSpec) -> Result<()>;

    /// Runs code to its end. Dropping the future kills what runs.
    async fn exec(&self, id: &SandboxId, request: ExecRequest) -> Result<ExecOutput>;

    /// The whole file, if it has at most `limit` bytes.
    async fn read_file(&self, id: &SandboxId, path: &str, limit: u64) -> Result<Bytes>;

    /// Writes the whole file, at once or not at all; makes missing parent directories.
    async fn write_file(&self, id: &SandboxId, path: &str, data: Bytes) -> Result<()>;

    /// Deletes a file, or a directory with all in it. `/workspace` itself cannot be deleted.
    async fn delete_file(&self, id: &SandboxId, path: &str) -> Result<()>;

    /// The entries of a directory, by name.
    async fn list_files(&self, id: &SandboxId, path: &str) -> Result<Vec<FileEntry>>;

    /// Every file below `/workspace`, at most `limit` of them, in no order.
    async fn list_tree(&self, id: &SandboxId, limit: usize) -> Result<Vec<TreeEntry>> {
        let mut folders = vec!["/workspace".to_owned()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in self.list_files(id, &folder).await? {
                let path = format!("{folder}/{}", entry.name);
                if entry.is_directory {
                    folders.push(path);
                } else if files.len() < limit {
                    files.push(TreeEntry { path, size: entry.size, changed: 0 });
                }
            }
        }
        Ok(files)
    }

    /// A connection to what listens on `port` of the sandbox's loopback.
    async fn connect(&self, id: &SandboxId, port: u16) -> Result<Box<dyn Duplex>>;

    /// Stops every process where it is and keeps the files as `snapshot`; answers its size in
    /// bytes. Repeating it with the same snapshot id answers the same.
    async fn pause(&self, id: &SandboxId, snapshot: SnapshotId) -> Result<u64>;

    /// Lets a paused sandbox go on where it was.
    async fn resume(&self, id: &SandboxId) -> Result<()>;

    /// Ends every process and removes all the sandbox had, but not its snapshots. A sandbox that
    /// does not exist is a success.
    async fn destroy(&self, id: &SandboxId) -> Result<()>;

    /// Removes a snapshot; one that does not exist is a success.
    async fn delete_snapshot(&self, snapshot: SnapshotId) -> Result<()>;

    /// Whether a sandbox can start from this snapshot here and now.
    async fn has_snapshot(&self, _snapshot: SnapshotId) -> Result<bool> {
        Err(immovable(self.name()))
    }

    /// Every snapshot on this host.
    async fn list_snapshots(&self) -> Result<Vec<SnapshotId>> {
        Err(immovable(self.name()))
    }

    /// A snapshot's files, to be imported on another host. What is handed over ends as it began,
    /// also when the snapshot is deleted meanwhile. [`ProviderError::NoSnapshot`] when it is not
    /// on this host, [`ProviderError::Unsupported`] when its files cannot leave it.
    async fn export_snapshot(&self, _snapshot: SnapshotId) -> Result<SnapshotData> {
        Err(immovable(self.name()))
    }

    /// Makes a snapshot of what another host has exported. When this returns a sandbox can start
    /// from it, also after a restart; until then, and after an error or when the future is
    /// dropped, nothing of it is there. One that is there already is kept as it is, and `data` is
    /// not read.
    ///
    /// The data is taken for what a stranger sends. [`ProviderError::BadSnapshot`] when it is not
    /// what was exported, or holds more than a sandbox with a disk of `limit` bytes can; after an
    /// error of the stream itself, which is answered as it is, the call can be repeated.
    async fn import_snapshot(
        &self,
        _snapshot: SnapshotId,
        _data: SnapshotData,
        _limit: u64,
    ) -> Result<()> {
        Err(immovable(self.name()))
    }

    /// Every sandbox this provider has, also of before a restart.
    async fn list(&self) -> Result<Vec<Sandbox>>;

    async fn health(&self) -> Health;
}
