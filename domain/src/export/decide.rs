use std::collections::BTreeSet;

use crate::Rejection;

use super::{
    BATCH, Export, ExportCommand, ExportEvent, ExportOutcome, ExportRecord, ExportStatus,
    StartExport,
};

pub(super) fn decide(
    state: Option<&Export>,
    command: &ExportCommand,
) -> Result<Vec<ExportEvent>, Rejection> {
    let now = match (state, command) {
        (None, ExportCommand::Start(start)) => return begin(start),
        (None, _) => return Err(Rejection::not_found("export")),
        (Some(now), ExportCommand::Start(_)) if now.status == ExportStatus::Running => {
            return Err(Rejection::conflict(format!(
                "A push to {} is under way ({}); wait until it has ended.",
                now.exporter, now.id
            )));
        }
        // It has ended: the next one has another number.
        (Some(_), ExportCommand::Start(_)) => return Ok(vec![]),
        (Some(now), _) => now,
    };
    if now.status != ExportStatus::Running {
        return Ok(vec![]);
    }
    match command {
        ExportCommand::Start(_) => Ok(vec![]),
        ExportCommand::Send { batch, records, replayed, skipped } => {
            send(now, *batch, records, *replayed, *skipped)
        }
        ExportCommand::Report { batch, outcomes } => report(now, *batch, outcomes),
        ExportCommand::Reconcile { outcomes } => {
            no_batch_is_open(now)?;
            if outcomes.is_empty() || outcomes.len() > BATCH {
                return Err(Rejection::invalid("outcomes", format!("must be 1 to {BATCH}")));
            }
            let (exporter, outcomes) = (now.exporter, outcomes.clone());
            Ok(vec![ExportEvent::Reconciled { exporter, outcomes }])
        }
        ExportCommand::Finish { skipped } => {
            no_batch_is_open(now)?;
            Ok(vec![ExportEvent::Finished { skipped: *skipped }])
        }
        ExportCommand::Fail(failure) => {
            no_batch_is_open(now)?;
            Ok(vec![ExportEvent::Failed { failure: failure.clone() }])
        }
    }
}

/// Nothing, when somebody else has begun this batch or a later one.
fn send(
    now: &Export,
    batch: u32,
    records: &[ExportRecord],
    replayed: u64,
    skipped: u64,
) -> Result<Vec<ExportEvent>, Rejection> {
    let next = now.batch.checked_add(1) == Some(batch);
    if !next || !now.open.is_empty() {
        return Ok(vec![]);
    }
    if records.is_empty() || records.len() > BATCH {
        return Err(Rejection::invalid("records", format!("must be 1 to {BATCH}")));
    }
    if replayed < now.replayed || replayed > now.upto {
        return Err(Rejection::invalid("replayed", "must go on, and not past the end"));
    }
    let (exporter, records) = (now.exporter, records.to_vec());
    Ok(vec![ExportEvent::BatchStarted { exporter, batch, records, replayed, skipped }])
}

/// Nothing, when the outcomes of this batch are known.
fn report(
    now: &Export,
    batch: u32,
    outcomes: &[ExportOutcome],
) -> Result<Vec<ExportEvent>, Rejection> {
    if batch != now.batch || now.open.is_empty() {
        return Ok(vec![]);
    }
    let sent: BTreeSet<&str> = now.open.iter().map(|record| record.id.as_str()).collect();
    let told: BTreeSet<&str> = outcomes.iter().map(|told| told.id.as_str()).collect();
    if sent != told || outcomes.len() != now.open.len() {
        return Err(Rejection::invalid("outcomes", "must be one of each record of the batch"));
    }
    let (exporter, outcomes) = (now.exporter, outcomes.to_vec());
    Ok(vec![ExportEvent::BatchCompleted { exporter, batch, outcomes }])
}

fn begin(start: &StartExport) -> Result<Vec<ExportEvent>, Rejection> {
    if let (Some(from), Some(until)) = (start.from, start.until)
        && from >= until
    {
        return Err(Rejection::invalid("until", "must be after `from`"));
    }
    Ok(vec![ExportEvent::Started {
        export_id: start.export_id,
        exporter: start.exporter,
        number: start.number,
        from: start.from,
        until: start.until,
        retry_rejected: start.retry_rejected,
        after: start.after.min(start.upto),
        upto: start.upto,
    }])
}

fn no_batch_is_open(now: &Export) -> Result<(), Rejection> {
    match now.open.is_empty() {
        true => Ok(()),
        false => Err(Rejection::conflict("A batch of this push has no outcome yet.")),
    }
}
