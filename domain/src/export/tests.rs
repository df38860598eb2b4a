use uuid::Uuid;

use super::{
    Export, ExportCommand as C, ExportEvent as E, ExportOutcome, ExportRecord, ExportStatus,
    Exporter, NO_CUSTOMER, StartExport,
};
use crate::agent::Failure;
use crate::testing::examples::session_id;
use crate::testing::{self, Given, at};
use crate::{ExportId, Pico};

fn given(events: impl IntoIterator<Item = E>) -> Given<Export> {
    testing::given(events)
}

fn start() -> StartExport {
    StartExport {
        export_id: ExportId::from_uuid(Uuid::from_u128(1)),
        exporter: Exporter::Stripe,
        number: 1,
        from: None,
        until: None,
        retry_rejected: false,
        after: 10,
        upto: 50,
    }
}

fn started() -> E {
    let StartExport { export_id, exporter, number, from, until, retry_rejected, after, upto } =
        start();
    E::Started { export_id, exporter, number, from, until, retry_rejected, after, upto }
}

fn record(n: u64) -> ExportRecord {
    ExportRecord {
        id: format!("compute/{n}"),
        position: 10 + n,
        ordinal: 0,
        session_id: session_id(),
        user_id: "ann".to_owned(),
        at: at(0),
        cost: Pico(7),
        customer: Some("cus_1".to_owned()),
        rejections: 0,
        refused: None,
    }
}

fn refused(n: u64) -> ExportRecord {
    ExportRecord { customer: None, refused: Some(NO_CUSTOMER.to_owned()), ..record(n) }
}

fn send(batch: u32, records: Vec<ExportRecord>, replayed: u64) -> C {
    C::Send { batch, records, replayed, skipped: 2 }
}

fn sent(batch: u32, records: Vec<ExportRecord>, replayed: u64) -> E {
    E::BatchStarted { exporter: Exporter::Stripe, batch, records, replayed, skipped: 2 }
}

fn report(batch: u32, outcomes: Vec<ExportOutcome>) -> C {
    C::Report { batch, outcomes }
}

fn done(outcomes: Vec<ExportOutcome>) -> E {
    E::BatchCompleted { exporter: Exporter::Stripe, batch: 1, outcomes }
}

fn yes(n: u64) -> ExportOutcome {
    ExportOutcome::acknowledged(&record(n).id)
}

#[test]
fn a_batch_is_begun_once_and_told_of_once() {
    let told = done(vec![yes(1), yes(2)]);
    let export = given([started()])
        .when(&send(1, vec![record(1), record(2)], 12))
        .then([sent(1, vec![record(1), record(2)], 12)])
        // Another who carries it out too.
        .when(&send(1, vec![record(1)], 11))
        .then_nothing()
        .when(&send(2, vec![record(3)], 13))
        .then_nothing()
        .when(&report(1, vec![yes(2), yes(1)]))
        .then([done(vec![yes(2), yes(1)])])
        .when(&report(1, vec![yes(1), yes(2)]))
        .then_nothing()
        .state();
    assert_eq!((export.counts.acknowledged, export.counts.cost), (2, Pico(14)));
    assert_eq!((export.counts.skipped, export.replayed, export.batch), (2, 12, 1));
    assert!(export.open.is_empty());
    given([started(), sent(1, vec![record(1), record(2)], 12), told])
        .when(&send(2, vec![record(3)], 13))
        .then([sent(2, vec![record(3)], 13)]);
}

#[test]
fn what_is_refused_has_its_outcome_at_once() {
    let export = given([started()])
        .when(&send(1, vec![refused(1), record(2), refused(3)], 13))
        .then_accepted()
        .state();
    assert_eq!(export.open, [record(2)]);
    assert_eq!((export.counts.rejected, export.counts.codes[NO_CUSTOMER]), (2, 2));
    assert_eq!(export.users_without_customer, [("ann".to_owned(), 2)].into());
    let export = given([started(), sent(1, vec![refused(1)], 11)])
        .when(&C::Finish { skipped: 3 })
        .then([E::Finished { skipped: 3 }])
        .state();
    assert_eq!((export.status, export.counts.skipped), (ExportStatus::Finished, 5));
    assert_eq!((export.replayed, export.covers()), (50, 50));
}

