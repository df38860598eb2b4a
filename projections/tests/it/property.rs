//! Whatever happens in whatever order, the rows are what a plain fold of the log gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde::Serialize;
use theazo_domain::agent::{Agent, AgentEvent};
use theazo_domain::api_key::ApiKey;
use theazo_domain::definition::Definition;
use theazo_domain::delivery::Delivery;
use theazo_domain::execution::Execution;
use theazo_domain::export::Export;
use theazo_domain::file_operation::FileOperation;
use theazo_domain::model_prices::ModelPrices;
use theazo_domain::org::Org;
use theazo_domain::pricing::TokenUsage;
use theazo_domain::providers::Providers;
use theazo_domain::secret::Secret;
use theazo_domain::session::Session;
use theazo_domain::settings::Settings;
use theazo_domain::snapshot::Snapshot;
use theazo_domain::task::Task;
use theazo_domain::{Aggregate, Event, Kind, Pico, Scope, StreamId};
use theazo_log::{Commit, Position};
use theazo_projections::{AuditEvent, AuditFilter, Page};

use crate::history::{Things, act};
use crate::place::Store;
use crate::support::{PATIENCE, World, state_of};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

type Streams = BTreeMap<StreamId, Vec<Arc<Commit>>>;

fn states<A: Aggregate>(streams: &Streams) -> Vec<(Scope, A)> {
    let of_kind = streams.iter().filter(|(stream, _)| stream.kind == A::KIND);
    of_kind.map(|(stream, commits)| (stream.scope, state_of(commits).unwrap())).collect()
}

async fn assert_folded<A>(world: &World, streams: &Streams)
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

/// Rows of tasks are without their steps.
async fn assert_tasks(world: &World, streams: &Streams) {
    let reads = &world.reads;
    let mut open = Vec::new();
    for (stream, commits) in streams.iter().filter(|(stream, _)| stream.kind == Kind::Task) {
        let state = state_of::<Task>(commits).unwrap();
        let row = reads.task(stream.scope, state.id).await.unwrap().unwrap();
        let without_steps = Task { steps: vec![], ..state };
        assert_eq!(row.value, without_steps, "{stream}");
        assert_eq!(row.revision, commits.last().unwrap().position, "{stream}");
        assert_eq!(row.seq, commits[0].position.0, "{stream}");
        // The command side must not begin from it.
        assert!(reads.snapshot_of::<Task>(stream).await.unwrap().is_none());
        if !row.value.status.is_final() {
            open.push((row.seq, stream.scope, row.value));
        }
    }
    open.sort_by_key(|(seq, ..)| *seq);
    let walked = reads.open_tasks(0, 100_000).await.unwrap();
    let walked: Vec<_> =
        walked.into_iter().map(|task| (task.row.seq, task.scope, task.row.value)).collect();
    assert_eq!(walked, open);
}

async fn assert_usage(world: &World, streams: &Streams) {
    let now = world.now();
    let (agents, tasks) = (states::<Agent>(streams), states::<Task>(streams));
    for (stream, commits) in streams {
        let Some(session) = state_of::<Session>(commits) else { continue };
        let row = world.reads.session(stream.scope, session.id).await.unwrap().unwrap();
        let scope = stream.scope;
        let own = || agents.iter().filter(|(s, a)| *s == scope && a.session_id == session.id);
        let of_tasks = || tasks.iter().filter(|(s, t)| *s == scope && t.session_id == session.id);
        let usage = row.value.usage;
        // What its tasks say is with the session before it is with the agent.
        let compute: Pico = own().map(|(_, a)| Pico(a.cost_at(now).0 - a.model_cost.0)).sum();
        let model: Pico = of_tasks().map(|(_, task)| task.model_cost).sum();
        assert_eq!((usage.model_cost, usage.cost_at(now)), (model, compute + model));
        let tokens = of_tasks().fold(TokenUsage::default(), |sum, (_, t)| sum.plus(t.tokens));
        assert_eq!(usage.tokens, tokens);
        assert_eq!(usage.unpriced, of_tasks().any(|(_, task)| task.unpriced));
        let millis: u64 = own().map(|(_, agent)| agent.compute_millis_at(now)).sum();
        assert_eq!(usage.compute_millis_at(now), millis);
        assert_eq!(usage.active_agents as usize, session.agents.len());
        assert_eq!(row.seq, commits[0].position.0);
    }
}

/// Whose an event is, as the states of all there is tell.
struct Owners {
    users: BTreeMap<String, String>,
    agents: BTreeMap<String, String>,
    tasks: BTreeMap<String, Task>,
    deliveries: BTreeMap<String, String>,
}

