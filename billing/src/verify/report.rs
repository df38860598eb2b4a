//! What a verification found.

use theazo_domain::Pico;
use theazo_log::Position;

use super::Ledger;
use crate::{Period, Place};

/// Differences that are told one by one.
pub(super) const TOLD: usize = 100;

/// What the records are checked as, by themselves.
pub(super) const RECORDS: &str = "records";
/// What a biller's own sums are checked as.
pub(super) const BILLER: &str = "stripe";

#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub period: Period,
    /// The last commit that was folded.
    pub position: Position,
    pub commits: u64,
    /// Usage records of the whole history.
    pub records: u64,
    /// Usage records of the period, and what they cost.
    pub records_of_period: u64,
    pub cost_of_period: Pico,
    /// What has become of the period's usage at each exporter that was pushed to.
    pub ledgers: Vec<Ledger>,
    /// What was compared, in turn.
    pub checked: Vec<Checked>,
    /// The first hundred that there are.
    pub differences: Vec<Difference>,
    /// All that there are.
    pub found: u64,
}

/// What was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// A read model, `records` (the usage records by themselves), the ledger of an exporter, or
    /// `stripe`: its own sums.
    pub name: &'static str,
    pub rows: u64,
    pub differences: u64,
}

/// One amount that is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// As in [`Checked`].
    pub name: &'static str,
    /// Which row, usage record, or customer.
    pub key: String,
    pub field: &'static str,
    /// What the log says.
    pub log: String,
    /// What is there; nothing where the row is missing.
    pub found: Option<String>,
    /// In words.
    pub reason: String,
    /// The events that it comes from: the one that is missing or counted twice, where that is
    /// plain, else the newest that count to the row.
    pub events: Vec<Place>,
}

impl Report {
    pub fn ok(&self) -> bool {
        self.found == 0
    }

    pub(super) fn add(&mut self, difference: Difference) {
        self.found += 1;
        match self.checked.iter_mut().find(|c| c.name == difference.name) {
            Some(checked) => checked.differences += 1,
            None => self.checked.push(Checked { name: difference.name, rows: 0, differences: 1 }),
        }
        if self.differences.len() < TOLD {
            self.differences.push(difference);
        }
    }
}
