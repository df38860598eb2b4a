//! The pushes, and the ledger of what each biller has.

use theazo_domain::export::{
    Export, ExportCommand, ExportOutcome, ExportRecord, Exporter, NO_CUSTOMER, StartExport,
};
use theazo_domain::{ExportId, Mode, Pico, Scope, SessionId, StreamId, Timestamp};
use theazo_log::Position;
use theazo_projections::{LedgerEntry, LedgerFilter, LedgerStatus, Page, ReadModels};

use crate::history::pick;
use crate::place::{Store, on_both};
use crate::support::{World, live, scope, state_of, uuid};

const EVER: (Timestamp, Timestamp) = (Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX));

pub fn record(n: u64) -> ExportRecord {
    ExportRecord {
        id: format!("compute/{n}"),
        position: n + 1,
        ordinal: 0,
        session_id: SessionId::from_uuid(uuid(n)),
        user_id: "ann".to_owned(),
        at: Timestamp::from_millis(1_790_000_000_000),
        cost: Pico(i128::from(n) * 1_000_000_000_000_000_000_000),
        customer: Some("cus_1".to_owned()),
        rejections: 0,
        refused: None,
    }
}

pub fn refused(n: u64) -> ExportRecord {
    ExportRecord { customer: None, refused: Some(NO_CUSTOMER.to_owned()), ..record(n) }
}

pub async fn start(world: &mut World, tenant: Scope, exporter: Exporter) -> StreamId {
    let export_id = ExportId::from_uuid(world.fresh());
    let stream = StreamId::export(tenant, export_id);
    let start = StartExport {
        export_id,
        exporter,
        number: 1,
        from: None,
        until: None,
        retry_rejected: false,
        after: 0,
        upto: 1_000,
    };
    world.command::<Export>(stream.clone(), ExportCommand::Start(start)).await;
    stream
}

pub async fn send(world: &mut World, stream: &StreamId, batch: u32, records: Vec<ExportRecord>) {
    let send = ExportCommand::Send { batch, records, replayed: 1_000, skipped: 0 };
    world.command::<Export>(stream.clone(), send).await;
}

async fn report(world: &mut World, stream: &StreamId, batch: u32, outcomes: Vec<ExportOutcome>) {
    let report = ExportCommand::Report { batch, outcomes };
    world.command::<Export>(stream.clone(), report).await;
}

/// Something that a push does, as far as it is allowed: of a few records, so that they meet again.
pub async fn random(world: &mut World, tenant: Scope, streams: &mut Vec<StreamId>, which: u32) {
    let exporter = Exporter::ALL[which as usize % 2];
    let Some(stream) = pick(streams, which / 3).filter(|_| !which.is_multiple_of(5)) else {
        streams.push(start(world, tenant, exporter).await);
        return;
    };
    use theazo_log::EventLog;
    let past = world.log.read_stream(&stream, Position::START).await.unwrap();
    let now = state_of::<Export>(&past).unwrap();
    if now.open.is_empty() {
        let first = u64::from(which % 7);
        let records = vec![record(first), refused(first + 1), record(first + 2)];
        send(world, &stream, now.batch + 1, records).await;
    } else {
        let outcome = |(n, record): (usize, &ExportRecord)| match (which as usize + n) % 4 {
            0 => ExportOutcome::rejected(&record.id, "archived_meter"),
            1 => ExportOutcome::unknown(&record.id, "timeout"),
            2 => ExportOutcome::unsent(&record.id, "rate_limited"),
            _ => ExportOutcome::acknowledged(&record.id),
        };
        let outcomes = now.open.iter().enumerate().map(outcome).collect();
        report(world, &stream, now.batch, outcomes).await;
    }
}

async fn walk(reads: &ReadModels, status: LedgerStatus, code: Option<&str>) -> Vec<String> {
    let all = (0, 100);
    let before = Position(u64::MAX);
    let entries = reads.ledger_walk(live(1), Exporter::Stripe, (status, code), before, all).await;
    entries.unwrap().into_iter().map(|entry| entry.id).collect()
}

async fn entry(reads: &ReadModels, n: u64) -> LedgerEntry {
    let found = reads.ledger_of(live(1), Exporter::Stripe, &[record(n).id]).await.unwrap();
    found.into_iter().next().unwrap()
}