#[test]
fn every_outcome_is_counted_with_its_code() {
    let records = (1..=4).map(record).collect();
    let id = |n| record(n).id;
    let outcomes = vec![
        yes(1),
        ExportOutcome::rejected(&id(2), "archived_meter"),
        ExportOutcome::unknown(&id(3), "timeout"),
        ExportOutcome::unsent(&id(4), "rate_limited"),
    ];
    let export =
        given([started(), sent(1, records, 14)]).when(&report(1, outcomes)).then_accepted().state();
    let counts = export.counts;
    assert_eq!((counts.acknowledged, counts.rejected, counts.pending), (1, 1, 2));
    assert_eq!(counts.codes.len(), 3);
}

#[test]
fn an_outcome_is_of_a_record_of_its_batch() {
    let open = given([started(), sent(1, vec![record(1), record(2)], 12)]);
    for outcomes in
        [vec![yes(1)], vec![yes(1), yes(3)], vec![yes(1), yes(1)], vec![yes(1), yes(2), yes(2)]]
    {
        open.clone().when(&report(1, outcomes)).then_invalid(&["outcomes"]);
    }
    open.clone().when(&C::Finish { skipped: 0 }).then_conflict("no outcome");
    let failure = Failure { code: "unauthorized".to_owned(), message: "no".to_owned() };
    open.when(&C::Fail(failure)).then_conflict("no outcome");
}

#[test]
fn it_goes_on_and_not_past_its_end() {
    let after = given([started()]);
    after.clone().when(&send(1, vec![], 20)).then_invalid(&["records"]);
    after.clone().when(&send(1, vec![record(1); 101], 20)).then_invalid(&["records"]);
    after.clone().when(&send(1, vec![record(1)], 9)).then_invalid(&["replayed"]);
    after.clone().when(&send(1, vec![record(1)], 51)).then_invalid(&["replayed"]);
    // What earlier pushes left open is behind.
    after.when(&send(1, vec![record(1)], 10)).then_accepted();
}

#[test]
fn there_is_one_at_a_time_and_its_end_is_for_good() {
    given([])
        .when(&C::Start(start()))
        .then([started()])
        .when(&C::Start(start()))
        .then_conflict("way");
    given([]).when(&C::Finish { skipped: 0 }).then_not_found();
    let failure = Failure { code: "unauthorized".to_owned(), message: "no".to_owned() };
    let failed = given([started(), sent(1, vec![refused(1)], 20)])
        .when(&C::Fail(failure.clone()))
        .then([E::Failed { failure: failure.clone() }]);
    for command in [
        C::Start(start()),
        send(2, vec![record(1)], 20),
        C::Fail(failure),
        C::Finish { skipped: 1 },
    ] {
        failed.clone().when(&command).then_nothing();
    }
    let failed = failed.state();
    assert_eq!((failed.status, failed.covers()), (ExportStatus::Failed, 20));
}

#[test]
fn a_push_of_a_period_leaves_the_rest_to_others() {
    let period = StartExport { from: Some(at(0)), until: Some(at(10)), ..start() };
    let export = given([])
        .when(&C::Start(period))
        .then_accepted()
        .when(&C::Finish { skipped: 0 })
        .then_accepted()
        .state();
    assert_eq!(export.covers(), 10);
    assert!(export.includes(at(0)) && export.includes(at(9)) && !export.includes(at(10)));
    let nothing = StartExport { from: Some(at(10)), until: Some(at(10)), ..start() };
    given([]).when(&C::Start(nothing)).then_invalid(&["until"]);
}

#[test]
fn what_earlier_pushes_left_in_doubt_is_settled() {
    let outcomes = vec![yes(1), ExportOutcome::unsent("compute/2", "reconciled")];
    let exporter = Exporter::Stripe;
    let export = given([started()])
        .when(&C::Reconcile { outcomes: outcomes.clone() })
        .then([E::Reconciled { exporter, outcomes: outcomes.clone() }])
        .state();
    assert_eq!((export.counts.acknowledged, export.counts.pending), (1, 0));
    assert_eq!(export.counts.cost, Pico(0));
    given([started()]).when(&C::Reconcile { outcomes: vec![] }).then_invalid(&["outcomes"]);
    given([started(), sent(1, vec![record(1)], 12)])
        .when(&C::Reconcile { outcomes })
        .then_conflict("no outcome");
}
