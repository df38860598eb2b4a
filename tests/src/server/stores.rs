//! What a cluster shares: a NATS server, a database and a folder of blobs, of one test's own.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{POLL, START};
use crate::{leftovers, random_key};

/// The server that `scripts/test` starts for all tests.
const POSTGRES: &str = "THEAZO_TEST_POSTGRES";

pub struct Stores {
    home: PathBuf,
    nats: Option<Child>,
    port: u16,
    postgres: String,
    database: String,
}

impl Stores {
    pub async fn start(home: &Path) -> Self {
        let postgres = std::env::var(POSTGRES).unwrap_or_else(|_| {
            panic!("{POSTGRES} has no Postgres server's URL: scripts/test starts one")
        });
        Self::over(home, postgres).await
    }

    /// With a database of its own in this server.
    pub(crate) async fn over(home: &Path, postgres: String) -> Self {
        let database = random_key("test").to_lowercase();
        let mut admin = PgConnection::connect(&postgres).await.unwrap();
        let create = format!("CREATE DATABASE {database}");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut admin).await.unwrap();
        admin.close().await.unwrap();
        let home = home.join(&database);
        fs::create_dir_all(home.join("blobs")).unwrap();
        let mut stores = Self { home, nats: None, port: free_port(), postgres, database };
        stores.start_nats();
        stores
    }

    /// Starts the NATS server over what it has stored.
    pub fn start_nats(&mut self) {
        let log = File::options().create(true).append(true).open(self.home.join("nats.log"));
        let log = log.unwrap();
        let child = Command::new("nats-server")
            .args(["--jetstream", "--addr", "127.0.0.1", "--port", &self.port.to_string()])
            .arg("--store_dir")
            .arg(self.home.join("nats"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("nats-server cannot be started: scripts/test installs it");
        leftovers::started(child.id());
        self.nats = Some(child);
        let deadline = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "nats-server does not listen");
            std::thread::sleep(POLL);
        }
    }

    pub fn kill_nats(&mut self) {
        let Some(mut child) = self.nats.take() else { return };
        child.kill().unwrap();
        child.wait().unwrap();
        leftovers::ended(child.id());
    }

    pub fn log_url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub fn blobs_url(&self) -> String {
        format!("file://{}", self.home.join("blobs").display())
    }

    pub(crate) fn nats_runs(&self) -> bool {
        self.nats.is_some()
    }

    /// Where the NATS server listens, over all its lives.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub fn database_url(&self) -> String {
        let (server, _) = self.postgres.rsplit_once('/').unwrap();
        format!("{server}/{}", self.database)
    }

    /// The flags that make a process one of this cluster.
    pub fn flags(&self) -> [String; 6] {
        [
            "--log".to_owned(),
            self.log_url(),
            "--db".to_owned(),
            self.database_url(),
            "--blobs".to_owned(),
            self.blobs_url(),
        ]
    }
}

/// A port that was free a moment ago: a server that is started again needs the same one.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Drop for Stores {
    fn drop(&mut self) {
        self.kill_nats();
        // By the command line, for a drop cannot wait. What stays goes with the server's folder.
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database);
        let done = Command::new("psql")
            .args([self.postgres.as_str(), "-q", "-c", &drop])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if let Err(error) = done {
            eprintln!("the test's database stays: {error}");
        }
    }
}
