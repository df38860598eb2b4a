use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use theazo_billing::{Amounts, Compared, Key, Period, Report, Rows, Seen, compared, verify};
use theazo_domain::agent::AgentEvent;
use theazo_domain::pricing::{ComputeUsage, Costs};
use theazo_domain::task::TaskEvent;
use theazo_domain::{Event, Pico, Scope, StreamId};
use theazo_log::{EventLog, Position};
use theazo_projections::{ChainKey, Options, Projector, ReadError, ReadModels};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::support::{World, agent, at, call, compute, may, scope, session, task};

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Reads {
    pub models: ReadModels,
    _projector: AbortOnDropHandle<()>,
    pub folder: tempfile::TempDir,
}

pub async fn reads(log: Arc<dyn EventLog>) -> Reads {
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = &folder.path().join("reads.db");
    let models = ReadModels::open(path, Options::new(ChainKey::new(vec![7; 32]))).await.unwrap();
    let stop = CancellationToken::new();
    let projector = Projector::start(log.clone(), models.clone(), stop);
    let reads = Reads { models, _projector: AbortOnDropHandle::new(projector), folder };
    let head = log.head().await.unwrap();
    assert!(reads.models.wait_for(head, PATIENCE).await, "{:?}", reads.models.trouble());
    reads
}

async fn verified(world: &World, scope: Scope, models: &[Box<dyn Compared>]) -> Report {
    let reads = reads(world.log()).await;
    let (mut done, mut total) = (0, 0);
    let progress = |at, of| (done, total) = (at, of);
    let report =
        verify(world.log(), &reads.models, scope, may(), models, None, progress).await.unwrap();
    assert_eq!(done, total, "the whole log was read");
    report
}

/// Two sessions with compute over midnights, models and storage; and one of another tenant.
async fn world() -> World {
    let mut world = World::new().await;
    let ours = scope(1);
    world.session(ours, 1, "ann", None).await;
    world.session(ours, 2, "bob", None).await;
    world.session(scope(2), 1, "eve", None).await;
    let (from, until) = (at("2026-05-03T12:00:00Z"), at("2026-05-06T12:00:00Z"));
    world.compute(ours, 1, (from, until), until).await;
    for step in 0..5 {
        world.call(ours, (2, step), until, until, Pico(100 + i128::from(step))).await;
        world.call(scope(2), (1, step), until, until, Pico(77)).await;
    }
    world.call(ours, (2, 9), at("2026-06-01T00:00:00Z"), at("2026-06-01T00:00:00Z"), Pico(5)).await;
    world.storage(ours, 1, from.day(), until).await;
    world
}

#[tokio::test]
async fn what_is_right_is_right() {
    let world = world().await;
    let report = verified(&world, scope(1), &compared(&may())).await;
    assert!(report.ok(), "{:?}", report.differences);
    assert_eq!((report.records, report.records_of_period), (11, 10));
    let period = Period { until: at("2026-06-01T00:00:00Z"), ..may() };
    let records = world.records(scope(1), theazo_billing::Place::START, period).await;
    let cost: Pico = records.iter().map(|record| record.record().cost()).sum();
    assert_eq!(report.cost_of_period, cost);
    let rows: Vec<(&str, u64)> = report.checked.iter().map(|c| (c.name, c.rows)).collect();
    assert_eq!(
        rows,
        [
            ("records", 11),
            ("sessions", 2),
            ("agents", 1),
            ("tasks", 1),
            // Compute on four days, storage on one, models on one.
            ("billing", 6),
            ("billing_users", 2),
        ]
    );
    let nothing = verified(&world, scope(3), &compared(&may())).await;
    assert!(nothing.ok() && nothing.records == 0);
}

/// The sessions, with one row that is not what it was.
struct Bent(Box<dyn Compared>, Bend);

type Bend = fn(&mut Vec<(Key, Amounts)>);

