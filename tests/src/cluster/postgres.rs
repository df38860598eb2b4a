//! A Postgres server of one test's own, which can be stopped and started again.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::leftovers;

pub(crate) struct Postgres {
    folder: TempDir,
    port: u16,
    pid: Option<u32>,
}

impl Postgres {
    pub fn start() -> Self {
        // Not in the test's folder: the user that Postgres runs as may not get at that.
        let folder = tempfile::Builder::new().prefix("theazo-it-postgres-").tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut postgres = Self { folder, port: free.port(), pid: None };
        postgres.start_again();
        postgres
    }

    /// Over the data that it has, on the same port.
    pub fn start_again(&mut self) {
        if self.pid.is_some() {
            return;
        }
        let port = self.port.to_string();
        script(&["start", self.path(), &port, "fast"]);
        let pid = fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().parse().unwrap();
        leftovers::started(pid);
        self.pid = Some(pid);
    }

    /// As a crash would: nothing is written that is not, and everybody is cut off.
    pub fn stop_at_once(&mut self) {
        if let Some(pid) = self.pid.take() {
            script(&["stop", self.path(), "immediate"]);
            leftovers::ended(pid);
        }
    }

    pub fn url(&self) -> String {
        format!("postgres://theazo@127.0.0.1:{}/postgres", self.port)
    }

    fn path(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A second panic would hide the first.
        if !std::thread::panicking() {
            self.stop_at_once();
        } else if self.pid.is_some() {
            let stopped = Command::new(path()).args(["stop", self.path(), "immediate"]).status();
            eprintln!("the test's Postgres was stopped: {stopped:?}");
        }
    }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("scripts/postgres")
}

fn script(args: &[&str]) {
    let done = Command::new(path()).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "scripts/postgres {args:?}: {said}");
}
