use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use theazo_projections::{Model, Page, ProjectionError, SessionFilter, rebuild};

use crate::history::{self, Things};
use crate::place::{Store, on_both};
use crate::support::{PATIENCE, World, live, replayed};

on_both!(a_rebuild_under_live_writes_gives_what_a_replay_gives);
async fn a_rebuild_under_live_writes_gives_what_a_replay_gives(on: Store) {
    let mut world = World::new(on).await;
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
    assert_eq!(world.dump().await, replayed(&world, "replayed.db").await);
}

on_both!(a_rebuild_repairs_rows_that_were_damaged);
async fn a_rebuild_repairs_rows_that_were_damaged(on: Store) {
    let mut world = World::new(on).await;
    history::random(&mut world, &mut Things::default(), history::seed(), 150).await;
    world.project().await;
    let before = world.dump().await;
    world.place.meddle("DELETE FROM agents; UPDATE audit SET body = '{}'").await;
    let names = ["agents", "audit"];
    let rebuilt = rebuild(world.log(), &world.reads, Some(&names), |_, _| {}).await.unwrap();
    assert_eq!(rebuilt.len(), 2);
    assert_eq!(world.dump().await, before);
}

on_both!(a_rebuild_that_is_cut_short_leaves_the_old_rows_serving);
async fn a_rebuild_that_is_cut_short_leaves_the_old_rows_serving(on: Store) {
    let mut world = World::new(on).await;
    history::random(&mut world, &mut Things::default(), history::seed(), 150).await;
    world.project().await;
    let before = world.dump().await;
    // It dies as it tells of its first progress, with shadows half full.
    let dying = tokio::spawn({
        let (log, reads) = (world.log(), world.reads.clone());
        async move { rebuild(log, &reads, None, |_, _| panic!("killed here")).await }
    });
    assert!(dying.await.unwrap_err().is_panic());
    let tables = world.dump().await;
    assert!(tables.keys().any(|table| table.starts_with("g1_")), "{:?}", tables.keys());
    for model in Model::ALL {
        assert_eq!(tables[model.name()], before[model.name()]);
    }
    world.reopen().await;
    // On Postgres it is left to who projects or rebuilds next.
    if world.on == Store::Sqlite {
        assert_eq!(world.dump().await, before);
    }
    rebuild(world.log(), &world.reads, None, |_, _| {}).await.unwrap();
    assert_eq!(world.dump().await, before);
}

on_both!(an_unknown_name_is_refused_before_anything_is_done);
async fn an_unknown_name_is_refused_before_anything_is_done(on: Store) {
    let world = World::new(on).await;
    let names = ["sessions", "nonsense"];
    let refused = rebuild(world.log(), &world.reads, Some(&names), |_, _| {}).await;
    assert!(matches!(refused, Err(ProjectionError::UnknownName(name)) if name == "nonsense"));
}
