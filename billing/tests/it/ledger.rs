//! The ledgers of pushes, in the proof of the bill.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use theazo_billing::push::{self, Sent};
use theazo_billing::{Ledger, Owned, Place, Report, Sums, compared, verify};
use theazo_domain::agent::Failure;
use theazo_domain::export::{ExportEvent, ExportOutcome, ExportRecord, Exporter, NO_CUSTOMER};
use theazo_domain::{Event, ExportId, Pico, Scope, StreamId, Timestamp};
use theazo_log::Position;
use theazo_projections::LedgerStatus;
use uuid::Uuid;

use crate::support::{World, at, may, scope};
use crate::verify::{Reads, reads};

const NAME: &str = "stripe_ledger";

fn time(second: u32) -> Timestamp {
    at(&format!("2026-05-20T00:00:{second:02}Z"))
}

/// Five calls in May and one in June. Ann's are pushed in two batches: acknowledged, rejected and
/// then acknowledged, in doubt; Bob has no customer, and the last of May was not pushed.
async fn world() -> (World, Vec<Owned>) {
    let mut world = World::new().await;
    world.session(scope(1), 1, "ann", None).await;
    world.session(scope(1), 2, "bob", None).await;
    for step in 0..3 {
        let used = time(step);
        world.call(scope(1), (1, step), used, used, Pico(100 + i128::from(step))).await;
    }
    world.call(scope(1), (2, 3), time(3), time(3), Pico(103)).await;
    world.call(scope(1), (1, 4), time(4), time(4), Pico(0)).await;
    world.call(scope(1), (1, 5), time(5), time(5), Pico(105)).await;
    let records = world.records(scope(1), Place::START, may()).await;
    let sent: Vec<ExportRecord> = records[..4].iter().map(record).collect();
    let [first, second, third, _] = &sent[..] else { panic!() };
    let outcomes = vec![
        ExportOutcome::acknowledged(&first.id),
        ExportOutcome::rejected(&second.id, "http_400"),
        ExportOutcome::unknown(&third.id, "timeout"),
    ];
    let again = ExportRecord { rejections: 1, ..second.clone() };
    let known = vec![ExportOutcome::acknowledged(&second.id)];
    push(&mut world, vec![started(1, sent.clone()), completed(1, outcomes)]).await;
    push(&mut world, vec![started(2, vec![again]), completed(2, known)]).await;
    (world, records)
}

pub fn record(owned: &Owned) -> ExportRecord {
    let usage = owned.record();
    let customer = (owned.user_id() == "ann").then(|| "cus_ann".to_owned());
    ExportRecord {
        id: usage.id().to_owned(),
        position: owned.place.position.0,
        ordinal: u32::try_from(owned.place.index).unwrap(),
        session_id: usage.session,
        user_id: owned.user_id().to_owned(),
        at: usage.at(),
        cost: usage.cost(),
        refused: customer.is_none().then(|| NO_CUSTOMER.to_owned()),
        customer,
        rejections: 0,
    }
}

pub fn started(batch: u32, records: Vec<ExportRecord>) -> Event {
    let exporter = Exporter::Stripe;
    ExportEvent::BatchStarted { exporter, batch, records, replayed: 0, skipped: 0 }.into()
}

pub fn completed(batch: u32, outcomes: Vec<ExportOutcome>) -> Event {
    ExportEvent::BatchCompleted { exporter: Exporter::Stripe, batch, outcomes }.into()
}

/// A commit of the one push that there is.
pub async fn push_at(world: &mut World, time: Timestamp, event: Event) -> Position {
    let stream = StreamId::export(scope(1), ExportId::from_uuid(Uuid::from_u128(1)));
    world.commit(stream, time, vec![event]).await
}

/// A commit each.
async fn push(world: &mut World, events: Vec<Event>) -> Position {
    let mut last = Position::START;
    for (second, event) in events.into_iter().enumerate() {
        let time = at(&format!("2026-05-21T00:00:{second:02}Z"));
        last = push_at(world, time, event).await;
    }
    last
}

pub async fn checked(world: &World, reads: &Reads, scope: Scope, sums: Option<&Sums>) -> Report {
    let models = compared(&may());
    verify(world.log(), &reads.models, scope, may(), &models, sums, |_, _| ()).await.unwrap()
}

/// The report after `sql` was done to the read models, behind the projector's back.
async fn tampered(world: &World, sql: &str) -> Report {
    let reads = reads(world.log()).await;
    let options = SqliteConnectOptions::new().filename(reads.folder.path().join("reads.db"));
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    let done = sqlx::query(sql).execute(&pool).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    pool.close().await;
    let report = checked(world, &reads, scope(1), None).await;
    assert!(!report.ok());
    assert!(report.differences.iter().all(|difference| difference.name == NAME));
    report
}

