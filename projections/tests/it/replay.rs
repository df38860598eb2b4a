use std::time::Duration;

use rand::{Rng, SeedableRng};
use theazo_log::Position;
use theazo_projections::{Page, SessionFilter};

use crate::history::{self, Things};
use crate::place::{Place, Store, on_both};
use crate::support::{PATIENCE, World, live, project, replayed, replayed_into};

on_both!(a_replay_gives_the_same_rows_each_time);
async fn a_replay_gives_the_same_rows_each_time(on: Store) {
    let mut world = World::new(on).await;
    history::random(&mut world, &mut Things::default(), history::seed(), 800).await;
    let first = replayed(&world, "first.db").await;
    assert!(first.values().all(|rows| !rows.is_empty()), "a table has no rows: {first:#?}");
    assert_eq!(first, replayed(&world, "second.db").await);
}

/// What is read is the same, byte for byte.
#[tokio::test(flavor = "multi_thread")]
async fn both_databases_hold_the_same_rows() {
    let mut world = World::new(Store::Sqlite).await;
    history::random(&mut world, &mut Things::default(), history::seed(), 800).await;
    let mut dumps = Vec::new();
    for store in [Store::Sqlite, Store::Postgres] {
        let place = Place::new(store, world.folder.path(), "each.db").await;
        let mut dump = replayed_into(&world, &place).await;
        // The hash of the schema is of each one's own words.
        for row in dump.get_mut("projections").unwrap() {
            *row = row.split('|').step_by(2).collect();
        }
        dumps.push(dump);
    }
    assert_eq!(dumps[0], dumps[1]);
}

on_both!(following_live_gives_what_a_replay_gives);
/// Whatever the batches are: live ones of a few commits, or all of it at once.
async fn following_live_gives_what_a_replay_gives(on: Store) {
    let mut world = World::new(on).await;
    let running = world.start();
    history::random(&mut world, &mut Things::default(), history::seed(), 300).await;
    assert!(world.reads.wait_for(world.head().await, PATIENCE).await);
    running.stop().await;
    world.reads.close().await;
    assert_eq!(world.dump().await, replayed(&world, "replayed.db").await);
}

on_both!(a_projector_that_is_killed_repeats_nothing_and_skips_nothing);
async fn a_projector_that_is_killed_repeats_nothing_and_skips_nothing(on: Store) {
    let mut world = World::new(on).await;
    let seed = history::seed();
    let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
    let mut things = Things::default();
    for round in 0..15 {
        let running = world.start();
        let steps = rng.random_range(1..60);
        history::random(&mut world, &mut things, seed + round, steps).await;
        // Anywhere between what is written already and the head.
        let (at, head) = (world.reads.position().0, world.head().await.0);
        let until = Position(rng.random_range(at.min(head)..=head));
        assert!(world.reads.wait_for(until, PATIENCE).await);
        running.abort().await;
        world.reopen().await;
    }
    world.project().await;
    world.reads.close().await;
    assert_eq!(world.dump().await, replayed(&world, "replayed.db").await);
}

on_both!(a_schema_that_changed_is_made_anew_from_the_log);
async fn a_schema_that_changed_is_made_anew_from_the_log(on: Store) {
    let mut world = World::new(on).await;
    history::random(&mut world, &mut Things::default(), history::seed(), 200).await;
    world.project().await;
    let before = world.dump().await;
    let other = "UPDATE projections SET schema_hash = 'older' WHERE name = 'sessions'";
    world.place.meddle(other).await;
    world.place.meddle("UPDATE sessions SET user_id = 'wrong'").await;

    world.reopen().await;
    let list = world.reads.list(&*world.log).await.unwrap();
    let head = world.head().await;
    for status in list {
        let expected = if status.name == "sessions" { Position::START } else { head };
        assert_eq!(status.position, expected, "{}", status.name);
    }
    match world.on {
        Store::Sqlite => assert_eq!(world.reads.position(), Position::START),
        // Nobody projects yet, and what another version made is not shown.
        Store::Postgres => {
            let filter = SessionFilter::default();
            let shown = world.reads.sessions(live(1), filter, Page::first(9)).await;
            assert!(shown.unwrap_err().to_string().contains("another version"));
            let made = world.reads.made(Duration::ZERO).await.unwrap_err().to_string();
            assert!(made.contains("`sessions`") && made.contains("role `projector`"), "{made}");
        }
    }
    project(world.log(), &world.reads).await;
    assert_eq!(world.dump().await, before);
}

on_both!(waiting_for_a_position_ends_when_it_is_there_or_the_time_is_over);
async fn waiting_for_a_position_ends_when_it_is_there_or_the_time_is_over(on: Store) {
    let mut world = World::new(on).await;
    world.session(live(1), "ann").await;
    let head = world.head().await;
    assert!(world.reads.wait_for(Position::START, Duration::ZERO).await);
    assert!(!world.reads.wait_for(head, Duration::from_millis(20)).await);
    let waiting = tokio::spawn({
        let reads = world.reads.clone();
        async move { reads.wait_for(head, PATIENCE).await }
    });
    let running = world.start();
    assert!(waiting.await.unwrap());
    assert_eq!(world.reads.position(), head);
    assert_eq!(world.reads.lag().behind, 0);
    running.stop().await;
}
