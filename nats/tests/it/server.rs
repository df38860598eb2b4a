//! A nats-server of a test's own.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Tells the tests of a second, newer nats-server.
const NEWER: &str = "THEAZO_TEST_NATS_SERVER_2";
const PATIENCE: Duration = Duration::from_secs(30);

/// The nats-server that the machine's packages have.
pub fn packaged() -> String {
    "nats-server".to_owned()
}

/// A newer one, which has what the packaged one lacks.
pub fn newer() -> String {
    std::env::var(NEWER).unwrap_or_else(|_| {
        panic!("{NEWER} does not say where a newer nats-server is: `scripts/test` installs one")
    })
}

/// A running server, with a store that outlives its process.
pub struct Server {
    program: String,
    port: u16,
    folder: tempfile::TempDir,
    /// More lines of its configuration.
    more: String,
    process: Mutex<Option<Child>>,
}

impl Server {
    pub fn start(program: String) -> Self {
        let server = Self::new(program, String::new());
        server.again();
        server
    }

    fn new(program: String, more: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { program, port: free_port(), folder, more, process: Mutex::default() }
    }

    /// Three servers that are one.
    pub fn cluster(program: String) -> Vec<Self> {
        let ports = [(); 3].map(|()| free_port());
        let routes = ports.map(|port| format!("\"nats://127.0.0.1:{port}\"")).join(", ");
        let servers: Vec<_> = ports
            .iter()
            .map(|port| {
                let more = format!(
                    "server_name: \"server-{port}\"\nhttp: \"127.0.0.1:{}\"\n\
                     cluster {{ name: test, listen: \"127.0.0.1:{port}\", routes: [{routes}] }}\n",
                    free_port()
                );
                Self::new(program.clone(), more)
            })
            .collect();
        servers.iter().for_each(Self::again);
        servers
    }

    /// Waits until a server of a cluster has caught up with the others.
    pub async fn healthy(&self) {
        let address = self.more.split("http: \"").nth(1).and_then(|rest| rest.split('"').next());
        let began = Instant::now();
        loop {
            if let Ok(mut stream) = tokio::net::TcpStream::connect(address.unwrap()).await {
                let question = b"GET /healthz HTTP/1.0\r\n\r\n";
                let mut answer = Vec::new();
                if stream.write_all(question).await.is_ok()
                    && stream.read_to_end(&mut answer).await.is_ok()
                    && String::from_utf8_lossy(&answer).contains(" 200 ")
                {
                    return;
                }
            }
            assert!(began.elapsed() < PATIENCE, "nats-server is not healthy");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// `kill -9`.
    pub fn kill(&self) {
        if let Some(mut process) = self.process.lock().take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts it again, on the same port and store.
    pub fn again(&self) {
        let config = self.folder.path().join("server.conf");
        let text = format!(
            "listen: \"127.0.0.1:{}\"\nmax_payload: 8MB\njetstream {{ store_dir: {:?} }}\n{}",
            self.port,
            self.folder.path().join("store"),
            self.more,
        );
        std::fs::write(&config, text).unwrap();
        let process = Command::new(&self.program)
            .arg("-c")
            .arg(&config)
            .arg("-l")
            .arg(self.folder.path().join("server.log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("`{}` cannot be started: {e}", self.program));
        *self.process.lock() = Some(process);
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "nats-server does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
