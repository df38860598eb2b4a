//! A provider whose code runs on this machine, as it would in a sandbox: a process with the
//! sandbox's variables and nothing of the test's. Its files are the mock provider's, in memory.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::ExposeSecret;
use tempfile::TempDir;
use theazo_domain::SnapshotId;
use theazo_providers::{
    Capabilities, Duplex, ExecOutput, ExecRequest, FileEntry, Health, Lang, MockProvider, Provider,
    ProviderError, Result, Sandbox, SandboxId, SandboxSpec,
};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

pub struct Machine {
    files: MockProvider,
    variables: Vec<(&'static str, String)>,
    /// Where code runs.
    pub folder: TempDir,
}

impl Machine {
    pub fn new(variables: Vec<(&'static str, String)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { files: MockProvider::new(), variables, folder }
    }

    fn command(&self, request: &ExecRequest) -> Command {
        let mut command = match request.lang {
            Lang::Python => {
                let mut command = Command::new(python());
                command.arg("-");
                command
            }
            Lang::Bash => Command::new("/bin/bash"),
            Lang::Typescript => panic!("no test runs TypeScript here"),
        };
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LANG", "C.UTF-8");
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        for (name, value) in &request.env {
            command.env(name, value.expose_secret());
        }
        let pipe = Stdio::piped;
        command.stdin(pipe()).stdout(pipe()).stderr(pipe());
        command.current_dir(self.folder.path()).kill_on_drop(true);
        command
    }
}

/// The machine's own Python, as a sandbox sees it.
fn python() -> PathBuf {
    let places = ["/usr/local/bin/python3", "/usr/bin/python3"];
    places.iter().map(PathBuf::from).find(|p| p.exists()).expect("python3 must be installed")
}

#[async_trait]
impl Provider for Machine {
    fn name(&self) -> &'static str {
        "machine"
    }

    fn capabilities(&self) -> Capabilities {
        self.files.capabilities()
    }

    async fn create(&self, spec: SandboxSpec) -> Result<()> {
        self.files.create(spec).await
    }

    async fn adopt(&self, spec: SandboxSpec) -> Result<()> {
        self.files.adopt(spec).await
    }

    async fn exec(&self, id: &SandboxId, request: ExecRequest) -> Result<ExecOutput> {
        // A sandbox that is not there is the mock's to refuse.
        self.files.list_files(id, "/workspace").await?;
        let start = Instant::now();
        let mut child = self.command(&request).spawn().unwrap();
        let run = async {
            let mut stdin = child.stdin.take().unwrap();
            stdin.write_all(request.code.as_bytes()).await.unwrap();
            drop(stdin);
            child.wait_with_output().await.unwrap()
        };
        let Ok(output) = tokio::time::timeout(request.timeout, run).await else {
            return Err(ProviderError::Timeout(request.timeout));
        };
        let cut = |mut bytes: Vec<u8>| {
            let longer = bytes.len() > request.output_limit;
            bytes.truncate(request.output_limit);
            (Bytes::from(bytes), longer)
        };
        let (stdout, stdout_cut) = cut(output.stdout);
        let (stderr, stderr_cut) = cut(output.stderr);
        Ok(ExecOutput {
            stdout,
            stderr,
            exit_code: output.status.code().unwrap_or(137),
            duration: start.elapsed(),
            truncated: stdout_cut || stderr_cut,
        })
    }

    async fn read_file(&self, id: &SandboxId, path: &str, limit: u64) -> Result<Bytes> {
        self.files.read_file(id, path, limit).await
    }

    async fn write_file(&self, id: &SandboxId, path: &str, data: Bytes) -> Result<()> {
        // Whoever has read goes on after others that have: an edit that is not alone loses.
        tokio::task::yield_now().await;
        self.files.write_file(id, path, data).await
    }

    async fn delete_file(&self, id: &SandboxId, path: &str) -> Result<()> {
        self.files.delete_file(id, path).await
    }

    async fn list_files(&self, id: &SandboxId, path: &str) -> Result<Vec<FileEntry>> {
        self.files.list_files(id, path).await
    }

    async fn connect(&self, id: &SandboxId, port: u16) -> Result<Box<dyn Duplex>> {
        self.files.connect(id, port).await
    }

    async fn pause(&self, id: &SandboxId, snapshot: SnapshotId) -> Result<u64> {
        self.files.pause(id, snapshot).await
    }

    async fn resume(&self, id: &SandboxId) -> Result<()> {
        self.files.resume(id).await
    }

    async fn destroy(&self, id: &SandboxId) -> Result<()> {
        self.files.destroy(id).await
    }

    async fn delete_snapshot(&self, snapshot: SnapshotId) -> Result<()> {
        self.files.delete_snapshot(snapshot).await
    }

    async fn list(&self) -> Result<Vec<Sandbox>> {
        self.files.list().await
    }

    async fn health(&self) -> Health {
        self.files.health().await
    }
}