#[async_trait]
impl Compared for Bent {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn fields(&self) -> &'static [&'static str] {
        self.0.fields()
    }

    fn of(&self, seen: &Seen<'_>) -> Option<(Key, Amounts)> {
        self.0.of(seen)
    }

    async fn rows(
        &self,
        reads: &ReadModels,
        scope: Scope,
        after: Option<u64>,
    ) -> Result<Rows, ReadError> {
        let mut rows = self.0.rows(reads, scope, after).await?;
        (self.1)(&mut rows.rows);
        Ok(rows)
    }
}

fn row(rows: &mut [(Key, Amounts)]) -> &mut Amounts {
    let wanted = Key::Session(session(2));
    rows.iter_mut().find(|(key, _)| *key == wanted).map(|(_, amounts)| amounts).unwrap()
}

async fn bent(bend: Bend) -> Vec<(String, Vec<Position>)> {
    let world = world().await;
    let sessions = compared(&may()).swap_remove(0);
    let report = verified(&world, scope(1), &[Box::new(Bent(sessions, bend))]).await;
    assert!(!report.ok());
    let of_session = |key: &str| key == session(2).to_string();
    assert!(report.differences.iter().all(|d| d.name == "sessions" && of_session(&d.key)));
    assert_eq!(report.found, report.checked[1].differences);
    let told = report.differences.into_iter().map(|difference| {
        let events = difference.events.iter().map(|place| place.position).collect();
        (format!("{}: {}", difference.field, difference.reason), events)
    });
    told.collect()
}

#[tokio::test]
async fn a_row_that_lacks_an_event_names_it() {
    let world = world().await;
    let records = world.records(scope(1), theazo_billing::Place::START, may()).await;
    let third = records.iter().find(|record| record.record().cost() == Pico(103)).unwrap();

    let lacks = bent(|rows| row(rows)[0] -= 103).await;
    assert_eq!(lacks, [("cost: The row lacks this event.".to_owned(), vec![third.place.position])]);
    let twice = bent(|rows| row(rows)[1] += 103).await;
    assert!(twice[0].0.contains("modelCost: The row counts this event twice"), "{twice:?}");
    assert_eq!(twice[0].1, [third.place.position]);
    let odd = bent(|rows| row(rows)[6] += 17).await;
    assert!(odd[0].0.starts_with("output: No single event"), "{odd:?}");
    assert_eq!(odd[0].1.len(), 6);
    let missing = bent(|rows| rows.retain(|(key, _)| *key != Key::Session(session(2)))).await;
    assert_eq!(missing.len(), 7, "each of its amounts");
    assert!(missing.iter().all(|(why, _)| why.contains("missing")), "{missing:?}");
}

#[tokio::test]
async fn a_record_is_made_out_again() {
    let mut world = world().await;
    let (ours, time) = (scope(1), at("2026-05-10T00:00:00Z"));
    let mut wrong = call(session(1), task(7), 0, time, Pico(50));
    if let Event::Task(TaskEvent::ModelCallCompleted { usage, .. }) = &mut wrong {
        (usage.cost, usage.waived) = (Pico(40), Pico(9));
    }
    let first = world.commit(StreamId::task(ours, task(7)), time, vec![wrong]).await;
    // The same id a second time.
    let again = call(session(1), task(2), 0, time, Pico(100));
    let second = world.commit(StreamId::task(ours, task(2)), time, vec![again]).await;
    // A span that reaches over a midnight.
    let mut over = compute(session(1), agent(8), 1, time, at("2026-05-10T01:00:00Z"));
    if let Event::Agent(AgentEvent::UsageRecorded { usage, .. }) = &mut over[0] {
        let from = at("2026-05-09T23:00:00Z");
        let millis = usage.until.millis_since(from);
        let price = usage.price.clone();
        let cost = price.cost(millis);
        *usage = ComputeUsage { from, compute_millis: millis, price, cost, ..usage.clone() };
    }
    let third = world.commit(StreamId::agent(ours, agent(8)), time, over).await;
    let report = verified(&world, ours, &compared(&may())).await;
    let told: Vec<(&str, &str, Position)> = report
        .differences
        .iter()
        .map(|d| (d.name, d.field, d.events.last().unwrap().position))
        .collect();
    let wanted =
        [("records", "cost", first), ("records", "id", second), ("records", "until", third)];
    assert_eq!(told, wanted, "and the read models are as the log says");
    assert_eq!(
        (report.differences[0].log.as_str(), report.differences[0].found.as_deref()),
        ("50", Some("49"))
    );
    assert_eq!(report.differences[1].events.len(), 2);
}

