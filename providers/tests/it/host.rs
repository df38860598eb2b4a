//! A provider in a process of its own, to be killed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use theazo_domain::{AgentId, Mode, OrgId, Scope, SessionId, SnapshotId};
use theazo_providers::{Egress, Labels, Limits, SandboxId, SandboxSpec};
use uuid::Uuid;

use crate::support::{HOST, SPAWNER};

pub struct Host {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Host {
    pub fn start(folder: &Path) -> Self {
        let mut process = Command::new(HOST)
            .arg(folder)
            .arg(SPAWNER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut host = Self { process, orders, answers };
        assert_eq!(host.line(), "up");
        host
    }

    /// The next line it says.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Orders something without waiting for the answer.
    pub fn order(&mut self, command: &Value) {
        writeln!(self.orders, "{command}").unwrap();
    }

    pub fn ask(&mut self, command: &Value) -> String {
        self.order(command);
        self.line()
    }

    pub fn create(&mut self, sandbox: u64) {
        assert_eq!(self.ask(&json!({"Create": {"sandbox": sandbox}})), "created");
    }

    pub fn create_from(&mut self, sandbox: u64, snapshot: u64) {
        let create = json!({"sandbox": sandbox, "snapshot": snapshot});
        assert_eq!(self.ask(&json!({ "Create": create })), "created");
    }

    /// Runs bash that must end well, and answers what it printed, in one line.
    pub fn bash(&mut self, sandbox: u64, code: &str) -> String {
        let answer = self.ask(&json!({"Exec": {"sandbox": sandbox, "code": code}}));
        let printed = answer.strip_prefix('0').unwrap_or_else(|| panic!("{code}: {answer}"));
        printed.trim().to_owned()
    }

    pub fn pause(&mut self, sandbox: u64, snapshot: u64) {
        let pause = json!({"sandbox": sandbox, "snapshot": snapshot});
        assert_eq!(self.ask(&json!({ "Pause": pause })), "paused");
    }

    pub fn spawner(&self) -> Pid {
        let children = format!("/proc/{0}/task/{0}/children", self.process.id());
        let children = std::fs::read_to_string(children).unwrap();
        Pid::from_raw(children.split_whitespace().next().unwrap().parse().unwrap())
    }

    /// kill -9. The spawner lives on, as long as it needs to clean up.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// kill -9 of both, as a service manager does to all of a service.
    pub fn kill_with_spawner(self) {
        let spawner = self.spawner();
        kill(Pid::from_raw(self.process.id().cast_signed()), Signal::SIGSTOP).unwrap();
        kill(spawner, Signal::SIGKILL).unwrap();
        self.kill();
    }

    /// Ends well, as at SIGTERM.
    pub fn shut_down(mut self) {
        assert_eq!(self.ask(&json!("ShutDown")), "shut down");
        drop(self.orders);
        assert!(self.process.wait().unwrap().success());
    }
}

/// As `src/bin/host.rs` has it.
pub fn spec(number: u64) -> SandboxSpec {
    let agent = AgentId::from_uuid(Uuid::from_u128(number.into()));
    let scope = Scope { org: OrgId::from_uuid(Uuid::from_u128(1)), mode: Mode::Live };
    let session = SessionId::from_uuid(Uuid::from_u128(1));
    SandboxSpec {
        id: SandboxId::of(agent),
        labels: Labels { scope, session, agent },
        limits: Limits::default(),
        egress: Egress::Public,
        snapshot: None,
        browser: false,
    }
}

pub fn snapshot(number: u64) -> SnapshotId {
    SnapshotId::from_uuid(Uuid::from_u128(number.into()))
}
