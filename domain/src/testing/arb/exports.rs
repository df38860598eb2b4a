//! Pushes of usage to billers.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{export_id, failure, pico, session_id, text, timestamp};
use crate::export::{ExportEvent, ExportOutcome, ExportRecord, Exporter, Outcome};

pub fn exporter() -> impl Strategy<Value = Exporter> {
    prop::sample::select(Exporter::ALL.to_vec())
}

/// Of a few, so that outcomes meet their records.
fn usage_id() -> impl Strategy<Value = String> {
    (0u8..5).prop_map(|n| format!("compute/{n}"))
}

fn record() -> impl Strategy<Value = ExportRecord> {
    let place = (usage_id(), any::<u64>(), any::<u32>(), session_id(), text());
    let rest = (option::of(text()), 0u32..3, option::of(text()));
    (place, timestamp(), pico(), rest).prop_map(|(place, at, cost, rest)| {
        let (id, position, ordinal, session_id, user_id) = place;
        let (customer, rejections, refused) = rest;
        ExportRecord {
            id,
            position,
            ordinal,
            session_id,
            user_id,
            at,
            cost,
            customer,
            rejections,
            refused,
        }
    })
}

fn outcome() -> impl Strategy<Value = ExportOutcome> {
    let kind = prop::sample::select(vec![
        Outcome::Acknowledged,
        Outcome::Rejected,
        Outcome::Unknown,
        Outcome::Unsent,
    ]);
    (usage_id(), kind, option::of(text())).prop_map(|(id, outcome, code)| ExportOutcome {
        id,
        outcome,
        code,
    })
}

pub fn export_event() -> impl Strategy<Value = ExportEvent> {
    let started = (
        (export_id(), exporter(), any::<u32>(), any::<bool>()),
        (option::of(timestamp()), option::of(timestamp()), any::<u64>(), any::<u64>()),
    );
    prop_oneof![
        started.prop_map(|((export_id, exporter, number, retry_rejected), rest)| {
            let (from, until, after, upto) = rest;
            ExportEvent::Started {
                export_id,
                exporter,
                number,
                from,
                until,
                retry_rejected,
                after,
                upto,
            }
        }),
        (exporter(), 0u32..4, vec(record(), 0..4), any::<u64>(), any::<u64>()).prop_map(
            |(exporter, batch, records, replayed, skipped)| ExportEvent::BatchStarted {
                exporter,
                batch,
                records,
                replayed,
                skipped,
            }
        ),
        (exporter(), 0u32..4, vec(outcome(), 0..4)).prop_map(|(exporter, batch, outcomes)| {
            ExportEvent::BatchCompleted { exporter, batch, outcomes }
        }),
        (exporter(), vec(outcome(), 0..4))
            .prop_map(|(exporter, outcomes)| ExportEvent::Reconciled { exporter, outcomes }),
        any::<u64>().prop_map(|skipped| ExportEvent::Finished { skipped }),
        failure().prop_map(|failure| ExportEvent::Failed { failure }),
    ]
}
