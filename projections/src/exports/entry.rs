use std::str::FromStr;

use theazo_domain::export::{ExportOutcome, ExportRecord, Outcome};
use theazo_domain::{ExportId, Pico, SessionId, Timestamp};
use theazo_log::Position;

use crate::ReadError;
use crate::dialect::DbRow;
use crate::query::{read_u64, unreadable};

/// Events that one commit may have; a record's place is its commit's position times this, plus the
/// event's place there.
const PER_COMMIT: u64 = 65_536;

/// Whether a biller has a usage record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LedgerStatus {
    /// It may have it, or not yet: the next push settles that.
    Pending,
    Acknowledged,
    Rejected,
}

impl LedgerStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            LedgerStatus::Pending => "pending",
            LedgerStatus::Acknowledged => "acknowledged",
            LedgerStatus::Rejected => "rejected",
        }
    }
}

impl FromStr for LedgerStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "pending" => Ok(LedgerStatus::Pending),
            "acknowledged" => Ok(LedgerStatus::Acknowledged),
            "rejected" => Ok(LedgerStatus::Rejected),
            _ => Err("must be `pending`, `acknowledged` or `rejected`".to_owned()),
        }
    }
}

/// What has become of one usage record at one biller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The usage record's id.
    pub id: String,
    /// Where it is in the log, as one number: entries are in this order.
    pub place: u64,
    pub status: LedgerStatus,
    /// Why, unless it is acknowledged.
    pub code: Option<String>,
    /// The push that sent it last.
    pub export_id: ExportId,
    pub session_id: SessionId,
    pub user_id: String,
    pub customer: Option<String>,
    pub used_at: Timestamp,
    pub cost: Pico,
    /// How often the biller has rejected it.
    pub rejections: u32,
    /// The first time that it was sent and the biller may have taken it, while that is not known.
    pub sent_at: Option<Timestamp>,
    /// When its status was last written.
    pub told_at: Timestamp,
    /// The commit that says so.
    pub changed: Position,
}

impl LedgerEntry {
    /// The commit of the usage record, and the event's place in it.
    pub fn position(&self) -> (u64, u32) {
        (self.place / PER_COMMIT, u32::try_from(self.place % PER_COMMIT).unwrap_or(u32::MAX))
    }

    /// An entry for a record that is about to be sent; `before` is what there was of it.
    pub(super) fn begin(
        before: Option<&LedgerEntry>,
        record: &ExportRecord,
        (export_id, at, changed): (ExportId, Timestamp, Position),
    ) -> Option<Self> {
        let place = record.position.checked_mul(PER_COMMIT)?;
        let pending = before.filter(|entry| entry.status == LedgerStatus::Pending);
        let sent = record.refused.is_none();
        Some(Self {
            id: record.id.clone(),
            place: place.checked_add(record.ordinal.into())?,
            status: if sent { LedgerStatus::Pending } else { LedgerStatus::Rejected },
            code: record.refused.clone(),
            export_id,
            session_id: record.session_id,
            user_id: record.user_id.clone(),
            customer: record.customer.clone(),
            used_at: record.at,
            cost: record.cost,
            rejections: record.rejections,
            sent_at: pending.and_then(|entry| entry.sent_at).or_else(|| sent.then_some(at)),
            told_at: at,
            changed,
        })
    }

    pub(super) fn settle(&mut self, told: &ExportOutcome, at: Timestamp, changed: Position) {
        self.code.clone_from(&told.code);
        match told.outcome {
            Outcome::Acknowledged => self.status = LedgerStatus::Acknowledged,
            Outcome::Rejected => {
                self.status = LedgerStatus::Rejected;
                self.rejections = self.rejections.saturating_add(1);
                self.sent_at = None;
            }
            Outcome::Unknown => {}
            // What was sent before stays as unknown as it was.
            Outcome::Unsent if self.sent_at == Some(self.told_at) => self.sent_at = None,
            Outcome::Unsent => {}
        }
        self.told_at = at;
        self.changed = changed;
    }

    /// What the biller's sums say of it.
    pub(super) fn reconcile(&mut self, told: &ExportOutcome, at: Timestamp, changed: Position) {
        self.settle(told, at, changed);
        if told.outcome == Outcome::Unsent {
            self.sent_at = None;
        }
    }

    pub(super) fn read(row: &DbRow) -> Result<Self, ReadError> {
        let time = |column: &'static str| row.integer(column).map(Timestamp::from_millis);
        let owned = |column: &'static str| row.text(column).map(str::to_owned);
        let some = |column: &'static str| -> Result<Option<String>, sqlx::Error> {
            Ok(row.some_text(column)?.map(str::to_owned))
        };
        let sent_at = time("sent_at")?;
        Ok(Self {
            id: owned("id")?,
            place: read_u64(row, "place")?,
            status: row.text("status")?.parse().map_err(unreadable)?,
            code: some("code")?,
            export_id: row.text("export_id")?.parse().map_err(unreadable)?,
            session_id: row.text("session_id")?.parse().map_err(unreadable)?,
            user_id: owned("user_id")?,
            customer: some("customer")?,
            used_at: time("used_at")?,
            cost: Pico(row.text("cost")?.parse().map_err(unreadable)?),
            rejections: u32::try_from(read_u64(row, "rejections")?).map_err(unreadable)?,
            sent_at: (sent_at != Timestamp::default()).then_some(sent_at),
            told_at: time("told_at")?,
            changed: Position(read_u64(row, "changed")?),
        })
    }
}