on_both!(the_ledger_says_what_became_of_each_record);
async fn the_ledger_says_what_became_of_each_record(on: Store) {
    let mut world = World::new(on).await;
    let push = start(&mut world, live(1), Exporter::Stripe).await;
    let records = vec![record(1), record(2), refused(3), record(4), record(5)];
    send(&mut world, &push, 1, records).await;
    world.project().await;
    let sent = entry(&world.reads, 1).await;
    assert_eq!((sent.status, sent.sent_at), (LedgerStatus::Pending, Some(sent.told_at)));
    assert_eq!((sent.position(), sent.cost), ((2, 0), record(1).cost));
    let outcomes = vec![
        ExportOutcome::acknowledged("compute/1"),
        ExportOutcome::rejected("compute/2", "archived_meter"),
        ExportOutcome::unknown("compute/4", "timeout"),
        ExportOutcome::unsent("compute/5", "rate_limited"),
    ];
    world.pass_time(1_000);
    report(&mut world, &push, 1, outcomes).await;
    world.project().await;
    let reads = &world.reads;
    assert_eq!(walk(reads, LedgerStatus::Acknowledged, None).await, ["compute/1"]);
    assert_eq!(walk(reads, LedgerStatus::Pending, None).await, ["compute/4", "compute/5"]);
    assert_eq!(walk(reads, LedgerStatus::Rejected, None).await, ["compute/2", "compute/3"]);
    assert_eq!(walk(reads, LedgerStatus::Rejected, Some(NO_CUSTOMER)).await, ["compute/3"]);
    let (lost, unsent) = (entry(reads, 4).await, entry(reads, 5).await);
    assert_eq!((lost.sent_at, unsent.sent_at), (sent.sent_at, None));
    assert_eq!(entry(reads, 2).await.rejections, 1);
    let totals = reads.ledger_totals(live(1), Exporter::Stripe).await.unwrap();
    let totals: Vec<_> = totals.iter().map(|t| (t.code.as_deref(), t.records)).collect();
    let codes =
        [None, Some("rate_limited"), Some("timeout"), Some("archived_meter"), Some("no_customer")];
    assert_eq!(totals, codes.map(|code| (code, 1)));
    let page = LedgerFilter { status: Some(LedgerStatus::Rejected), ..LedgerFilter::default() };
    let first = reads.ledger(live(1), &page, Page::first(1)).await.unwrap();
    assert_eq!(first[0].value.id, "compute/3");
    let rest = Page { before: Some(first[0].seq), limit: 9 };
    let rest = reads.ledger(live(1), &page, rest).await.unwrap();
    assert_eq!((rest.len(), &*rest[0].value.id), (1, "compute/2"));
    // Of the two in doubt, the biller may have one.
    let of = reads.ledger_of_customer(live(1), Exporter::Stripe, "cus_1", EVER).await.unwrap();
    assert_eq!(of.len(), 4);
}

on_both!(a_record_that_is_sent_again_keeps_what_is_known_of_it);
async fn a_record_that_is_sent_again_keeps_what_is_known_of_it(on: Store) {
    let mut world = World::new(on).await;
    let push = start(&mut world, live(1), Exporter::Stripe).await;
    send(&mut world, &push, 1, vec![record(1), refused(2)]).await;
    report(&mut world, &push, 1, vec![ExportOutcome::unknown("compute/1", "timeout")]).await;
    world.project().await;
    let first = entry(&world.reads, 1).await;
    world.command::<Export>(push, ExportCommand::Finish { skipped: 0 }).await;
    // With nothing at hand, so that the fold has to look.
    world.reopen().await;
    world.pass_time(3_600_000);
    let next = start(&mut world, live(1), Exporter::Stripe).await;
    send(&mut world, &next, 1, vec![record(1), record(2)]).await;
    let outcomes = vec![
        ExportOutcome::unsent("compute/1", "rate_limited"),
        ExportOutcome::acknowledged("compute/2"),
    ];
    report(&mut world, &next, 1, outcomes).await;
    world.project().await;
    let again = entry(&world.reads, 1).await;
    assert_eq!((again.status, again.sent_at), (LedgerStatus::Pending, first.sent_at));
    assert_ne!(again.export_id, first.export_id);
    let mapped = entry(&world.reads, 2).await;
    assert_eq!((mapped.status, mapped.code), (LedgerStatus::Acknowledged, None));
    let told = vec![ExportOutcome::unsent("compute/1", "reconciled")];
    world.command::<Export>(next, ExportCommand::Reconcile { outcomes: told }).await;
    world.project().await;
    assert_eq!(entry(&world.reads, 1).await.sent_at, None);
    // The other biller knows nothing of it.
    let ids = [record(1).id];
    let other = world.reads.ledger_of(live(1), Exporter::Metronome, &ids).await.unwrap();
    assert_eq!(other, []);
}

/// What every query of pushes gives to `tenant`.
pub async fn seen(r: &ReadModels, tenant: Scope, push: &StreamId) -> Vec<(&'static str, usize)> {
    let page = Page::first(100);
    let (stripe, id) = (Exporter::Stripe, push.key().parse().unwrap());
    let of_push = LedgerFilter { export_id: Some(id), ..LedgerFilter::default() };
    let ids = [record(1).id, record(2).id];
    let pending = (LedgerStatus::Pending, None);
    let of_customer = r.ledger_of_customer(tenant, stripe, "cus_1", EVER);
    vec![
        ("export", usize::from(r.export(tenant, id).await.unwrap().is_some())),
        ("exports", r.exports(tenant, None, page).await.unwrap().len()),
        ("exports to", r.exports(tenant, Some(stripe), page).await.unwrap().len()),
        ("ledger", r.ledger(tenant, &LedgerFilter::default(), page).await.unwrap().len()),
        ("ledger of push", r.ledger(tenant, &of_push, page).await.unwrap().len()),
        ("ledger of", r.ledger_of(tenant, stripe, &ids).await.unwrap().len()),
        (
            "ledger walk",
            r.ledger_walk(tenant, stripe, pending, Position(u64::MAX), (0, 9)).await.unwrap().len(),
        ),
        ("ledger totals", r.ledger_totals(tenant, stripe).await.unwrap().len()),
        ("ledger of customer", of_customer.await.unwrap().len()),
    ]
}

on_both!(a_running_push_is_found_by_who_carries_it_out);
async fn a_running_push_is_found_by_who_carries_it_out(on: Store) {
    let mut world = World::new(on).await;
    let (one, two) = (live(1), scope(2, Mode::Test));
    let over = start(&mut world, one, Exporter::Stripe).await;
    world.command::<Export>(over, ExportCommand::Finish { skipped: 0 }).await;
    let running = start(&mut world, two, Exporter::Stripe).await;
    world.project().await;
    let found = world.reads.running_exports(0, 9).await.unwrap();
    let found: Vec<_> =
        found.iter().map(|found| StreamId::export(found.scope, found.row.value.id)).collect();
    assert_eq!(found, [running]);
}
