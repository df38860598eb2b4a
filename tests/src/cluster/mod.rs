//! A cluster of several processes of each role, over stores of its own, for tests that break it.

mod link;
mod member;
mod postgres;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::leftovers::{self, Leftovers};
use crate::server::{MASTER_KEY, POLL, START, Stores, tail, text, theazo};
use crate::{Client, Process, Setup, random_key};

use link::Link;
pub use link::Way;
use member::Member;
use postgres::Postgres;

/// Each holds sandboxes and runs.
pub const WORKERS: [&str; 2] = ["worker-1", "worker-2"];
/// Projector and scheduler: one leads.
pub const CORES: [&str; 2] = ["core-1", "core-2"];
pub const APIS: [&str; 2] = ["api-1", "api-2"];

/// Two processes of each role. Each has a data folder of its own, and its own way to NATS.
pub struct Cluster {
    setup: Setup,
    // Each before what it lives off: they end in this order.
    members: Vec<Member>,
    stores: Stores,
    postgres: Postgres,
    home: TempDir,
    pub live_key: String,
    pub test_key: String,
    /// Processes that ended and were not asked to.
    broken: Vec<String>,
}

impl Cluster {
    pub async fn start(setup: Setup) -> Self {
        leftovers::adopt_orphans();
        let home = tempfile::Builder::new().prefix("theazo-it-").tempdir().unwrap();
        let postgres = Postgres::start();
        let stores = Stores::over(home.path(), postgres.url()).await;
        let mut members = Vec::new();
        let roles = [(CORES, "projector,scheduler"), (WORKERS, "worker"), (APIS, "api")];
        for (names, roles) in roles {
            for name in names {
                let process = Process::new(home.path(), name, Some(roles));
                members.push(Member::new(process, Link::to(stores.port()).await));
            }
        }
        let (live_key, test_key) = (random_key("live"), random_key("test"));
        let broken = Vec::new();
        let mut cluster =
            Self { setup, members, stores, postgres, home, live_key, test_key, broken };
        cluster.all_up().await;
        cluster
    }

    /// Starts what does not run, lets go on what stands still, mends what is cut, and waits until
    /// every process says that it is ready.
    pub async fn all_up(&mut self) {
        self.postgres.start_again();
        if !self.stores.nats_runs() {
            self.stores.start_nats();
        }
        for member in &mut self.members {
            member.is_wanted = true;
            member.turn(Way::Open);
            member.thaw();
        }
        let deadline = Instant::now() + START;
        for at in 0..self.members.len() {
            let mut last = "it does not listen".to_owned();
            loop {
                self.tend();
                let member = &self.members[at];
                let address = *member.address.lock().unwrap();
                if member.is_up {
                    last = match reqwest::get(format!("http://{address}/readyz")).await {
                        Ok(answer) if answer.status() == 200 => break,
                        Ok(answer) => answer.text().await.unwrap_or_default(),
                        Err(error) => error.to_string(),
                    };
                }
                let name = member.name();
                assert!(Instant::now() < deadline, "{name} is not ready: {last}");
                tokio::time::sleep(POLL).await;
            }
        }
    }

    /// What a supervisor does: starts again what has ended, and notes where the others listen.
    pub fn tend(&mut self) {
        for at in 0..self.members.len() {
            let member = &mut self.members[at];
            if let Some(status) = member.process.end() {
                // A start gives up where what it needs is not there.
                if member.is_up || !matches!(status.code(), Some(1)) {
                    self.broken.push(format!("{} ended with {status}", member.name()));
                }
                member.is_up = false;
            }
            if member.is_wanted && !member.process.runs() {
                let command = self.command(&self.members[at].link.port.to_string());
                let name = self.members[at].name();
                let options = ["--host-name".to_owned(), name.to_owned()];
                let options = if WORKERS.contains(&name) { &options[..] } else { &[] };
                self.members[at].process.start(command, options);
            }
            self.members[at].look();
        }
    }

    /// The `theazo` command with this cluster's settings and none of our own, over NATS at `port`.
    fn command(&self, port: &str) -> Command {
        let mut command = Command::new(theazo());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("THEAZO_") {
                command.env_remove(name);
            }
        }
        let [log, _, rest @ ..] = self.stores.flags();
        command.args([log, format!("nats://127.0.0.1:{port}")]).args(rest);
        command
            .env("THEAZO_MASTER_KEY", MASTER_KEY)
            .env("THEAZO_BOOTSTRAP_LIVE_KEY", &self.live_key)
            .env("THEAZO_BOOTSTRAP_TEST_KEY", &self.test_key)
            .envs(self.setup.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a `theazo` command to its end, against what the cluster shares.
    pub fn cli<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        let mut command = self.command(&self.stores.port().to_string());
        command.current_dir(self.home.path()).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let id = child.id();
        leftovers::started(id);
        let output = child.wait_with_output().unwrap();
        leftovers::ended(id);
        output
    }

