//! Pushes of usage to billers.

use theazo_domain::export::{ExportEvent, ExportOutcome, ExportRecord, Exporter};

use super::*;

fn export_id() -> ExportId {
    ExportId::from_uuid(bits(12))
}

fn record() -> ExportRecord {
    ExportRecord {
        id: format!("compute/{}/0", agent_id()),
        position: 1_204,
        ordinal: 1,
        session_id: session_id(),
        user_id: text("user_123"),
        at: Timestamp::from_millis(1_790_000_000_000),
        cost: Pico(50_000_833_333),
        customer: None,
        rejections: 0,
        refused: Some(text("no_customer")),
    }
}

pub fn all() -> Vec<Event> {
    let started = |exporter, from, until, retry_rejected| ExportEvent::Started {
        export_id: export_id(),
        exporter,
        number: 2,
        from,
        until,
        retry_rejected,
        after: 1_200,
        upto: 1_300,
    };
    let sent = ExportRecord {
        id: format!("compute/{}/1", agent_id()),
        customer: Some(text("cus_123")),
        rejections: 1,
        refused: None,
        ..record()
    };
    let (from, until) = (Timestamp::from_millis(0), Timestamp::from_millis(1_790_000_000_000));
    let id = format!("compute/{}/1", agent_id());
    let outcomes = vec![
        ExportOutcome::acknowledged(&id),
        ExportOutcome::rejected(&id, "meter_event_customer_not_found"),
        ExportOutcome::unknown(&id, "timeout"),
        ExportOutcome::unsent(&id, "rate_limited"),
    ];
    [
        started(Exporter::Stripe, None, None, false),
        started(Exporter::Metronome, Some(from), Some(until), true),
        ExportEvent::BatchStarted {
            exporter: Exporter::Stripe,
            batch: 1,
            records: vec![record(), sent],
            replayed: 1_204,
            skipped: 7,
        },
        ExportEvent::BatchCompleted { exporter: Exporter::Stripe, batch: 1, outcomes },
        ExportEvent::Reconciled {
            exporter: Exporter::Stripe,
            outcomes: vec![ExportOutcome::unsent(&id, "reconciled")],
        },
        ExportEvent::Finished { skipped: 3 },
        ExportEvent::Failed { failure: failure() },
    ]
    .map(Event::from)
    .into()
}
