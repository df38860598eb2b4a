//! One process of a server.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::{POLL, STOP};
use crate::leftovers;

/// A process over a data folder of its own, through all its starts and ends.
pub struct Process {
    /// `api`, or `all` when it is the only one.
    pub name: &'static str,
    /// What it does; nothing when it does everything.
    roles: Option<&'static str>,
    folder: PathBuf,
    child: Option<Child>,
}

impl Process {
    /// Its files are in `home`, and begin with its name.
    pub fn new(home: &Path, name: &'static str, roles: Option<&'static str>) -> Self {
        Self { name, roles, folder: home.join(name), child: None }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Starts it by `command`, which has all but what is its own, with these options of `serve`.
    pub fn start(&mut self, mut command: Command, options: &[String]) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        fs::create_dir_all(&self.folder).unwrap();
        let _ = fs::remove_file(self.stdout());
        let errors = File::options().create(true).append(true).open(self.stderr()).unwrap();
        command.current_dir(&self.folder).arg("--data-dir").arg(self.data());
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(options);
        if let Some(roles) = self.roles {
            command.args(["--roles", roles]);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(File::create(self.stdout()).unwrap())
            .stderr(errors)
            .spawn()
            .unwrap();
        leftovers::started(child.id());
        self.child = Some(child);
    }

    pub fn runs(&self) -> bool {
        self.child.is_some()
    }

    /// Where it listens, as soon as it does.
    pub fn listens_at(&self) -> Option<SocketAddr> {
        let printed = fs::read_to_string(self.stdout()).unwrap_or_default();
        printed.lines().find_map(|line| {
            let value: Value = serde_json::from_str(line).ok()?;
            value["listening"].as_str()?.parse().ok()
        })
    }

    fn stdout(&self) -> PathBuf {
        self.folder.join("stdout")
    }

    fn stderr(&self) -> PathBuf {
        self.folder.join("stderr")
    }

    /// What it has logged, over all its starts.
    pub fn log(&self) -> String {
        fs::read_to_string(self.stderr()).unwrap_or_default()
    }

    pub fn pid(&self) -> Pid {
        let id = self.child.as_ref().unwrap_or_else(|| panic!("{} does not run", self.name)).id();
        Pid::from_raw(i32::try_from(id).unwrap())
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Ends it at once, if it runs, as a power cut would, and everything of it that lives off it.
    pub fn kill9(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        child.kill().unwrap();
        child.wait().unwrap();
        leftovers::ended(child.id());
    }

    /// Whether it was started and runs no more, without taking note of it.
    pub fn is_gone(&self) -> bool {
        let Some(child) = &self.child else { return false };
        let state = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
        // After the name, which is in brackets.
        state.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with('Z'))
    }

    /// How it has ended, when it has and nobody has taken note yet.
    pub fn end(&mut self) -> Option<ExitStatus> {
        let child = self.child.as_mut()?;
        let status = child.try_wait().unwrap()?;
        leftovers::ended(child.id());
        self.child = None;
        Some(status)
    }

    /// Whether it has killed itself.
    pub fn has_died(&mut self) -> bool {
        let Some(status) = self.end() else { return false };
        let log = self.log();
        assert_eq!(status.signal(), Some(Signal::SIGKILL as i32), "{}", super::tail(&log));
        true
    }

    /// Waits until it has ended by itself; kills it when that takes too long.
    pub fn wait_for_end(&mut self) -> Option<ExitStatus> {
        let mut child = self.child.take()?;
        let deadline = Instant::now() + STOP;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                child.kill().unwrap();
                child.wait().unwrap();
                break ExitStatus::from_raw(Signal::SIGKILL as i32);
            }
            std::thread::sleep(POLL);
        };
        leftovers::ended(child.id());
        Some(status)
    }
}
