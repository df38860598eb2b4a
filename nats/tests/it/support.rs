//! A log on a server of its own, and this binary as a process of its own.

use std::process::Stdio;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use theazo_log::EventLog;
use theazo_log::conformance::Subject;
use theazo_nats::{JetStreamLog, JetStreamOptions, Nats, NatsOptions};

use crate::server::{Server, packaged};

/// A log under test.
pub struct OnServer {
    pub server: Server,
    options: JetStreamOptions,
    /// Closing kills the server too.
    kills: bool,
    open: Mutex<Option<Arc<JetStreamLog>>>,
}

impl OnServer {
    pub fn new() -> Self {
        Self::with(packaged(), JetStreamOptions::default())
    }

    pub fn with(program: String, options: JetStreamOptions) -> Self {
        let server = Server::start(program);
        Self { server, options, kills: false, open: Mutex::default() }
    }

    /// Every append has to ask what its stream holds.
    pub fn cold(program: String) -> Self {
        Self::with(program, JetStreamOptions { ids: 0, direct: 4, ..JetStreamOptions::default() })
    }

    /// With buffers so small that none of them ever helps, on a server that is killed whenever the
    /// log is closed.
    pub fn tiny(program: String) -> Self {
        let options = JetStreamOptions {
            recent: 0,
            subscriber_buffer: 1,
            direct: 2,
            ..JetStreamOptions::default()
        };
        Self { kills: true, ..Self::with(program, options) }
    }

    pub fn options(&self) -> JetStreamOptions {
        self.options.clone()
    }

    /// What the server says of the log's stream.
    pub async fn stream_info(&self) -> serde_json::Value {
        let client = async_nats::connect(self.server.url()).await.unwrap();
        let name = format!("$JS.API.STREAM.INFO.{}", self.options.stream);
        let answer = client.request(name, "".into()).await.unwrap();
        serde_json::from_slice(&answer.payload).unwrap()
    }

    pub async fn jetstream(&self) -> Arc<JetStreamLog> {
        let log = open(&self.server.url(), self.options()).await;
        *self.open.lock() = Some(Arc::clone(&log));
        log
    }
}

/// A log on a connection of its own.
pub async fn open(url: &str, options: JetStreamOptions) -> Arc<JetStreamLog> {
    let nats = connect(url).await;
    JetStreamLog::open(&nats, options).await.unwrap()
}

pub async fn connect(url: &str) -> Nats {
    Nats::connect(NatsOptions::new(url)).await.unwrap()
}

#[async_trait]
impl Subject for OnServer {
    async fn open(&self) -> Arc<dyn EventLog> {
        self.jetstream().await
    }

    async fn close(&self) {
        let log = self.open.lock().take();
        if let Some(log) = log {
            log.close().await;
        }
        if self.kills {
            self.server.kill();
            self.server.again();
        }
    }
}

/// Tells a test that it is the child, and where the server is.
const CHILD: &str = "THEAZO_NATS_TEST_CHILD";

/// The server's URL, when this process is a child that [`child`] started.
pub fn as_child() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// Starts this binary again to run the one test named `test` as a child on the server at `url`.
pub fn child(test: &str, url: &str) -> tokio::process::Child {
    tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
