//! Random pushes: the proof's fold of them and the read model's, which are written differently,
//! come to the same ledger.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use theazo_billing::{Owned, Place};
use theazo_domain::export::{ExportEvent, ExportOutcome, ExportRecord, Exporter, Outcome};
use theazo_domain::{Event, Pico, Timestamp};

use crate::ledger::{checked, completed, push_at, record, started};
use crate::support::{World, at, may, scope};
use crate::verify::reads;

const RECORDS: usize = 4;

#[derive(Debug, Clone)]
enum Step {
    /// A batch with these; those that are marked are refused.
    Send(Vec<(usize, bool)>),
    /// What came of one, so or by the biller's sums.
    Told(usize, Outcome, bool),
}

/// Steps, each with the seconds before it.
fn steps() -> impl Strategy<Value = Vec<(Step, i64)>> {
    let outcomes =
        vec![Outcome::Acknowledged, Outcome::Rejected, Outcome::Unknown, Outcome::Unsent];
    let batch = prop::collection::vec((0..RECORDS, prop::bool::weighted(0.2)), 1..4);
    let told = (0..RECORDS, select(outcomes), any::<bool>());
    let step = prop_oneof![
        batch.prop_map(Step::Send),
        told.prop_map(|(record, outcome, looked_up)| Step::Told(record, outcome, looked_up)),
    ];
    prop::collection::vec((step, 0i64..2), 1..40)
}

/// The event of a step; none where it tells of what was never sent.
fn event(step: Step, records: &[Owned], rejected: &mut [Option<u32>]) -> Option<Event> {
    match step {
        Step::Send(which) => {
            let of = |(n, refused): (usize, bool)| {
                let rejections = *rejected[n].get_or_insert(0);
                let refused = refused.then(|| "timestamp_in_future".to_owned());
                let customer = Some(format!("cus_{}", n % 2));
                ExportRecord { rejections, refused, customer, ..record(&records[n]) }
            };
            Some(started(1, which.into_iter().map(of).collect()))
        }
        Step::Told(n, outcome, looked_up) => {
            let rejections = rejected[n].as_mut()?;
            *rejections += u32::from(outcome == Outcome::Rejected);
            let id = records[n].record().id().to_owned();
            let code = (outcome != Outcome::Acknowledged).then(|| format!("{outcome:?}"));
            let outcomes = vec![ExportOutcome { id, outcome, code }];
            let exporter = Exporter::Stripe;
            Some(match looked_up {
                true => ExportEvent::Reconciled { exporter, outcomes }.into(),
                false => completed(1, outcomes),
            })
        }
    }
}

async fn check(steps: Vec<(Step, i64)>) -> Result<(), TestCaseError> {
    let mut world = World::new().await;
    world.session(scope(1), 1, "ann", None).await;
    let mut time = at("2026-05-20T00:00:00Z");
    for step in 0..4 {
        world.call(scope(1), (1, step), time, time, Pico(7 + i128::from(step))).await;
    }
    let records = world.records(scope(1), Place::START, may()).await;
    let mut rejected = [None; RECORDS];
    for (step, seconds) in steps {
        time = Timestamp::from_millis(time.as_millis() + seconds * 1_000);
        if let Some(event) = event(step, &records, &mut rejected) {
            push_at(&mut world, time, event).await;
        }
    }
    let reads = reads(world.log()).await;
    let report = checked(&world, &reads, scope(1), None).await;
    prop_assert!(report.ok(), "{:#?}", report.differences);
    let sent = rejected.iter().flatten().count() as u64;
    let rows = report.checked.iter().find(|checked| checked.name == "stripe_ledger");
    prop_assert_eq!(rows.map_or(0, |checked| checked.rows), sent);
    Ok(())
}

#[test]
fn both_folds_of_a_ledger_come_to_the_same() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 40, ..Config::default() });
    runner.run(&steps(), |steps| runtime.block_on(check(steps))).unwrap();
}

/// Rows are newer than the fold all the time, and never wrong for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_is_verified_while_pushes_go_on() {
    let mut world = World::new().await;
    world.session(scope(1), 1, "ann", None).await;
    let time = at("2026-05-20T00:00:00Z");
    for step in 0..200 {
        world.call(scope(1), (1, step), time, time, Pico(5)).await;
    }
    let records = world.records(scope(1), Place::START, may()).await;
    let (reads, log) = (reads(world.log()).await, world.log());
    let writer = tokio::spawn(async move {
        for owned in &records {
            let sent = ExportRecord { customer: None, ..record(owned) };
            let acknowledged = ExportOutcome::acknowledged(&sent.id);
            push_at(&mut world, time, started(1, vec![sent])).await;
            push_at(&mut world, time, completed(1, vec![acknowledged])).await;
        }
        world
    });
    let (mut rounds, models) = (0, theazo_billing::compared(&may()));
    while rounds < 3 || !writer.is_finished() {
        let report = theazo_billing::verify(
            log.clone(),
            &reads.models,
            scope(1),
            may(),
            &models,
            None,
            |_, _| (),
        );
        let report = report.await.unwrap();
        assert!(report.ok(), "{:#?}", report.differences);
        rounds += 1;
    }
    writer.await.unwrap();
}
