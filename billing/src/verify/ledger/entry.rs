//! What the events of pushes say of one usage record, small: there is one for each record.

use std::collections::HashMap;
use std::sync::Arc;

use theazo_domain::export::{ExportOutcome, ExportRecord, Outcome};
use theazo_domain::{Pico, Timestamp};
use theazo_log::Position;
use theazo_projections::{LedgerEntry, LedgerStatus};

use crate::Place;

/// Texts that many entries share, by number. Zero is none.
#[derive(Default)]
pub(super) struct Names {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
}

impl Names {
    fn number(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else { return 0 };
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let text: Arc<str> = text.into();
        self.texts.push(text.clone());
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text, number);
        number
    }

    pub fn text(&self, number: u32) -> Option<&str> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.texts.get(index).map(|text| &**text)
    }
}

/// A field that is not what it must be: what the log says, and what the ledger has.
pub(super) type Wrong = (&'static str, String, String);

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// The usage record's.
    pub place: Place,
    pub cost: Pico,
    pub used_at: Timestamp,
    pub status: LedgerStatus,
    /// Of [`Names`], as the four after it.
    pub code: u32,
    user: u32,
    pub customer: u32,
    session: u32,
    export: u32,
    rejections: u32,
    /// Since when the biller may have it without having said so.
    doubt: Option<Timestamp>,
    /// When it was told of last, and by which event.
    at: Timestamp,
    pub told: Place,
    /// The first commit that is about it.
    pub first: Position,
    /// The ledger has a row of it.
    pub there: bool,
}

impl Entry {
    /// A push is about to send the record, or says why it does not.
    pub fn sent(
        before: Option<&Entry>,
        record: &ExportRecord,
        (export, at, told): (&str, Timestamp, Place),
        names: &mut Names,
    ) -> Self {
        let doubt = match before {
            Some(Entry { status: LedgerStatus::Pending, doubt: Some(since), .. }) => Some(*since),
            _ if record.refused.is_some() => None,
            _ => Some(at),
        };
        let index = usize::try_from(record.ordinal).unwrap_or(usize::MAX);
        Self {
            place: Place { position: Position(record.position), index },
            cost: record.cost,
            used_at: record.at,
            status: match record.refused {
                Some(_) => LedgerStatus::Rejected,
                None => LedgerStatus::Pending,
            },
            code: names.number(record.refused.as_deref()),
            user: names.number(Some(&record.user_id)),
            customer: names.number(record.customer.as_deref()),
            session: names.number(Some(&record.session_id.to_string())),
            export: names.number(Some(export)),
            rejections: record.rejections,
            doubt,
            at,
            told,
            first: before.map_or(told.position, |before| before.first),
            there: before.is_some_and(|before| before.there),
        }
    }

    /// What came of it. `looked_up`: by the biller's sums.
    pub fn told(
        &mut self,
        outcome: &ExportOutcome,
        looked_up: bool,
        (at, told): (Timestamp, Place),
        names: &mut Names,
    ) {
        match outcome.outcome {
            Outcome::Acknowledged => self.status = LedgerStatus::Acknowledged,
            Outcome::Rejected => {
                self.status = LedgerStatus::Rejected;
                self.rejections = self.rejections.saturating_add(1);
                self.doubt = None;
            }
            // It was sent for the first time, and is not there.
            Outcome::Unsent if looked_up || self.doubt == Some(self.at) => self.doubt = None,
            Outcome::Unsent | Outcome::Unknown => {}
        }
        self.code = names.number(outcome.code.as_deref());
        (self.at, self.told) = (at, told);
    }

    /// Whether the biller may have it, though nobody says so.
    pub fn in_doubt(&self) -> bool {
        self.status == LedgerStatus::Pending && self.doubt.is_some()
    }

    /// What of the ledger's `row` is otherwise.
    pub fn differs(&self, row: &LedgerEntry, names: &Names) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let mut number = |field, must: i128, is: i128| {
            if must != is {
                wrong.push((field, must.to_string(), is.to_string()));
            }
        };
        let millis = |at: Option<Timestamp>| i128::from(at.unwrap_or_default().as_millis());
        number("cost", self.cost.0, row.cost.0);
        number("rejections", self.rejections.into(), row.rejections.into());
        number("usedAt", millis(Some(self.used_at)), millis(Some(row.used_at)));
        number("sentAt", millis(self.doubt), millis(row.sent_at));
        number("toldAt", millis(Some(self.at)), millis(Some(row.told_at)));
        number("changed", self.told.position.0.into(), row.changed.0.into());
        if self.place != place(row) {
            wrong.push(("position", self.place.to_string(), place(row).to_string()));
        }
        if self.status != row.status {
            let (must, is) = (self.status.as_str(), row.status.as_str());
            wrong.push(("status", must.to_owned(), is.to_owned()));
        }
        let mut text = |field, must: u32, is: Option<&str>| {
            let must = names.text(must);
            if must != is {
                let shown = |text: Option<&str>| text.unwrap_or("nothing").to_owned();
                wrong.push((field, shown(must), shown(is)));
            }
        };
        text("code", self.code, row.code.as_deref());
        text("userId", self.user, Some(&row.user_id));
        text("customer", self.customer, row.customer.as_deref());
        text("sessionId", self.session, Some(&row.session_id.to_string()));
        text("exportId", self.export, Some(&row.export_id.to_string()));
        wrong
    }
}

/// Where the usage record of `row` is.
pub(super) fn place(row: &LedgerEntry) -> Place {
    let (position, ordinal) = row.position();
    let index = usize::try_from(ordinal).unwrap_or(usize::MAX);
    Place { position: Position(position), index }
}