#[tokio::test]
async fn a_ledger_that_is_right_is_right_and_what_was_not_sent_is_told() {
    let (world, _) = world().await;
    let reads = reads(world.log()).await;
    let report = checked(&world, &reads, scope(1), None).await;
    assert!(report.ok(), "{:#?}", report.differences);
    let ledger = report.checked.last().unwrap();
    assert_eq!((ledger.name, ledger.rows), (NAME, 4));
    let [Ledger { exporter: Exporter::Stripe, totals, unheard }] = &report.ledgers[..] else {
        panic!("{:?}", report.ledgers)
    };
    let totals: Vec<_> =
        totals.iter().map(|sum| (sum.status, sum.code.as_deref(), sum.records, sum.cost)).collect();
    assert_eq!(
        totals,
        [
            (LedgerStatus::Pending, Some("timeout"), 1, Pico(102)),
            (LedgerStatus::Acknowledged, None, 2, Pico(201)),
            (LedgerStatus::Rejected, Some(NO_CUSTOMER), 1, Pico(103)),
        ]
    );
    assert_eq!(*unheard, (1, Pico(105)), "what costs nothing is not sent");
    let other = checked(&world, &reads, scope(2), None).await;
    assert!(other.ok() && other.ledgers.is_empty());
}

#[tokio::test]
async fn a_row_that_was_removed_names_its_record() {
    let (world, records) = world().await;
    let id = records[0].record().id();
    let sql = format!("DELETE FROM export_ledger WHERE id = '{id}'");
    let report = tampered(&world, &sql).await;
    assert_eq!(report.found, 1, "{:#?}", report.differences);
    let difference = &report.differences[0];
    assert_eq!((&*difference.key, &*difference.log), (id, "acknowledged"));
    assert_eq!(difference.found, None);
    assert_eq!(difference.events[0], records[0].place);
}

#[tokio::test]
async fn a_cost_that_was_changed_names_its_record() {
    let (world, records) = world().await;
    let id = records[1].record().id();
    let sql = format!("UPDATE export_ledger SET cost = '7' WHERE id = '{id}'");
    let report = tampered(&world, &sql).await;
    assert_eq!(report.found, 1, "{:#?}", report.differences);
    let difference = &report.differences[0];
    assert_eq!((&*difference.key, difference.field), (id, "cost"));
    assert_eq!((&*difference.log, difference.found.as_deref()), ("101", Some("7")));
    assert_eq!(difference.events[0], records[1].place);
    assert!(difference.reason.contains("another cost than the usage record"), "{difference:?}");
}

#[tokio::test]
async fn a_status_that_was_changed_names_its_record() {
    let (world, records) = world().await;
    let id = records[2].record().id();
    let sql = format!("UPDATE export_ledger SET status = 'acknowledged' WHERE id = '{id}'");
    let report = tampered(&world, &sql).await;
    let difference = &report.differences[0];
    assert_eq!((report.found, difference.field, &*difference.key), (1, "status", id));
    assert_eq!((&*difference.log, difference.found.as_deref()), ("pending", Some("acknowledged")));
}

#[tokio::test]
async fn an_acknowledged_row_without_its_record_is_told() {
    let (world, _) = world().await;
    let columns = "place + 1000, status, code, export_id, session_id, user_id, customer, used_at, \
                   cost, rejections, sent_at, told_at, changed";
    let report = tampered(
        &world,
        &format!(
            "INSERT INTO export_ledger SELECT tenant, exporter, 'model/none/1', {columns} FROM \
             export_ledger WHERE status = 'acknowledged' LIMIT 1"
        ),
    )
    .await;
    let difference = &report.differences[0];
    assert_eq!((report.found, &*difference.key), (1, "model/none/1"));
    assert_eq!(difference.found.as_deref(), Some("acknowledged"));
    assert!(difference.reason.contains("the log does not have"), "{difference:?}");
}

#[tokio::test]
async fn a_row_that_no_push_has_sent_is_told() {
    let (world, records) = world().await;
    let id = records[5].record().id();
    let columns = "place + 1000, status, code, export_id, session_id, user_id, customer, used_at, \
                   cost, rejections, sent_at, told_at, changed";
    let sql = format!(
        "INSERT INTO export_ledger SELECT tenant, exporter, '{id}', {columns} FROM export_ledger \
         WHERE status = 'acknowledged' LIMIT 1"
    );
    let report = tampered(&world, &sql).await;
    let difference = &report.differences[0];
    assert_eq!((report.found, &*difference.key), (1, id));
    assert!(difference.reason.contains("no push has sent"), "{difference:?}");
    assert_eq!(difference.events, [records[5].place]);
}

