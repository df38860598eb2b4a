//! What a verification found.

use theazo_domain::Pico;
use theazo_log::Position;

use crate::{Period, Place};

/// Differences that are told one by one.
pub(super) const TOLD: usize = 100;

/// What the records are checked as, by themselves.
pub(super) const RECORDS: &str = "records";

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
    /// A read model, or `records`: the usage records by themselves.
    pub name: &'static str,
    pub rows: u64,
    pub differences: u64,
}

/// One amount that is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// As in [`Checked`].
    pub name: &'static str,
    /// Which row, or which usage record.
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
        if let Some(checked) = self.checked.iter_mut().find(|c| c.name == difference.name) {
            checked.differences += 1;
        }
        if self.differences.len() < TOLD {
            self.differences.push(difference);
        }
    }
}