impl Owners {
    fn new(streams: &Streams) -> Self {
        let text = |id: &dyn ToString| id.to_string();
        let sessions = states::<Session>(streams).into_iter();
        let agents = states::<Agent>(streams).into_iter();
        let tasks = states::<Task>(streams).into_iter();
        let deliveries = states::<Delivery>(streams).into_iter();
        Self {
            users: sessions.map(|(_, s)| (text(&s.id), s.user_id)).collect(),
            agents: agents.map(|(_, a)| (text(&a.id), text(&a.session_id))).collect(),
            tasks: tasks.map(|(_, t)| (text(&t.id), t)).collect(),
            deliveries: deliveries
                .filter_map(|(_, d)| Some((text(&d.id), text(&d.about.task_id()?))))
                .collect(),
        }
    }

    /// The session, agent, user and task of an event in a stream of these kinds.
    fn check(&self, event: &AuditEvent, logged: &Event) {
        let key = event.stream_key.clone();
        let (session, agent, task) = match event.kind {
            Kind::Agent => (self.agents[&key].clone(), Some(key), None),
            Kind::Task | Kind::Delivery => {
                let id = self.deliveries.get(&key).unwrap_or(&key).clone();
                let task = &self.tasks[&id];
                (task.session_id.to_string(), Some(task.agent_id().to_string()), Some(id))
            }
            _ => return,
        };
        let run = match logged {
            Event::Agent(
                AgentEvent::RunStarted { task_id, .. } | AgentEvent::RunEnded { task_id, .. },
            ) => Some(task_id.to_string()),
            _ => None,
        };
        assert_eq!(event.user_id.as_ref(), Some(&self.users[&session]), "{event:?}");
        assert_eq!(event.session_id.map(|id| id.to_string()), Some(session), "{event:?}");
        assert_eq!(event.agent_id.map(|id| id.to_string()), agent, "{event:?}");
        assert_eq!(event.task_id, task.or(run), "{event:?}");
    }
}

async fn assert_audit(world: &World, history: &[Arc<Commit>], streams: &Streams) {
    let owners = Owners::new(streams);
    let scopes: std::collections::BTreeSet<_> = history.iter().map(|c| c.stream.scope).collect();
    let mut seen = 0;
    for scope in scopes {
        let page = Page::first(100_000);
        let events = world.reads.audit(scope, AuditFilter::default(), page).await.unwrap();
        let of_log: Vec<_> = history
            .iter()
            .filter(|commit| commit.stream.scope == scope)
            .flat_map(|c| c.events.iter().map(|e| (c.position, e)))
            .collect();
        assert_eq!(events.len(), of_log.len());
        for (row, (position, event)) in events.iter().rev().zip(of_log) {
            let shown = &row.value;
            assert_eq!((shown.position, &*shown.event_type), (position, event.event_type().name));
            owners.check(shown, event);
        }
        seen += events.len();
    }
    assert_eq!(seen, history.iter().map(|commit| commit.events.len()).sum::<usize>());
}

/// Whatever happens by `steps`, on either database.
async fn the_rows_are_the_fold(on: Store, steps: Vec<(u8, u32)>) {
    let mut world = World::new(on).await;
    let running = world.start();
    let mut things = Things::default();
    for (what, which) in steps {
        act(&mut world, &mut things, what, which).await;
    }
    let head = world.head().await;
    // Nothing may have happened: then there is nothing to wait for but the tables.
    world.reads.made(PATIENCE).await.unwrap();
    assert!(world.reads.wait_for(head, PATIENCE).await, "{:?}", world.reads.trouble());
    running.stop().await;
    let history = world.history().await;
    let mut streams = Streams::new();
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
    assert_folded::<Definition>(&world, &streams).await;
    assert_folded::<Delivery>(&world, &streams).await;
    assert_folded::<Export>(&world, &streams).await;
    assert_folded::<ModelPrices>(&world, &streams).await;
    assert_tasks(&world, &streams).await;
    assert_usage(&world, &streams).await;
    assert_audit(&world, &history, &streams).await;
    assert_eq!(world.reads.position(), head.max(Position::START));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_rows_are_the_fold_of_the_log(
        steps in prop::collection::vec((any::<u8>(), any::<u32>()), 1..120)
    ) {
        block_on(the_rows_are_the_fold(Store::Sqlite, steps));
    }
}

proptest! {
    // Each makes a database.
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn the_rows_are_the_fold_of_the_log_on_postgres(
        steps in prop::collection::vec((any::<u8>(), any::<u32>()), 1..120)
    ) {
        block_on(the_rows_are_the_fold(Store::Postgres, steps));
    }
}
