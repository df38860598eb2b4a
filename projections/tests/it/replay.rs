use rand::{Rng, SeedableRng};
use sqlx::Connection as _;
use theazo_log::Position;

use crate::history::{self, Things};
use crate::support::{PATIENCE, World, connect, dump, open, project, replayed};

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_gives_the_same_rows_each_time() {
    let mut world = World::new().await;
    history::random(&mut world, &mut Things::default(), history::seed(), 800).await;
    let first = replayed(&world, "first.db").await;
    assert!(first.values().all(|rows| !rows.is_empty()), "a table has no rows: {first:#?}");
    assert_eq!(first, replayed(&world, "second.db").await);
}

/// Whatever the batches are: live ones of a few commits, or all of it at once.
#[tokio::test(flavor = "multi_thread")]
async fn following_live_gives_what_a_replay_gives() {
    let mut world = World::new().await;
    let running = world.start();
    history::random(&mut world, &mut Things::default(), history::seed(), 300).await;
    assert!(world.reads.wait_for(world.head().await, PATIENCE).await);
    running.stop().await;
    world.reads.close().await;
    assert_eq!(dump(&world.path("reads.db")).await, replayed(&world, "replayed.db").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_that_is_killed_repeats_nothing_and_skips_nothing() {
    let mut world = World::new().await;
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
        world.reads.close().await;
        world.reads = open(&world.path("reads.db")).await;
    }
    world.project().await;
    world.reads.close().await;
    assert_eq!(dump(&world.path("reads.db")).await, replayed(&world, "replayed.db").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_changed_is_made_anew_from_the_log() {
    let mut world = World::new().await;
    history::random(&mut world, &mut Things::default(), history::seed(), 200).await;
    world.project().await;
    world.reads.close().await;
    let path = world.path("reads.db");
    let before = dump(&path).await;

    let mut connection = connect(&path).await;
    let other = "UPDATE projections SET schema_hash = 'older' WHERE name = 'sessions'";
    sqlx::query(other).execute(&mut connection).await.unwrap();
    sqlx::query("UPDATE sessions SET user_id = 'wrong'").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();

    let reads = open(&path).await;
    assert_eq!(reads.position(), Position::START);
    let list = reads.list(&*world.log).await.unwrap();
    let head = world.head().await;
    for status in list {
        let expected = if status.name == "sessions" { Position::START } else { head };
        assert_eq!(status.position, expected, "{}", status.name);
    }
    project(world.log(), &reads).await;
    reads.close().await;
    assert_eq!(dump(&path).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_position_ends_when_it_is_there_or_the_time_is_over() {
    let mut world = World::new().await;
    world.session(crate::support::live(1), "ann").await;
    let head = world.head().await;
    assert!(world.reads.wait_for(Position::START, std::time::Duration::ZERO).await);
    assert!(!world.reads.wait_for(head, std::time::Duration::from_millis(20)).await);
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
