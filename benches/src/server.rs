//! The real binary, on a folder of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

pub const LIVE_KEY: &str = "th_live_bench_0123456789abcdefghijkl";
pub const TEST_KEY: &str = "th_test_bench_0123456789abcdefghijkl";

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    pub args: Vec<String>,
    pub env: Vec<(&'static str, String)>,
}

impl Setup {
    pub fn workers(mut self, slots: usize) -> Self {
        self.args.extend(["--workers".to_owned(), slots.to_string()]);
        self
    }

    /// With `models` in the place of a vendor's API.
    pub fn models(mut self, models: SocketAddr) -> Self {
        self.env.push(("ANTHROPIC_BASE_URL", format!("http://{models}")));
        self.env.push(("ANTHROPIC_API_KEY", "sk-bench".to_owned()));
        self
    }
}

pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// From the start of the process until it listened, ready.
    pub ready_after: Duration,
}

impl Server {
    pub async fn start(data_dir: &Path) -> anyhow::Result<Self> {
        Self::start_with(data_dir, &Setup::default()).await
    }

    pub async fn start_with(data_dir: &Path, setup: &Setup) -> anyhow::Result<Self> {
        let start = Instant::now();
        let mut child = Command::new(binary()?)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .args(&setup.args)
            .envs(setup.env.iter().map(|(name, value)| (name, value)))
            .env("THEAZO_BOOTSTRAP_LIVE_KEY", LIVE_KEY)
            .env("THEAZO_BOOTSTRAP_TEST_KEY", TEST_KEY)
            .env("THEAZO_LOG_LEVEL", "warn")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().context("the server has no stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = lines.next_line().await?.context("the server said nothing")?;
        let ready_after = start.elapsed();
        let said: serde_json::Value = serde_json::from_str(&line)?;
        let address = said["listening"].as_str().context("the server said no address")?.parse()?;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { child, address, ready_after })
    }

    /// Resident memory of the server and what it started, in KiB.
    pub fn resident_kib(&self) -> anyhow::Result<u64> {
        let root = self.child.id().context("the server has ended")?;
        let mut total = 0;
        for pid in family(root)? {
            let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"));
            // A process that ended meanwhile uses nothing.
            total += rollup.ok().and_then(|text| pss(&text)).unwrap_or(0);
        }
        Ok(total)
    }

    pub fn pid(&self) -> anyhow::Result<u32> {
        self.child.id().context("the server has ended")
    }

    /// Ends it as a power cut would.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().context("the server has ended")?;
        kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?;
        self.child.wait().await?;
        Ok(())
    }
}

/// Proportional set size in KiB: shared pages are divided among those who share them.
fn pss(smaps_rollup: &str) -> Option<u64> {
    let line = smaps_rollup.lines().find(|line| line.starts_with("Pss:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

pub fn family(root: u32) -> anyhow::Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let parent = after_name.split_whitespace().nth(1).and_then(|p| p.parse().ok());
        parents.push((pid, parent.unwrap_or(0)));
    }
    let mut family = vec![root];
    let mut at = 0;
    while at < family.len() {
        let parent = family[at];
        family.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    Ok(family)
}

/// Lets this process and those that it starts have as many open files as they may.
pub fn raise_open_files() -> anyhow::Result<u64> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    Ok(most)
}

/// The binary beside this program.
pub fn binary() -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let binary = here.with_file_name("theazo");
    anyhow::ensure!(binary.exists(), "build it first: cargo build --release --workspace");
    Ok(binary)
}
