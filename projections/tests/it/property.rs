//! Whatever happens in whatever order, the rows are what a plain fold of the log gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde::Serialize;
use theazo_domain::agent::Agent;
use theazo_domain::api_key::ApiKey;
use theazo_domain::execution::Execution;
use theazo_domain::file_operation::FileOperation;
use theazo_domain::org::Org;
use theazo_domain::providers::Providers;
use theazo_domain::secret::Secret;
use theazo_domain::session::Session;
use theazo_domain::settings::Settings;
use theazo_domain::snapshot::Snapshot;
use theazo_domain::{Aggregate, StreamId};
use theazo_log::{Commit, Position};
use theazo_projections::{AuditFilter, Page};

use crate::history::{Things, act};
use crate::support::{PATIENCE, World, state_of};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

async fn assert_folded<A>(world: &World, streams: &BTreeMap<StreamId, Vec<Arc<Commit>>>)
where
    A: Aggregate + Serialize,
{
    for (stream, commits) in streams.iter().filter(|(stream, _)| stream.kind == A::KIND) {
        let (state, revision) = world.reads.snapshot_of::<A>(stream).await.unwrap().unwrap();
        let json = |state: &A| serde_json::to_value(state).unwrap();
        assert_eq!(json(&state), json(&state_of::<A>(commits).unwrap()), "{stream}");
        assert_eq!(revision, commits.last().unwrap().position, "{stream}");
    }
}

async fn assert_usage(world: &World, streams: &BTreeMap<StreamId, Vec<Arc<Commit>>>) {
    let now = world.now();
    let agents: Vec<(&StreamId, Agent)> = streams
        .iter()
        .filter_map(|(stream, commits)| Some((stream, state_of::<Agent>(commits)?)))
        .collect();
    for (stream, commits) in streams {
        let Some(session) = state_of::<Session>(commits) else { continue };
        let row = world.reads.session(stream.scope, session.id).await.unwrap().unwrap();
        let own =
            || agents.iter().filter(|(s, a)| s.scope == stream.scope && a.session_id == session.id);
        let usage = row.value.usage;
        assert_eq!(usage.cost_at(now), own().map(|(_, agent)| agent.cost_at(now)).sum());
        let millis: u64 = own().map(|(_, agent)| agent.compute_millis_at(now)).sum();
        assert_eq!(usage.compute_millis_at(now), millis);
        assert_eq!(usage.active_agents as usize, session.agents.len());
        assert_eq!(row.seq, commits[0].position.0);
    }
}

async fn assert_audit(world: &World, history: &[Arc<Commit>]) {
    let scopes: std::collections::BTreeSet<_> = history.iter().map(|c| c.stream.scope).collect();
    let mut seen = 0;
    for scope in scopes {
        let page = Page::first(100_000);
        let events = world.reads.audit(scope, AuditFilter::default(), page).await.unwrap();
        let of_log: Vec<_> = history
            .iter()
            .filter(|commit| commit.stream.scope == scope)
            .flat_map(|c| c.events.iter().map(|e| (c.position, e.event_type().name.to_owned())))
            .collect();
        let shown = events.iter().rev();
        let shown: Vec<_> =
            shown.map(|row| (row.value.position, row.value.event_type.clone())).collect();
        assert_eq!(shown, of_log);
        seen += events.len();
    }
    assert_eq!(seen, history.iter().map(|commit| commit.events.len()).sum::<usize>());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_rows_are_the_fold_of_the_log(
        steps in prop::collection::vec((any::<u8>(), any::<u32>()), 1..120)
    ) {
        block_on(async {
            let mut world = World::new().await;
            let running = world.start();
            let mut things = Things::default();
            for (what, which) in steps {
                act(&mut world, &mut things, what, which).await;
            }
            let head = world.head().await;
            assert!(world.reads.wait_for(head, PATIENCE).await, "{:?}", world.reads.trouble());
            running.stop().await;
            let history = world.history().await;
            let mut streams: BTreeMap<StreamId, Vec<Arc<Commit>>> = BTreeMap::new();
            for commit in &history {
                streams.entry(commit.stream.clone()).or_default().push(commit.clone());
            }
            let list = world.reads.list(&*world.log).await.unwrap();
            assert!(list.iter().all(|p| p.error.is_none() && p.behind == 0), "{list:?}");
            assert_folded::<Org>(&world, &streams).await;
            assert_folded::<ApiKey>(&world, &streams).await;
            assert_folded::<Session>(&world, &streams).await;
            assert_folded::<Agent>(&world, &streams).await;
            assert_folded::<Execution>(&world, &streams).await;
            assert_folded::<FileOperation>(&world, &streams).await;
            assert_folded::<Snapshot>(&world, &streams).await;
            assert_folded::<Secret>(&world, &streams).await;
            assert_folded::<Settings>(&world, &streams).await;
            assert_folded::<Providers>(&world, &streams).await;
            assert_usage(&world, &streams).await;
            assert_audit(&world, &history).await;
            assert_eq!(world.reads.position(), head.max(Position::START));
        });
    }
}