/// The read model is as the log says; it is the push that was wrong.
#[tokio::test]
async fn a_push_of_what_the_log_does_not_have_is_told() {
    let (mut world, records) = world().await;
    let strange = ExportRecord { id: "model/none/1".to_owned(), ..record(&records[5]) };
    let dear = ExportRecord { cost: Pico(9_000), ..record(&records[5]) };
    let outcomes = [&strange, &dear].map(|record| ExportOutcome::acknowledged(&record.id));
    let told =
        push(&mut world, vec![started(3, vec![strange, dear]), completed(3, outcomes.to_vec())])
            .await;
    let reads = reads(world.log()).await;
    let report = checked(&world, &reads, scope(1), None).await;
    let sent = Place { position: Position(told.0 - 1), index: 0 };
    let found: Vec<_> = report
        .differences
        .iter()
        .map(|d| (&*d.key, d.field, d.events.last() == Some(&sent)))
        .collect();
    let dear = (records[5].record().id(), "cost", true);
    assert_eq!(found[..2], [("model/none/1", "record", true), dear], "{:#?}", report.differences);
}

/// Tells sums; as many of them as there are, then the last one over and over.
struct Telling {
    sums: Mutex<Vec<Result<Option<Pico>, Failure>>>,
    asked: Arc<Mutex<Vec<(String, Timestamp, Timestamp)>>>,
}

#[async_trait]
impl push::Exporter for Telling {
    fn name(&self) -> Exporter {
        Exporter::Stripe
    }

    fn refuses(&self, _: Timestamp, _: Timestamp) -> Option<&'static str> {
        None
    }

    fn remembers(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }

    async fn send(&self, _: &[ExportRecord]) -> Sent {
        panic!("a verification sends nothing")
    }

    async fn total(
        &self,
        customer: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Pico>, Failure> {
        self.asked.lock().unwrap().push((customer.to_owned(), from, until));
        let mut sums = self.sums.lock().unwrap();
        if sums.len() > 1 { sums.remove(0) } else { sums[0].clone() }
    }
}

#[tokio::test]
async fn a_billers_sum_lies_between_what_it_has_and_what_it_may_have() {
    let (world, _) = world().await;
    let reads = reads(world.log()).await;
    // Two are acknowledged, and one is in doubt.
    for (sum, told) in [(200, Some("less")), (201, None), (303, None), (304, Some("more"))] {
        let asked = Arc::default();
        let telling = Telling { sums: Mutex::new(vec![Ok(Some(Pico(sum)))]), asked };
        let asked = telling.asked.clone();
        let sums = Sums { biller: Box::new(telling), customers: [].into() };
        let report = checked(&world, &reads, scope(1), Some(&sums)).await;
        let wanted = [("cus_ann".to_owned(), may().from, may().until)];
        assert_eq!(*asked.lock().unwrap(), wanted);
        assert_eq!(report.ok(), told.is_none(), "{sum}: {:?}", report.differences);
        let Some(told) = told else { continue };
        let difference = &report.differences[0];
        assert_eq!((difference.name, &*difference.key), ("stripe", "cus_ann"));
        assert_eq!(difference.log, "201 to 303");
        assert_eq!(difference.found, Some(sum.to_string()));
        assert!(difference.reason.contains(told), "{difference:?}");
    }
}

#[tokio::test]
async fn a_sum_that_is_too_large_is_told_by_the_day_and_silence_is_no_proof() {
    let (world, _) = world().await;
    let reads = reads(world.log()).await;
    let ask = async |said: Vec<Result<Option<Pico>, Failure>>| {
        let telling = Telling { sums: Mutex::new(said), asked: Arc::default() };
        let asked = telling.asked.clone();
        let sums = Sums { biller: Box::new(telling), customers: [].into() };
        let models = compared(&may());
        let log = world.log();
        let done = verify(log, &reads.models, scope(1), may(), &models, Some(&sums), |_, _| ());
        let done = done.await;
        let asked = asked.lock().unwrap().len();
        (done, asked)
    };
    let some = |sum| Ok(Some(Pico(sum)));
    let (report, asked) = ask(vec![Ok(None), some(201), some(0)]).await;
    assert!(report.unwrap().ok());
    assert_eq!(asked, 1 + 31);
    let (report, asked) = ask(vec![Ok(None)]).await;
    let report = report.unwrap();
    assert_eq!((report.found, asked), (1, 2));
    assert_eq!(report.differences[0].found, None);
    let failure = Failure { code: "unauthorized".to_owned(), message: "No.".to_owned() };
    let (report, _) = ask(vec![Err(failure)]).await;
    assert_eq!(report.unwrap_err().to_string(), "No.");
}
