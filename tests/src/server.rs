use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::client::Address;
use crate::leftovers::{self, Leftovers};
use crate::{Client, random_key};

/// From the start of the process to ready, in a debug build on a busy machine.
const START: Duration = Duration::from_secs(60);
/// A shutdown may take 30 s; the rest is for a busy machine.
const STOP: Duration = Duration::from_secs(40);
const POLL: Duration = Duration::from_millis(5);

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
        Server::with(self).await
    }
}

/// One server over one data folder, through all its starts and ends.
pub struct Server {
    setup: Setup,
    home: TempDir,
    process: Option<Child>,
    address: Address,
    pub live_key: String,
    pub test_key: String,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    async fn with(setup: Setup) -> Self {
        leftovers::adopt_orphans();
        let mut server = Self {
            setup,
            home: tempfile::Builder::new().prefix("theazo-it-").tempdir().unwrap(),
            process: None,
            address: Arc::new(Mutex::new(SocketAddr::from(([127, 0, 0, 1], 0)))),
            live_key: random_key("live"),
            test_key: random_key("test"),
        };
        server.start_again().await;
        server
    }

    /// Starts the server on its data folder, on another port.
    pub async fn start_again(&mut self) {
        assert!(self.try_start_again().await, "the server did not start:\n{}", self.log());
    }

    /// As [`Self::start_again`]; false when it has killed itself before it was ready.
    pub async fn try_start_again(&mut self) -> bool {
        self.spawn();
        let deadline = Instant::now() + START;
        let mut last = "it does not listen".to_owned();
        while !self.has_died() {
            if let Some(address) = self.listens_at() {
                *self.address.lock().unwrap() = address;
                last = match self.anonymous().get("/readyz").send().await {
                    Ok(answer) if answer.status == 200 => return true,
                    Ok(answer) => answer.brief(),
                    Err(error) => error.to_string(),
                };
            }
            assert!(Instant::now() < deadline, "it is not ready: {last}\n{}", self.log());
            tokio::time::sleep(POLL).await;
        }
        false
    }

    fn spawn(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let _ = fs::remove_file(self.stdout());
        let errors = File::options().create(true).append(true).open(self.stderr()).unwrap();
        let child = self
            .command()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(&self.setup.args)
            .env("THEAZO_BOOTSTRAP_LIVE_KEY", &self.live_key)
            .env("THEAZO_BOOTSTRAP_TEST_KEY", &self.test_key)
            .stdout(File::create(self.stdout()).unwrap())
            .stderr(errors)
            .spawn()
            .unwrap();
        leftovers::started(child.id());
        self.process = Some(child);
    }

    fn listens_at(&self) -> Option<SocketAddr> {
        let printed = fs::read_to_string(self.stdout()).unwrap_or_default();
        printed.lines().find_map(|line| {
            let value: Value = serde_json::from_str(line).ok()?;
            value["listening"].as_str()?.parse().ok()
        })
    }

    /// The `theazo` command over this server's data folder, with none of our own settings.
    fn command(&self) -> Command {
        let mut command = Command::new(theazo());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("THEAZO_") {
                command.env_remove(name);
            }
        }
        command.envs(self.setup.env.iter().map(|(k, v)| (k, v)));
        command.current_dir(self.home.path()).arg("--data-dir").arg(self.data());
        command.stdin(Stdio::null());
        command
    }

    /// Runs a `theazo` command to its end, over this data folder.
    pub fn cli<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        let mut command = self.command();
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let id = child.id();
        // Another test thread that looks for what is left over must not take it for that.
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

    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn stdout(&self) -> PathBuf {
        self.home.path().join("stdout")
    }

    fn stderr(&self) -> PathBuf {
        self.home.path().join("stderr")
    }

    /// What the server has logged, over all its starts.
    pub fn log(&self) -> String {
        fs::read_to_string(self.stderr()).unwrap_or_default()
    }

    pub fn pid(&self) -> Pid {
        let id = self.process.as_ref().expect("it does not run").id();
        Pid::from_raw(i32::try_from(id).unwrap())
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
        let mut process = self.process.take().expect("it does not run");
        process.kill().unwrap();
        process.wait().unwrap();
        leftovers::ended(process.id());
    }

    /// Sets a variable of the environment for the next start, or takes it away.
    pub fn set_env(&mut self, name: &str, value: Option<&str>) {
        self.setup.env.retain(|(other, _)| other != name);
        self.setup.env.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }

    /// Whether it has killed itself; then it can be started again.
    pub fn has_died(&mut self) -> bool {
        let process = self.process.as_mut().expect("it does not run");
        let Some(status) = process.try_wait().unwrap() else { return false };
        assert_eq!(status.signal(), Some(Signal::SIGKILL as i32), "{}", tail(&self.log()));
        leftovers::ended(process.id());
        self.process = None;
        true
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
        kill(self.pid(), Signal::SIGTERM).unwrap();
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        tokio::task::block_in_place(|| self.wait_for_end())
    }

    fn wait_for_end(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("it does not run");
        let deadline = Instant::now() + STOP;
        let status = loop {
            if let Some(status) = process.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                process.kill().unwrap();
                process.wait().unwrap();
                break ExitStatus::from_raw(Signal::SIGKILL as i32);
            }
            std::thread::sleep(POLL);
        };
        leftovers::ended(process.id());
        status
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
            eprintln!("the server's log ends with:\n{}", tail(&self.log()));
            if let Some(mut process) = self.process.take() {
                let _ = process.kill();
                let _ = process.wait();
            }
        } else if self.process.is_some() {
            self.stop_now();
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
