//! `theazo stream` in a terminal, while things happen to it and to the server.

use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use theazo_tests::model_server::{Gate, Reply, Script};
use theazo_tests::{Client, Runs, theazo};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::lines;

/// A command that runs, and what it has printed.
struct Terminal {
    child: Child,
    shown: String,
}

impl Terminal {
    fn start<const N: usize>(arguments: [&str; N]) -> Self {
        let mut command = Command::new(theazo());
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        Self { child: command.spawn().unwrap(), shown: String::new() }
    }

    /// Reads until this is shown.
    async fn shows(&mut self, text: &str) {
        while !self.shown.contains(text) {
            let more = self.read().await;
            assert!(more > 0, "it ended without `{text}`:\n{}", self.shown);
        }
    }

    async fn read(&mut self) -> usize {
        let mut bytes = [0; 4_096];
        let length = self.child.stdout.as_mut().unwrap().read(&mut bytes).await.unwrap();
        self.shown.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
        length
    }

    /// Its exit code, once it has shown all.
    async fn ends(&mut self) -> Option<i32> {
        while self.read().await > 0 {}
        self.child.wait().await.unwrap().code()
    }
}

/// An address that stays while the server behind it comes and goes.
async fn stable_address(client: &Client) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = client.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let client = client.clone();
            tokio::spawn(async move {
                // Nobody behind it: it hangs up, as a load balancer does.
                let Ok(mut far) = TcpStream::connect(client.address()).await else { return };
                tokio::io::copy_bidirectional(&mut near, &mut far).await.ok();
            });
        }
    });
    url
}

/// A run whose model has said half of its second turn.
async fn half_said(runs: &Runs, gate: &Gate) -> String {
    let script = Script::by_turn([
        Reply::call("report_progress", json!({ "progress": 0.5, "message": "half way" })),
        Reply::text("One half. The other.").chunked(2).gated_at(1, gate),
    ]);
    let task = runs.code("watch-1", script).await;
    gate.arrived().await;
    task.id
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_outlives_the_server() {
    let (mut runs, gate) = (Runs::start().await, Gate::new());
    let task = half_said(&runs, &gate).await;
    let (url, key) = (stable_address(&runs.client).await, runs.server.live_key.clone());
    let mut terminal = Terminal::start(["stream", &task, "--url", &url, "--key", &key]);
    terminal.shows("One half. ").await;
    runs.server.kill9();
    runs.server.start_again().await;
    gate.open();
    assert_eq!(terminal.ends().await, Some(0), "{}", terminal.shown);
    let shown = &terminal.shown;
    assert_eq!(shown.matches("half way").count(), 2, "the call and the report, once:\n{shown}");
    assert!(shown.contains("One half. The other.") && shown.contains("✓ done"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_leaves_no_key() {
    let (runs, gate) = (Runs::start().await, Gate::new());
    let task = half_said(&runs, &gate).await;
    let (url, data) = (format!("http://{}", runs.client.address()), runs.server.data());
    let data = data.to_str().unwrap();
    let mut terminal = Terminal::start(["stream", &task, "--url", &url, "--data-dir", data]);
    terminal.shows("One half. ").await;
    let pid = Pid::from_raw(terminal.child.id().unwrap().try_into().unwrap());
    kill(pid, Signal::SIGINT).unwrap();
    assert_eq!(terminal.ends().await, Some(130), "{}", terminal.shown);
    let keys = lines(&runs.server.cli_ok(["keys", "list"]));
    let own = keys.iter().find(|key| key["name"] == "stream").unwrap();
    assert!(!own["revokedAt"].is_null(), "{own}");
    gate.open();
}
