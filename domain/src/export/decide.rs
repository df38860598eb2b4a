use std::collections::BTreeSet;

use crate::Rejection;

use super::{BATCH, Export, ExportCommand, ExportEvent, ExportStatus, StartExport};

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
            let next = now.batch.checked_add(1) == Some(*batch);
            if !next || !now.open.is_empty() {
                return Ok(vec![]);
            }
            if records.is_empty() || records.len() > BATCH {
                let message = format!("must be 1 to {BATCH}");
                return Err(Rejection::invalid("records", message));
            }
            if *replayed < now.replayed || *replayed > now.upto {
                return Err(Rejection::invalid("replayed", "must go on, and not past the end"));
            }
            Ok(vec![ExportEvent::BatchStarted {
                exporter: now.exporter,
                batch: *batch,
                records: records.clone(),
                replayed: *replayed,
                skipped: *skipped,
            }])
        }
        ExportCommand::Report { batch, outcomes } => {
            if *batch != now.batch || now.open.is_empty() {
                return Ok(vec![]);
            }
            let sent: BTreeSet<&str> = now.open.iter().map(|record| record.id.as_str()).collect();
            let told: BTreeSet<&str> = outcomes.iter().map(|told| told.id.as_str()).collect();
            if sent != told || outcomes.len() != now.open.len() {
                let message = "must be one of each record of the batch";
                return Err(Rejection::invalid("outcomes", message));
            }
            Ok(vec![ExportEvent::BatchCompleted {
                exporter: now.exporter,
                batch: *batch,
                outcomes: outcomes.clone(),
            }])
        }
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