#[tokio::test]
async fn an_agent_is_told_what_its_runs_cost() {
    let mut world = world().await;
    let (ours, time) = (scope(1), at("2026-05-20T00:00:00Z"));
    let end = |cost| {
        let (session_id, task_id, model_cost) = (session(2), task(2), Pico(cost));
        AgentEvent::RunEnded { session_id, task_id, model_cost, model_costs: Costs::default() }
    };
    let begun = AgentEvent::RunStarted { session_id: session(2), task_id: task(2) };
    let right = vec![begun.clone().into(), end(515).into()];
    world.commit(StreamId::agent(ours, agent(1)), time, right).await;
    assert!(verified(&world, ours, &compared(&may())).await.ok());
    world.call(ours, (2, 20), time, time, Pico(9)).await;
    let wrong = vec![begun.into(), end(8).into()];
    let position = world.commit(StreamId::agent(ours, agent(1)), time, wrong).await;
    let report = verified(&world, ours, &compared(&may())).await;
    assert_eq!(report.found, 1, "{:?}", report.differences);
    let difference = &report.differences[0];
    assert_eq!((difference.field, difference.log.as_str()), ("modelCost", "9"));
    assert_eq!(difference.events[0].position, position);
}

#[tokio::test]
async fn a_day_of_a_bill_that_is_wrong_names_its_events() {
    let world = world().await;
    let bills = compared(&may()).swap_remove(3);
    let wrong: Bend = |rows| {
        let storage = rows.iter_mut().find(|(key, _)| key.to_string().ends_with("/storage"));
        storage.unwrap().1[0] += 1;
    };
    let report = verified(&world, scope(1), &[Box::new(Bent(bills, wrong))]).await;
    assert_eq!(report.found, 1);
    let difference = &report.differences[0];
    assert_eq!((difference.name, &*difference.key), ("billing", "2026-05-03/storage"));
    assert_eq!(difference.events.len(), 1);
}

/// Rows are newer than the fold all the time, and never wrong for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_platform_is_verified_while_it_works() {
    let mut world = world().await;
    let (log, ours, time) = (world.log(), scope(1), at("2026-05-12T00:00:00Z"));
    let reads = reads(log.clone()).await;
    let writer = tokio::spawn(async move {
        for step in 100..500 {
            world.call(ours, (2, step), time, time, Pico(i128::from(step))).await;
        }
        world
    });
    let mut rounds = 0;
    while rounds < 3 || !writer.is_finished() {
        let report =
            verify(log.clone(), &reads.models, ours, may(), &compared(&may()), None, |_, _| ())
                .await;
        let report = report.unwrap();
        assert!(report.ok(), "{:?}", report.differences);
        rounds += 1;
    }
    writer.await.unwrap();
}

/// Whose times are days off is not found by a replay of a period; that is said, and not hidden.
#[tokio::test]
async fn a_clock_that_is_far_off_is_told() {
    let mut world = World::new().await;
    let (ours, used) = (scope(1), at("2026-05-01T00:00:00Z"));
    world.session(ours, 1, "ann", None).await;
    let hidden = world.call(ours, (1, 0), used, used, Pico(5)).await;
    for step in 1..9 {
        world
            .call(ours, (1, step), at("2026-04-02T00:00:00Z"), at("2026-04-02T00:00:00Z"), Pico(1))
            .await;
    }
    let report = verified(&world, ours, &compared(&may())).await;
    assert_eq!(report.found, 1);
    assert_eq!(report.differences[0].field, "position");
    assert_eq!(report.differences[0].events[0].position, hidden);
}
