//! This binary as a process of its own, which can be killed and frozen.

use std::collections::HashSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::ChildStdout;

use crate::support::PATIENCE;

/// Tells a test that it is the child, and what it works on.
const CHILD: &str = "THEAZO_READS_TEST_CHILD";

/// What the child works on, when this process is one that [`Child::start`] started.
pub fn as_child() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// Says `what` to the process that started this one.
pub fn say(what: &str) {
    println!("\nchild: {what}");
}

pub struct Child {
    process: tokio::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: HashSet<String>,
}

impl Child {
    /// Starts this binary again to run the one test named `test` as a child on `what`.
    pub fn start(test: &str, what: &str) -> Self {
        let mut process = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(CHILD, what)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines, said: HashSet::new() }
    }

    /// Waits until it has said `what`, in whatever order.
    pub async fn says(&mut self, what: &str) {
        let said = async {
            while !self.said.contains(&format!("child: {what}")) {
                let line = self.lines.next_line().await.unwrap();
                let ended = || panic!("the child ended and did not say `{what}`");
                self.said.insert(line.unwrap_or_else(ended));
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, said).await;
        assert!(
            in_time.is_ok(),
            "the child does not say `{what}`; it is in state {}",
            self.state()
        );
    }

    /// `T` when it is frozen.
    fn state(&self) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        stat.rsplit(')').next().unwrap().trim_start().chars().next().unwrap()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.process.id().unwrap().try_into().unwrap())
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    pub async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    /// Waits until it does not run any more, and has not ended.
    pub async fn is_frozen(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.state() != 'T' {
            assert!(Instant::now() < deadline, "the child is not frozen");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
