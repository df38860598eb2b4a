//! Several processes on one Postgres database: each has its own `ReadModels`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use theazo_domain::session::SessionEvent;
use theazo_domain::{SessionId, StreamId};
use theazo_log::Position;
use theazo_projections::{AgentFilter, Page, ReadModels, SessionFilter, rebuild};

use crate::history::{self, Things};
use crate::place::Store;
use crate::support::{PATIENCE, Running, World, live, open, replayed, uuid};

/// Ends the sessions of whoever leads, as seen from the server.
const DEPOSE: &str = "SELECT pg_terminate_backend(l.pid) FROM pg_locks l \
                      JOIN pg_stat_activity a ON a.pid = l.pid \
                      WHERE l.locktype = 'advisory' AND a.datname = current_database() \
                      AND a.state = 'idle'";

async fn epoch(world: &World) -> Vec<String> {
    let sql = "SELECT number::text FROM generations WHERE id = 2";
    world.place.texts(sql.to_owned()).await
}

async fn processes(world: &World, count: usize) -> Vec<ReadModels> {
    let mut processes = Vec::new();
    for _ in 0..count {
        processes.push(open(&world.place).await);
    }
    processes
}

#[tokio::test(flavor = "multi_thread")]
async fn every_process_knows_where_the_one_that_projects_is() {
    let mut world = World::new(Store::Postgres).await;
    let other = open(&world.place).await;
    // Nobody has made the tables.
    let unmade = other.sessions(live(1), SessionFilter::default(), Page::first(9)).await;
    assert!(unmade.unwrap_err().to_string().contains("not made yet"));
    let late = other.made(Duration::ZERO).await.unwrap_err().to_string();
    assert!(late.contains("role `projector`"), "{late}");

    let running = world.start();
    other.made(PATIENCE).await.unwrap();
    for n in 1..20 {
        world.session(live(1), "ann").await;
        // What one has read, the other finds.
        assert!(other.wait_for(world.head().await, PATIENCE).await);
        let rows = other.sessions(live(1), SessionFilter::default(), Page::first(99)).await;
        assert_eq!(rows.unwrap().len(), n);
    }
    assert_eq!((other.position(), other.lag().head), (world.head().await, world.head().await));

    // And what has stopped, and why.
    let stream = StreamId::session(live(1), SessionId::from_uuid(uuid(1)));
    world.append(stream, Position::START, vec![SessionEvent::Ended {}.into()]).await;
    world.session(live(2), "ben").await;
    assert!(other.wait_for(world.head().await, PATIENCE).await);
    let stopped = other.sessions(live(1), SessionFilter::default(), Page::first(9)).await;
    assert!(stopped.unwrap_err().to_string().contains("cannot fold"));
    let agents = other.agents(live(1), AgentFilter::default(), Page::first(9)).await;
    assert!(agents.unwrap().is_empty());
    let list = other.list(&*world.log).await.unwrap();
    assert_eq!(list.iter().filter(|status| status.error.is_some()).count(), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_once_make_the_tables_once() {
    let mut world = World::new(Store::Postgres).await;
    world.place.meddle("CREATE TABLE public.sessions AS SELECT 7 AS id").await;
    history::random(&mut world, &mut Things::default(), history::seed(), 200).await;
    let processes = processes(&world, 4).await;
    let running: Vec<_> =
        processes.iter().map(|reads| Running::start(world.log(), reads.clone())).collect();
    for reads in &processes {
        reads.made(PATIENCE).await.unwrap();
        assert!(reads.wait_for(world.head().await, PATIENCE).await, "{:?}", reads.trouble());
    }
    for running in running {
        running.stop().await;
    }
    assert_eq!(world.dump().await, replayed(&world, "").await);
    // Whatever else is in the database is left alone.
    world.place.meddle("DO $$ BEGIN ASSERT (SELECT id FROM public.sessions) = 7; END $$").await;
}

/// Who leads is deposed again and again, and projects for a moment beside the next one.
#[tokio::test(flavor = "multi_thread")]
async fn two_that_project_at_once_do_no_harm() {
    let mut world = World::new(Store::Postgres).await;
    let (seed, mut things) = (history::seed(), Things::default());
    let processes = processes(&world, 3).await;
    let running: Vec<_> =
        processes.iter().map(|reads| Running::start(world.log(), reads.clone())).collect();
    processes[0].made(PATIENCE).await.unwrap();
    for round in 0..6 {
        let before = epoch(&world).await;
        world.place.meddle(DEPOSE).await;
        // The next one begins while they come.
        history::random(&mut world, &mut things, seed + round, 100).await;
        let deadline = Instant::now() + PATIENCE;
        while epoch(&world).await == before {
            assert!(Instant::now() < deadline, "nobody takes over");
            tokio::time::sleep(Duration::from_millis(200)).await;
            world.place.meddle(DEPOSE).await;
        }
        let reads = &processes[usize::try_from(round).unwrap() % 3];
        assert!(reads.wait_for(world.head().await, PATIENCE).await, "{:?}", reads.trouble());
    }
    for running in running {
        running.stop().await;
    }
    assert_eq!(world.dump().await, replayed(&world, "").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_of_all_runs_beside_others_that_serve_and_project() {
    let mut world = World::new(Store::Postgres).await;
    let (seed, mut things) = (history::seed(), Things::default());
    history::random(&mut world, &mut things, seed, 300).await;
    let processes = processes(&world, 3).await;
    let running = Running::start(world.log(), processes[0].clone());
    let serving = &processes[1];
    serving.made(PATIENCE).await.unwrap();
    assert!(serving.wait_for(world.head().await, PATIENCE).await);

    let done = AtomicBool::new(false);
    let rebuilding = async {
        for names in [None, Some(&["org_chain", "audit"][..]), Some(&["sessions", "sessions"][..])]
        {
            rebuild(world.log.clone(), &processes[2], names, |_, _| {}).await.unwrap();
        }
        done.store(true, Ordering::Release);
    };
    let reading = async {
        let mut least = Position::START;
        while !done.load(Ordering::Acquire) {
            serving.sessions(live(1), SessionFilter::default(), Page::first(100)).await.unwrap();
            serving.key_by_digest("none").await.unwrap();
            assert!(serving.position() >= least, "a reader went back");
            least = serving.position();
        }
    };
    tokio::join!(rebuilding, reading);
    history::random(&mut world, &mut things, seed + 1, 60).await;
    assert!(serving.wait_for(world.head().await, PATIENCE).await, "{:?}", processes[0].trouble());
    running.stop().await;
    assert_eq!(world.dump().await, replayed(&world, "").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_model_that_stopped_comes_back_by_a_rebuild_elsewhere() {
    let mut world = World::new(Store::Postgres).await;
    let processes = processes(&world, 2).await;
    let running = Running::start(world.log(), processes[0].clone());
    processes[0].made(PATIENCE).await.unwrap();
    world.session(live(1), "ann").await;
    assert!(processes[0].wait_for(world.head().await, PATIENCE).await);
    // A row that is gone cannot be gone on with: the fold of the rows, not of the log, is wrong.
    running.stop().await;
    world.place.meddle("DELETE FROM sessions").await;
    let running = Running::start(world.log(), processes[0].clone());
    let session = world.history().await[0].stream.key().parse().unwrap();
    world.agent(live(1), session).await;
    assert!(processes[1].wait_for(world.head().await, PATIENCE).await);
    let stopped = processes[1].session(live(1), session).await;
    assert!(stopped.unwrap_err().to_string().contains("cannot fold"));
    rebuild(world.log(), &processes[1], Some(&["sessions"]), |_, _| {}).await.unwrap();
    world.session(live(1), "ben").await;
    assert!(processes[1].wait_for(world.head().await, PATIENCE).await);
    assert!(processes[1].session(live(1), session).await.unwrap().is_some());
    let rows = processes[0].sessions(live(1), SessionFilter::default(), Page::first(9)).await;
    assert_eq!(rows.unwrap().len(), 2);
    running.stop().await;
}
