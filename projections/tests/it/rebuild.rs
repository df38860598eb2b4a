use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::Connection as _;
use theazo_projections::{Model, Page, ProjectionError, SessionFilter, rebuild};

use crate::history::{self, Things};
use crate::support::{PATIENCE, World, connect, dump, live, open, replayed};

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_under_live_writes_gives_what_a_replay_gives() {
    let mut world = World::new().await;
    let seed = history::seed();
    let mut things = Things::default();
    history::random(&mut world, &mut things, seed, 300).await;
    let running = world.start();
    assert!(world.reads.wait_for(world.head().await, PATIENCE).await);

    let done = Arc::new(AtomicBool::new(false));
    let rebuilding = tokio::spawn({
        let (log, reads, done) = (world.log(), world.reads.clone(), done.clone());
        async move {
            let mut heard = Vec::new();
            for names in [None, Some(&["sessions", "audit"][..]), Some(&["org_chain"][..])] {
                let progress = |at, of| heard.push((at, of));
                rebuild(log.clone(), &reads, names, progress).await.unwrap();
            }
            done.store(true, Ordering::Release);
            heard
        }
    });
    let mut round = 0;
    while !done.load(Ordering::Acquire) {
        round += 1;
        history::random(&mut world, &mut things, seed + round, 5).await;
        // The old or the new tables serve at every moment.
        let page = Page::first(100);
        world.reads.sessions(live(1), SessionFilter::default(), page).await.unwrap();
    }
    let heard = rebuilding.await.unwrap();
    assert!(heard.iter().all(|(at, of)| at <= of), "{heard:?}");
    history::random(&mut world, &mut things, seed + 1_000_000, 50).await;
    assert!(world.reads.wait_for(world.head().await, PATIENCE).await);
    running.stop().await;
    world.reads.close().await;
    assert_eq!(dump(&world.path("reads.db")).await, replayed(&world, "replayed.db").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_repairs_rows_that_were_damaged() {
    let mut world = World::new().await;
    history::random(&mut world, &mut Things::default(), history::seed(), 150).await;
    world.project().await;
    let before = dump(&world.path("reads.db")).await;
    let mut connection = connect(&world.path("reads.db")).await;
    sqlx::query("DELETE FROM agents").execute(&mut connection).await.unwrap();
    sqlx::query("UPDATE audit SET body = '{}'").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let names = ["agents", "audit"];
    let rebuilt = rebuild(world.log(), &world.reads, Some(&names), |_, _| {}).await.unwrap();
    assert_eq!(rebuilt.len(), 2);
    assert_eq!(dump(&world.path("reads.db")).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_is_cut_short_leaves_the_old_rows_serving() {
    let mut world = World::new().await;
    history::random(&mut world, &mut Things::default(), history::seed(), 150).await;
    world.project().await;
    let path = world.path("reads.db");
    let before = dump(&path).await;
    // It dies as it tells of its first progress, with shadows half full.
    let dying = tokio::spawn({
        let (log, reads) = (world.log(), world.reads.clone());
        async move { rebuild(log, &reads, None, |_, _| panic!("killed here")).await }
    });
    assert!(dying.await.unwrap_err().is_panic());
    let tables = dump(&path).await;
    assert!(tables.keys().any(|table| table.starts_with("g1_")), "{:?}", tables.keys());
    for model in Model::ALL {
        assert_eq!(tables[model.name()], before[model.name()]);
    }
    world.reads.close().await;
    let reads = open(&path).await;
    assert_eq!(dump(&path).await, before);
    rebuild(world.log(), &reads, None, |_, _| {}).await.unwrap();
    assert_eq!(dump(&path).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_is_refused_before_anything_is_done() {
    let world = World::new().await;
    let names = ["sessions", "nonsense"];
    let refused = rebuild(world.log(), &world.reads, Some(&names), |_, _| {}).await;
    assert!(matches!(refused, Err(ProjectionError::UnknownName(name)) if name == "nonsense"));
}
