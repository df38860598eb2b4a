//! A local provider on a folder of its own, and one sandbox in it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use theazo_providers::conformance::{Suite, request};
use theazo_providers::local::{LocalConfig, LocalProvider};
use theazo_providers::{ExecOutput, ExecRequest, Lang, Provider, Result, SandboxId, SandboxSpec};

pub const SPAWNER: &str = env!("CARGO_BIN_EXE_theazo-sandbox-spawner");
pub const HOST: &str = env!("CARGO_BIN_EXE_theazo-sandbox-host");

/// How long anything may take that is waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Local {
    pub provider: Arc<LocalProvider>,
    pub suite: Suite<LocalProvider>,
    pub folder: TempDir,
}

impl Local {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut LocalConfig)) -> Self {
        Self::start_on(tempfile::tempdir().unwrap(), change).await
    }

    /// On a folder that another server had.
    pub async fn start_on(folder: TempDir, change: impl FnOnce(&mut LocalConfig)) -> Self {
        let log = tracing_subscriber::fmt().with_test_writer();
        // Another test of this process may have been first.
        let _ = log.with_max_level(tracing_subscriber::filter::LevelFilter::INFO).try_init();
        let mut config = LocalConfig::new(folder.path(), vec![SPAWNER.into()]);
        change(&mut config);
        let provider = LocalProvider::start(config).await.unwrap();
        Self { suite: Suite::new(Arc::clone(&provider)), provider, folder }
    }

    /// Destroys what there is, and sees that nothing is left.
    pub async fn end(self) {
        for sandbox in self.provider.list().await.unwrap() {
            self.provider.destroy(&sandbox.id).await.unwrap();
        }
        self.provider.shut_down().await.unwrap();
        assert_eq!(leftovers(self.folder.path()), Vec::<String>::new());
    }

    /// The same, and no snapshot is left, whole or half.
    pub async fn end_without_snapshots(self) {
        let snapshots = self.folder.path().join("snapshots");
        let none = Vec::<PathBuf>::new();
        until("no snapshot is left", async || entries(&snapshots), |left| *left == none).await;
        self.end().await;
    }

    /// A provider with one sandbox that has these changes.
    pub async fn sandbox_with(change: impl FnOnce(&mut SandboxSpec)) -> One {
        let local = Self::start().await;
        let mut spec = local.suite.spec();
        change(&mut spec);
        local.provider.create(spec.clone()).await.unwrap();
        One { id: spec.id, local }
    }

    pub async fn sandbox() -> One {
        Self::sandbox_with(|_| {}).await
    }
}

/// One sandbox.
pub struct One {
    pub id: SandboxId,
    pub local: Local,
}

impl One {
    pub async fn exec(&self, lang: Lang, code: &str) -> ExecOutput {
        self.try_exec(request(lang, code)).await.unwrap()
    }

    pub async fn try_exec(&self, request: ExecRequest) -> Result<ExecOutput> {
        self.local.provider.exec(&self.id, request).await
    }

    pub async fn bash(&self, code: &str) -> ExecOutput {
        self.exec(Lang::Bash, code).await
    }

    /// Runs code that must end well, and answers what it printed.
    pub async fn prints(&self, lang: Lang, code: &str) -> String {
        let output = self.exec(lang, code).await;
        assert_eq!(output.exit_code, 0, "{code}: {}", text(&output));
        String::from_utf8(output.stdout.to_vec()).unwrap()
    }

    /// The sandbox works, whatever was done to it before.
    pub async fn works(&self) {
        assert_eq!(self.prints(Lang::Bash, "/bin/echo works").await, "works\n");
        assert_eq!(self.prints(Lang::Python, "print('works')").await, "works\n");
    }

    pub async fn end(self) {
        self.local.end().await;
    }
}

pub fn text(output: &ExecOutput) -> String {
    format!(
        "status {}\n{}\n{}",
        output.exit_code,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// What a provider on this folder has left on the machine: sandboxes' folders, and what
/// [`running`] finds.
pub fn leftovers(folder: &Path) -> Vec<String> {
    let folders = entries(&folder.join("sandboxes"));
    folders.iter().map(|p| p.display().to_string()).chain(running(folder)).collect()
}

fn entries(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// Mounts, cgroups and processes of a provider on this folder.
pub fn running(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let name = folder.display().to_string();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    found.extend(mounts.lines().filter(|line| line.contains(&name)).map(str::to_owned));
    for cgroup in cgroups(folder) {
        found.extend(
            entries(&cgroup).iter().filter(|p| p.is_dir()).map(|p| p.display().to_string()),
        );
    }
    for process in entries(Path::new("/proc")) {
        // The mounts of whoever lives in a sandbox's namespace name its folder.
        let mounts = std::fs::read_to_string(process.join("mountinfo")).unwrap_or_default();
        if mounts.contains(&name) {
            let command = std::fs::read_to_string(process.join("cmdline")).unwrap_or_default();
            found.push(format!("{} {command:?}", process.display()));
        }
    }
    found
}

/// The provider's cgroups that exist.
pub fn cgroups(folder: &Path) -> Vec<PathBuf> {
    use std::os::unix::fs::MetadataExt;
    let meta = folder.metadata().unwrap();
    let name = format!("theazo-{:x}-{:x}", meta.dev(), meta.ino());
    let found = Command::new("find").args(["/sys/fs/cgroup", "-name", &name]).output().unwrap();
    String::from_utf8(found.stdout).unwrap().lines().map(Into::into).collect()
}

/// Waits until something holds, and says what it was last when it never does.
pub async fn until<T: std::fmt::Debug>(
    what: &str,
    mut look: impl AsyncFnMut() -> T,
    holds: impl Fn(&T) -> bool,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = look().await;
        if holds(&seen) {
            return seen;
        }
        assert!(Instant::now() < deadline, "{what}; last seen: {seen:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
