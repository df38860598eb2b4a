//! Postgres is stopped in the middle, and comes back.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use theazo_projections::{Page, ReadError, SessionFilter};
use tokio::process::Command;

use crate::history::{self, Things};
use crate::place::{Place, Store, TestDatabase};
use crate::support::{PATIENCE, Running, World, live, open, replayed};

/// A Postgres of its own, which may be stopped.
struct Server {
    folder: PathBuf,
    port: u16,
}

impl Server {
    async fn start() -> (Self, String) {
        let folder = tempfile::Builder::new().prefix("theazo-postgres-").tempdir_in("/tmp");
        let folder = folder.unwrap().keep();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { folder, port };
        let url = server.run(&["start"], &[&port.to_string(), "fast"]).await;
        (server, url)
    }

    async fn run(&self, before: &[&str], after: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/postgres");
        let mut command = Command::new(script);
        let output = command.args(before).arg(&self.folder).args(after).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    async fn stop(&self) {
        self.run(&["stop"], &["fast"]).await;
    }

    async fn start_again(&self) {
        self.run(&["start"], &[&self.port.to_string(), "fast"]).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/postgres");
        let stop = std::process::Command::new(script)
            .arg("stop")
            .arg(&self.folder)
            .arg("immediate")
            .stderr(std::process::Stdio::null())
            .status();
        stop.unwrap();
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

async fn until(holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it does not come about");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_and_the_projector_go_on_when_postgres_is_back() {
    let (server, url) = Server::start().await;
    let mut world = World::new(Store::Postgres).await;
    world.place = Place::Database(Arc::new(TestDatabase::on(url).await));
    world.reads = open(&world.place).await;
    let other = open(&world.place).await;
    let (seed, mut things) = (history::seed(), Things::default());
    let running = Running::start(world.log(), world.reads.clone());
    other.made(PATIENCE).await.unwrap();
    history::random(&mut world, &mut things, seed, 200).await;
    assert!(other.wait_for(world.head().await, PATIENCE).await);

    server.stop().await;
    history::random(&mut world, &mut things, seed + 1, 100).await;
    for reads in [&world.reads, &other] {
        let rows = reads.sessions(live(1), SessionFilter::default(), Page::first(9)).await;
        assert!(matches!(rows, Err(ReadError::Unavailable(_))), "{rows:?}");
        until(|| reads.trouble().is_some()).await;
    }
    server.start_again().await;
    for reads in [&world.reads, &other] {
        assert!(reads.wait_for(world.head().await, PATIENCE).await, "{:?}", reads.trouble());
        until(|| reads.trouble().is_none()).await;
        reads.sessions(live(1), SessionFilter::default(), Page::first(9)).await.unwrap();
    }
    running.stop().await;
    other.close().await;
    world.reads.close().await;
    assert_eq!(world.dump().await, replayed(&world, "").await);
    // Before its server is.
    world.place = Place::File(PathBuf::new());
}
