mod process;
mod stores;

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::client::Address;
use crate::leftovers::{self, Leftovers};
use crate::{Client, random_key};

pub use process::Process;
pub use stores::Stores;

/// From the start of the process to ready, in a debug build on a busy machine.
pub(crate) const START: Duration = Duration::from_secs(60);
/// A shutdown may take 30 s; the rest is for a busy machine.
const STOP: Duration = Duration::from_secs(40);
pub(crate) const POLL: Duration = Duration::from_millis(5);

/// The server's binary: `THEAZO_BIN`, or the one beside this test's own.
pub fn theazo() -> PathBuf {
    let beside = || {
        let own = std::env::current_exe().unwrap();
        own.parent().and_then(Path::parent).unwrap().join("theazo")
    };
    let path = std::env::var_os("THEAZO_BIN").map_or_else(beside, PathBuf::from);
    assert!(path.exists(), "{} is not there: run `cargo build` first", path.display());
    path
}

/// A usage record, as far as tests need it.
#[derive(Debug, Clone)]
pub struct UsageRecord {
    pub id: String,
    /// Empty where its event does not name it.
    pub session: String,
    /// Picodollars.
    pub cost: i128,
}

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
}

impl Setup {
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub async fn start(self) -> Server {
        Server::with(self, on_cluster()).await
    }

    /// One process over a data folder, whatever these tests are about.
    pub async fn start_embedded(self) -> Server {
        Server::with(self, false).await
    }
}

/// The way to run that these tests are about: `cluster`, else embedded.
const ON: &str = "THEAZO_TEST_ON";
/// Any key is as good: 32 bytes.
pub(crate) const MASTER_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// Whether this run of the tests is about a cluster.
pub fn on_cluster() -> bool {
    match std::env::var(ON).as_deref() {
        Ok("cluster") => true,
        Ok("embedded") | Err(_) => false,
        Ok(other) => panic!("{ON} is `{other}`: it is `cluster` or `embedded`"),
    }
}

