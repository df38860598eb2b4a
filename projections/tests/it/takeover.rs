//! The process that projects is killed, or frozen and comes back as a zombie.

use std::path::Path;
use std::sync::Arc;

use nix::sys::signal::{Signal, raise};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use theazo_log::{EventLog, Position, SqliteLog, SqliteOptions};
use theazo_projections::ReadModels;

use crate::child::{Child, as_child, say};
use crate::history::{self, Things};
use crate::place::{Place, Store};
use crate::support::{PATIENCE, Running, World, options, replayed};
use crate::watched::Watched;

/// Where the child stands when it stops, in the middle of its log.
const MIDDLE: Position = Position(200);

/// The log as it is now, for another process: its file has one owner.
async fn copy(log: &Path, to: &Path) {
    let mut connection =
        SqliteConnection::connect(&format!("sqlite://{}", log.display())).await.unwrap();
    let sql = format!("VACUUM INTO '{}'", to.display());
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Projects the log at the path onto the database, and freezes in the middle; then says that it is
/// awake, and when it has heard what the others have done meanwhile.
async fn project_as_child(what: &str) {
    let words: Vec<&str> = what.split(' ').collect();
    let [url, path, head] = words[..] else { panic!("{what}") };
    let log = SqliteLog::open(SqliteOptions::new(path)).await.unwrap();
    let check = |after| {
        if after >= MIDDLE && after < Position(MIDDLE.0 + 20) {
            raise(Signal::SIGSTOP).unwrap();
            say("awake");
        }
        Ok(())
    };
    let log: Arc<dyn EventLog> = Arc::new(Watched { log, most: 20, check: Arc::new(check) });
    let reads = ReadModels::open_postgres(url, options()).await.unwrap();
    let running = Running::start(log, reads.clone());
    assert!(reads.wait_for(Position(head.parse().unwrap()), PATIENCE).await);
    say("heard");
    // Killed by the parent.
    running.task.await.unwrap();
}

/// A world whose database a child projects onto, and is frozen at it.
async fn frozen(test: &str) -> (World, Child) {
    let mut world = World::new(Store::Postgres).await;
    let (seed, mut things) = (history::seed(), Things::default());
    history::random(&mut world, &mut things, seed, 500).await;
    let path = world.folder.path().join("child.db");
    copy(&world.folder.path().join("log.db"), &path).await;
    assert!(world.head().await > Position(MIDDLE.0 + 50));
    history::random(&mut world, &mut things, seed + 1, 100).await;
    let Place::Database(database) = &world.place else { panic!("not on Postgres") };
    let what = format!("{} {} {}", database.url, path.display(), world.head().await);
    let child = Child::start(test, &what);
    child.is_frozen().await;
    (world, child)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_that_is_killed_is_followed_by_another() {
    if let Some(what) = as_child() {
        return project_as_child(&what).await;
    }
    let (world, child) =
        frozen("takeover::a_projector_that_is_killed_is_followed_by_another").await;
    let running = world.start();
    child.kill().await;
    assert!(world.reads.wait_for(world.head().await, PATIENCE).await);
    running.stop().await;
    assert_eq!(world.dump().await, replayed(&world, "").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_projector_that_comes_back_writes_nothing() {
    if let Some(what) = as_child() {
        return project_as_child(&what).await;
    }
    let (world, mut child) =
        frozen("takeover::a_frozen_projector_that_comes_back_writes_nothing").await;
    let running = world.start();
    assert!(world.reads.wait_for(world.head().await, PATIENCE).await);
    let before = world.dump().await;
    child.signal(Signal::SIGCONT);
    child.says("awake").await;
    child.says("heard").await;
    assert_eq!(world.dump().await, before);
    assert_eq!(before, replayed(&world, "").await);
    // Nor does it when it leads again, on its older log.
    running.stop().await;
    child.kill().await;
}
