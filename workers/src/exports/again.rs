//! What earlier pushes left open: records that may not have got there, those whose user had no
//! customer, and where it was asked for what the biller has rejected.

use std::ops::ControlFlow;

use theazo_commands::{CommandError, now};
use theazo_domain::export::{ExportCommand, ExportOutcome, ExportRecord, NO_CUSTOMER, Outcome};
use theazo_domain::session::Session;
use theazo_domain::{Pico, StreamId, Timestamp};
use theazo_projections::{LedgerEntry, LedgerStatus};

use super::push::{Flow, Push, unavailable};

/// Rows read at once.
const ROWS: u32 = 100;
/// The code of what the biller's sums told.
const RECONCILED: &str = "reconciled";
/// The biller's sums are of whole minutes. Milliseconds.
const MINUTE: i64 = 60_000;

impl Push<'_> {
    /// Sends again what is to be sent again. What this push has done already is passed over, by
    /// what the ledger says since it began.
    pub(super) async fn again(&mut self) -> Result<Flow, CommandError> {
        let rejected = (!self.export.retry_rejected).then_some(NO_CUSTOMER);
        for which in [(LedgerStatus::Pending, None), (LedgerStatus::Rejected, rejected)] {
            let mut after = 0;
            loop {
                let (reads, exporter) = (&self.means.reads, self.export.exporter);
                let page = (after, ROWS);
                let entries = reads.ledger_walk(self.scope, exporter, which, self.began, page);
                let entries = entries.await.map_err(unavailable)?;
                let Some(last) = entries.last() else { break };
                after = last.place;
                if self.send_again(entries).await?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn send_again(&mut self, entries: Vec<LedgerEntry>) -> Result<Flow, CommandError> {
        let (mut records, mut settled) = (Vec::new(), Vec::new());
        let remembered = self.exporter.remembers().as_millis();
        for entry in entries.iter().filter(|entry| self.export.includes(entry.used_at)) {
            let sent = entry.sent_at.filter(|_| entry.status == LedgerStatus::Pending);
            let forgotten = sent.is_some_and(|at| u128::from(now().millis_since(at)) >= remembered);
            if forgotten {
                match self.look_up(entry).await? {
                    Some(Outcome::Acknowledged) => {
                        settled.push(ExportOutcome::acknowledged(&entry.id));
                        continue;
                    }
                    Some(Outcome::Unsent) => {
                        settled.push(ExportOutcome::unsent(&entry.id, RECONCILED));
                    }
                    // It stays in doubt: better not billed than billed twice.
                    _ => continue,
                }
            }
            records.extend(self.renewed(entry, sent.is_some() && !forgotten).await?);
        }
        if !settled.is_empty() {
            let reconcile = ExportCommand::Reconcile { outcomes: settled };
            if self.tell(&reconcile).await?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.batch(records, self.export.replayed).await
    }

    /// The record of `entry` as it is to be sent now; none where nothing has changed. `same`: it
    /// may be there already, so it has to be the same in everything.
    async fn renewed(
        &self,
        entry: &LedgerEntry,
        same: bool,
    ) -> Result<Option<ExportRecord>, CommandError> {
        let customer = match same {
            true => entry.customer.clone(),
            false => {
                let stream = StreamId::session(self.scope, entry.session_id);
                let session = self.means.host.commander.load_fresh::<Session>(&stream).await?;
                let metadata = session.state.map(|session| session.metadata.clone());
                self.customer(&entry.user_id, &metadata.unwrap_or_default())
            }
        };
        let (position, ordinal) = entry.position();
        let record = self.examined(ExportRecord {
            id: entry.id.clone(),
            position,
            ordinal,
            session_id: entry.session_id,
            user_id: entry.user_id.clone(),
            at: entry.used_at,
            cost: entry.cost,
            customer,
            rejections: entry.rejections,
            refused: None,
        });
        let unchanged = record.refused.is_some()
            && (same || (entry.status == LedgerStatus::Rejected && entry.code == record.refused));
        Ok((!unchanged).then_some(record))
    }

    /// Whether the biller has what `entry` says was sent, as its sum of that customer and minute
    /// tells; `None` where it does not.
    async fn look_up(&self, entry: &LedgerEntry) -> Result<Option<Outcome>, CommandError> {
        let Some(customer) = &entry.customer else { return Ok(None) };
        let minute = entry.used_at.as_millis().div_euclid(MINUTE).saturating_mul(MINUTE);
        let from = Timestamp::from_millis(minute);
        let until = Timestamp::from_millis(minute.saturating_add(MINUTE));
        let total = match self.exporter.total(customer, from, until).await {
            Ok(Some(total)) => total,
            Ok(None) => return Ok(None),
            Err(failure) => {
                tracing::warn!(code = failure.code, "a biller does not tell its sums");
                return Ok(None);
            }
        };
        let (reads, exporter) = (&self.means.reads, self.export.exporter);
        let around = reads.ledger_of_customer(self.scope, exporter, customer, (from, until));
        let around = around.await.map_err(unavailable)?;
        Ok(told_by(total, &around))
    }
}

/// What a sum tells of all that is in doubt in it: that the biller has all of it, or nothing.
fn told_by(total: Pico, around: &[LedgerEntry]) -> Option<Outcome> {
    let sum = |keep: &dyn Fn(&LedgerEntry) -> bool| -> Pico {
        around.iter().filter(|entry| keep(entry)).map(|entry| entry.cost).sum()
    };
    let taken = sum(&|entry| entry.status == LedgerStatus::Acknowledged);
    let doubtful = sum(&|entry| entry.status == LedgerStatus::Pending && entry.sent_at.is_some());
    match total {
        total if total == taken + doubtful => Some(Outcome::Acknowledged),
        total if total == taken => Some(Outcome::Unsent),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use theazo_domain::{ExportId, SessionId};
    use theazo_log::Position;
    use uuid::Uuid;

    use super::*;

    fn entry(status: LedgerStatus, cost: i128, sent: bool) -> LedgerEntry {
        let at = Timestamp::from_millis(1);
        LedgerEntry {
            id: "compute/1".to_owned(),
            place: 1,
            status,
            code: None,
            export_id: ExportId::from_uuid(Uuid::from_u128(1)),
            session_id: SessionId::from_uuid(Uuid::from_u128(1)),
            user_id: "ann".to_owned(),
            customer: Some("cus_1".to_owned()),
            used_at: at,
            cost: Pico(cost),
            rejections: 0,
            sent_at: sent.then_some(at),
            told_at: at,
            changed: Position(1),
        }
    }

    #[test]
    fn a_sum_tells_of_all_or_of_none() {
        let around = [
            entry(LedgerStatus::Acknowledged, 5, true),
            entry(LedgerStatus::Rejected, 100, false),
            entry(LedgerStatus::Pending, 1_000, false),
            entry(LedgerStatus::Pending, 7, true),
            entry(LedgerStatus::Pending, 8, true),
        ];
        assert_eq!(told_by(Pico(20), &around), Some(Outcome::Acknowledged));
        assert_eq!(told_by(Pico(5), &around), Some(Outcome::Unsent));
        for odd in [0, 12, 13, 21, 120] {
            assert_eq!(told_by(Pico(odd), &around), None, "{odd}");
        }
    }
}