/// One server, through all its starts and ends: a process over a data folder, or several over what
/// they share. Tests do not see the difference.
pub struct Server {
    setup: Setup,
    home: TempDir,
    /// The one that has the API is the last.
    processes: Vec<Process>,
    stores: Option<Stores>,
    address: Address,
    pub live_key: String,
    pub test_key: String,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(Setup::default(), on_cluster()).await
    }

    async fn with(setup: Setup, clustered: bool) -> Self {
        leftovers::adopt_orphans();
        let home = tempfile::Builder::new().prefix("theazo-it-").tempdir().unwrap();
        let (stores, roles) = match clustered {
            false => (None, vec![("all", None)]),
            true => {
                let core = ("core", Some("projector,scheduler"));
                let all = vec![core, ("worker", Some("worker")), ("api", Some("api"))];
                (Some(Stores::start(home.path()).await), all)
            }
        };
        let process = |(name, roles)| Process::new(home.path(), name, roles);
        let mut server = Self {
            setup,
            processes: roles.into_iter().map(process).collect(),
            stores,
            home,
            address: Arc::new(Mutex::new(SocketAddr::from(([127, 0, 0, 1], 0)))),
            live_key: random_key("live"),
            test_key: random_key("test"),
        };
        server.start_again().await;
        server
    }

    /// Starts what does not run of the server, on its data, on other ports.
    pub async fn start_again(&mut self) {
        assert!(self.try_start_again().await, "the server did not start:\n{}", self.log());
    }

    /// As [`Self::start_again`]; false when it has killed itself before it was ready.
    pub async fn try_start_again(&mut self) -> bool {
        self.spawn();
        let deadline = Instant::now() + START;
        for at in 0..self.processes.len() {
            let mut last = "it does not listen".to_owned();
            loop {
                if self.has_died() {
                    return false;
                }
                if let Some(address) = self.processes[at].listens_at() {
                    // The API's is the last, and tests may be calling it already.
                    if at + 1 == self.processes.len() {
                        *self.address.lock().unwrap() = address;
                    }
                    last = match reqwest::get(format!("http://{address}/readyz")).await {
                        Ok(answer) if answer.status() == 200 => break,
                        Ok(answer) => answer.text().await.unwrap_or_default(),
                        Err(error) => error.to_string(),
                    };
                }
                let name = self.processes[at].name;
                assert!(Instant::now() < deadline, "{name} is not ready: {last}\n{}", self.log());
                tokio::time::sleep(POLL).await;
            }
        }
        true
    }

    fn spawn(&mut self) {
        let commands: Vec<Command> = self.processes.iter().map(|_| self.command()).collect();
        for (process, mut command) in self.processes.iter_mut().zip(commands) {
            if !process.runs() {
                command
                    .env("THEAZO_BOOTSTRAP_LIVE_KEY", &self.live_key)
                    .env("THEAZO_BOOTSTRAP_TEST_KEY", &self.test_key);
                if matches!(process.name, "api" | "core") {
                    // Of several processes the worker is the one that crash tests are about.
                    command.env_remove("THEAZO_ABORT_AFTER_COMMITS");
                }
                process.start(command, &self.setup.args);
            }
        }
    }

    /// The `theazo` command with this server's settings and none of our own.
    fn command(&self) -> Command {
        let mut command = Command::new(theazo());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("THEAZO_") {
                command.env_remove(name);
            }
        }
        if let Some(stores) = &self.stores {
            command.args(stores.flags()).env("THEAZO_MASTER_KEY", MASTER_KEY);
            // A debug build on a busy machine is slow to say that it lives.
            command.env("THEAZO_HOST_LEASE", "20");
        }
        // What a test chooses goes before what the harness does.
        command.envs(self.setup.env.iter().map(|(k, v)| (k, v))).stdin(Stdio::null());
        command
    }

    /// Runs a `theazo` command to its end, over this data folder.
    pub fn cli<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        let child = self.cli_start(args);
        let id = child.id();
        let output = child.wait_with_output().unwrap();
        leftovers::ended(id);
        output
    }

    /// Runs a `theazo` command, and kills it after so long, if it has not ended by then; whether it
    /// had.
    pub fn cli_killed<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        after: Duration,
    ) -> bool {
        let mut child = self.cli_start(args);
        std::thread::sleep(after);
        let over = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        leftovers::ended(child.id());
        over
    }

    fn cli_start<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Child {
        let mut command = self.command();
        command.current_dir(self.home.path()).arg("--data-dir").arg(self.api().data());
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        // Another test thread that looks for what is left over must not take it for that.
        leftovers::started(child.id());
        child
    }

    /// Stores of a cluster that nothing is in, beside this server.
    pub async fn new_stores(&self) -> Stores {
        Stores::start(self.home.path()).await
    }

    /// Makes a cluster of an embedded server that does not run and whose data is in `stores`: its
    /// folder is that of the worker host. The master key is as the folder has it.
    pub fn is_moved_to(&mut self, stores: Stores) {
        let key = std::fs::read_to_string(self.data().join("master.key")).unwrap();
        self.set_env("THEAZO_MASTER_KEY", Some(&key));
        let roles = [("all", "projector,scheduler,worker"), ("api", "api")];
        let process = |(name, roles)| Process::new(self.home.path(), name, Some(roles));
        self.processes = roles.map(process).into();
        self.stores = Some(stores);
    }

    /// What a `theazo` command that succeeds prints.
    #[track_caller]
    pub fn cli_ok<const N: usize>(&self, args: [&str; N]) -> String {
        let output = self.cli(args);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "theazo {args:?}: {}\n{out}\n{err}", output.status);
        out
    }

    /// All usage records that the log has, in its order.
    pub fn usage_records(&self) -> Vec<UsageRecord> {
        let printed = self.cli_ok(["log", "read", "--limit", "1000000"]);
        let commits = printed.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
        let events = commits.flat_map(|commit| commit["events"].as_array().unwrap().clone());
        let record = |event: Value| {
            let (data, usage) = (&event["data"], &event["data"]["usage"]);
            usage["cost"].is_string().then(|| UsageRecord {
                id: usage["id"].as_str().unwrap().to_owned(),
                session: data["sessionId"].as_str().unwrap_or_default().to_owned(),
                cost: usage["cost"].as_str().unwrap().parse().unwrap(),
            })
        };
        events.filter_map(record).collect()
    }

    fn api(&self) -> &Process {
        self.processes.last().unwrap()
    }

    /// The folder that has the sandboxes, and when it is embedded everything else too.
    pub fn data(&self) -> PathBuf {
        let holds = |process: &&Process| matches!(process.name, "worker" | "all");
        self.processes.iter().find(holds).unwrap().data()
    }

    /// What the server has logged, over all its starts.
    pub fn log(&self) -> String {
        self.processes.iter().map(Process::log).collect::<Vec<_>>().join("\n")
    }

    /// Of the process that answers.
    pub fn pid(&self) -> Pid {
        self.api().pid()
    }

    /// Its processes, the one that answers last.
    pub fn processes(&mut self) -> &mut [Process] {
        &mut self.processes
    }

    /// What its processes share, when they are several.
    pub fn stores(&mut self) -> Option<&mut Stores> {
        self.stores.as_mut()
    }

    /// Without a key.
    pub fn anonymous(&self) -> Client {
        Client::new(self.address.clone(), None)
    }

    pub fn live(&self) -> Client {
        Client::new(self.address.clone(), Some(&self.live_key))
    }

    pub fn test(&self) -> Client {
        Client::new(self.address.clone(), Some(&self.test_key))
    }

    /// With a key of a new org, made at the command line.
    pub fn other_org(&self, name: &str, plan: &str, mode: &str) -> Client {
        self.new_key(["--new-org", name, "--plan", plan, "--mode", mode])
    }

    /// With a new key, made at the command line with these options.
    pub fn new_key<const N: usize>(&self, options: [&str; N]) -> Client {
        let output = self.cli(["keys", "create"].into_iter().chain(options));
        let printed = text(&output.stdout);
        assert!(output.status.success(), "{printed}\n{}", text(&output.stderr));
        let made: Value = serde_json::from_str(&printed).expect(&printed);
        Client::new(self.address.clone(), made["key"].as_str())
    }

    /// Ends it at once, as a power cut would, and everything of it that lives off it.
    pub fn kill9(&mut self) {
        for process in &mut self.processes {
            process.kill9();
        }
    }

    /// Sets a variable of the environment for the next start, or takes it away.
    pub fn set_env(&mut self, name: &str, value: Option<&str>) {
        self.setup.env.retain(|(other, _)| other != name);
        self.setup.env.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }

    /// Whether it, or one of its processes, has killed itself; then it can be started again.
    pub fn has_died(&mut self) -> bool {
        // Each is asked: several may have.
        self.processes.iter_mut().map(Process::has_died).fold(false, |any, died| any | died)
    }

    /// Whether one of its processes has ended, without taking note of it.
    pub fn is_dying(&self) -> bool {
        self.processes.iter().any(Process::is_gone)
    }

    /// As [`Self::has_died`], after so long at most.
    pub fn has_died_within(&mut self, wait: Duration) -> bool {
        let deadline = Instant::now() + wait;
        loop {
            let died = self.has_died();
            if died || Instant::now() > deadline {
                return died;
            }
            std::thread::sleep(POLL);
        }
    }

    /// Asks it to end; [`Self::ended`] waits for that.
    pub fn terminate(&self) {
        for process in self.processes.iter().filter(|process| process.runs()) {
            process.signal(Signal::SIGTERM);
        }
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        tokio::task::block_in_place(|| self.wait_for_end())
    }

    /// How the worst of its processes ended.
    fn wait_for_end(&mut self) -> ExitStatus {
        let ends: Vec<ExitStatus> =
            self.processes.iter_mut().rev().filter_map(Process::wait_for_end).collect();
        ends.into_iter().find(|end| !end.success()).unwrap_or(ExitStatus::from_raw(0))
    }

    /// Ends it as an operator does. It must end well and leave nothing.
    pub async fn stop(&mut self) {
        tokio::task::block_in_place(|| self.stop_now());
    }

    fn stop_now(&mut self) {
        self.terminate();
        let status = self.wait_for_end();
        assert!(status.success(), "it ended with {status}:\n{}", tail(&self.log()));
        self.must_leave_nothing();
    }

    /// Fails when there is a process, mount or cgroup of this server although it does not run.
    pub fn must_leave_nothing(&self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let left = Leftovers::of(&self.data());
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "left behind: {left:#?}\n{}", tail(&self.log()));
            std::thread::sleep(POLL);
        }
    }
}

/// A test that passes must leave nothing; one that fails shows what the server logged.
impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for process in &mut self.processes {
                eprintln!("the log of `{}` ends with:\n{}", process.name, tail(&process.log()));
                process.kill9();
            }
        } else if self.processes.iter().any(Process::runs) {
            self.stop_now();
        }
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
