//! The ways through the indexes on Postgres (on SQLite: with the queries, in `src/tasks.rs`).

use std::time::{Duration, Instant};

use theazo_domain::Mode;

use crate::history::{self, Things};
use crate::place::Store;
use crate::scoping::{one_of_each, seen_by_any, walk_all};
use crate::support::{PATIENCE, World, scope};

/// How often each table was read from its beginning to its end, once all that count are gone.
async fn whole_reads(world: &World) -> Vec<String> {
    let others = "SELECT pid::text FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let deadline = Instant::now() + PATIENCE;
    while !world.place.texts(others.to_owned()).await.is_empty() {
        assert!(Instant::now() < deadline, "connections stay open");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let counts = "SELECT relname || ' ' || seq_scan FROM pg_stat_user_tables \
                  WHERE schemaname = 'theazo_reads' AND relname NOT IN \
                  ('tenants', 'projections', 'stopped', 'generations') ORDER BY 1";
    world.place.texts(counts.to_owned()).await
}

/// Small tables are read as a whole, rightly; so this asks for the index wherever there is one.
#[tokio::test(flavor = "multi_thread")]
async fn every_query_and_every_fold_finds_an_index_on_postgres() {
    let mut world = World::new(Store::Postgres).await;
    let prefer = "EXECUTE format('ALTER DATABASE %I SET enable_seqscan = off', current_database())";
    world.place.meddle(&format!("DO $$ BEGIN {prefer}; END $$")).await;
    world.reopen().await;
    world.project().await;
    world.reads.close().await;
    // The making of the indexes reads them too.
    let before = whole_reads(&world).await;

    let owner = scope(1, Mode::Live);
    let (seed, mut things) = (history::seed(), Things::default());
    world.reopen().await;
    let ids = one_of_each(&mut world, owner).await;
    for round in 0..3 {
        history::random(&mut world, &mut things, seed + round, 150).await;
        world.project().await;
        // With nothing at hand, so that the next fold has to look.
        world.reopen().await;
    }
    seen_by_any(&world.reads, owner, &ids).await;
    walk_all(&world.reads).await;
    world.reads.close().await;
    assert_eq!(whole_reads(&world).await, before);
}