    /// What a `theazo` command that succeeds prints.
    #[track_caller]
    pub fn cli_ok<const N: usize>(&self, args: [&str; N]) -> String {
        let output = self.cli(args);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "theazo {args:?}: {}\n{out}\n{err}", output.status);
        out
    }

    fn member(&mut self, name: &str) -> &mut Member {
        let found = self.members.iter_mut().find(|member| member.name() == name);
        found.unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// Ends it at once; it stays away until [`Self::revive`].
    pub fn kill9(&mut self, name: &str) {
        self.member(name).kill9();
    }

    /// Has it started again: [`Self::tend`] does so.
    pub fn revive(&mut self, name: &str) {
        self.member(name).is_wanted = true;
        self.tend();
    }

    pub fn freeze(&mut self, name: &str) {
        self.member(name).freeze();
    }

    pub fn thaw(&mut self, name: &str) {
        self.member(name).thaw();
    }

    /// What becomes of what it and NATS send each other.
    pub fn turn(&mut self, name: &str, way: Way) {
        self.member(name).turn(way);
    }

    pub fn kill_nats(&mut self) {
        self.stores.kill_nats();
    }

    pub fn start_nats(&mut self) {
        if !self.stores.nats_runs() {
            self.stores.start_nats();
        }
    }

    pub fn stop_postgres(&mut self) {
        self.postgres.stop_at_once();
    }

    pub fn start_postgres(&mut self) {
        self.postgres.start_again();
    }

    /// The longest time that nobody could hear of it.
    pub fn longest_away(&self) -> BTreeMap<&'static str, Duration> {
        self.members.iter().map(|member| (member.name(), member.longest_away)).collect()
    }

    /// The data folder of a worker.
    pub fn data(&self, name: &str) -> PathBuf {
        let found = self.members.iter().find(|member| member.name() == name);
        found.unwrap_or_else(|| panic!("there is no {name}")).process.data()
    }

    /// What a process has logged, over all its lives.
    pub fn log(&mut self, name: &str) -> String {
        self.member(name).process.log()
    }

    /// Asks any of the processes that have the API, and the next one the next time.
    pub fn anonymous(&self) -> Client {
        let apis = self.members.iter().filter(|member| APIS.contains(&member.name()));
        Client::of_several(apis.map(|member| member.address.clone()).collect(), None)
    }

    pub fn live(&self) -> Client {
        self.anonymous().with_key(Some(&self.live_key))
    }

    pub fn test(&self) -> Client {
        self.anonymous().with_key(Some(&self.test_key))
    }

    /// Fails when a process has ended that nobody ended.
    #[track_caller]
    pub fn must_be_unbroken(&self) {
        assert!(self.broken.is_empty(), "processes ended by themselves: {:#?}", self.broken);
    }

    /// Ends it as an operator does. It must end well and leave nothing.
    pub async fn stop(&mut self) {
        tokio::task::block_in_place(|| self.stop_now());
    }

    fn stop_now(&mut self) {
        // The API's first: what they have begun needs the others.
        for member in self.members.iter_mut().rev().filter(|member| member.process.runs()) {
            member.process.signal(Signal::SIGTERM);
        }
        for member in self.members.iter_mut().rev() {
            (member.is_wanted, member.is_up) = (false, false);
            if let Some(status) = member.process.wait_for_end() {
                let log = member.process.log();
                assert!(status.success(), "{} ended with {status}:\n{}", member.name(), tail(&log));
            }
        }
        for worker in WORKERS {
            self.must_leave_nothing(worker);
        }
    }

    fn must_leave_nothing(&self, worker: &str) {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let left = Leftovers::of(&self.data(worker));
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "left behind by {worker}: {left:#?}");
            std::thread::sleep(POLL);
        }
    }
}

/// As of a server: a test that passes must leave nothing; one that fails shows what was logged.
impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for member in &mut self.members {
                eprintln!(
                    "the log of `{}` ends with:\n{}",
                    member.name(),
                    tail(&member.process.log())
                );
                member.process.kill9();
            }
        } else if self.members.iter().any(|member| member.process.runs()) {
            self.stop_now();
        }
    }
}
