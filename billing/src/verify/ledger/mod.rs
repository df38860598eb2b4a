//! The ledgers of what billers have, folded from the events of pushes, and each record that a push
//! tells of held against the usage record in the log.

mod compare;
mod entry;
mod sums;

use std::collections::{BTreeMap, HashMap};

use theazo_domain::export::{ExportEvent, ExportRecord, Exporter};
use theazo_domain::{Event, Pico, Timestamp};
use theazo_log::Commit;
use theazo_projections::{LedgerEntry, LedgerStatus};

use super::own::{Own, Short, short};
use super::report::Difference;
use crate::{Period, Place};
use entry::{Entry, Names};

pub use sums::{NoSums, Sums};

/// What has become of the usage of the period at one biller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    pub exporter: Exporter,
    /// By status and code; those of the records that no push has looked at yet are not among them.
    pub totals: Vec<LedgerSum>,
    /// Records that cost something, and that no push has looked at yet; and what they cost.
    pub unheard: (u64, Pico),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerSum {
    pub status: LedgerStatus,
    /// Why, unless they are acknowledged.
    pub code: Option<String>,
    pub records: u64,
    pub cost: Pico,
}

/// What the comparison with an exporter's ledger is called.
pub(super) const fn name(exporter: Exporter) -> &'static str {
    match exporter {
        Exporter::Stripe => "stripe_ledger",
        Exporter::Metronome => "metronome_ledger",
    }
}

/// A row that is not (yet) like the fold, with what the fold said when it was read.
struct Pending {
    row: LedgerEntry,
    then: Option<Entry>,
}

/// All ledgers of a tenant, as the log has them.
#[derive(Default)]
pub(super) struct Ledgers {
    names: Names,
    of: BTreeMap<Exporter, HashMap<Short, Entry>>,
    /// Rows of the ledger that is being compared.
    pending: HashMap<(Exporter, Short), Pending>,
}

impl Ledgers {
    /// Takes an event of a push, and says what is wrong with it.
    pub fn take(
        &mut self,
        commit: &Commit,
        event: &Event,
        place: Place,
        own: &Own,
    ) -> Vec<Difference> {
        let Event::Export(event) = event else { return Vec::new() };
        let mut wrong = Vec::new();
        match event {
            ExportEvent::BatchStarted { exporter, records, .. } => {
                for record in records {
                    wrong.extend(against_log(*exporter, record, place, own));
                    let when = (commit.stream.key(), commit.time, place);
                    let entries = self.of.entry(*exporter).or_default();
                    let key = short(&record.id);
                    let entry = Entry::sent(entries.get(&key), record, when, &mut self.names);
                    entries.insert(key, entry);
                    self.settle(*exporter, key);
                }
            }
            ExportEvent::BatchCompleted { exporter, outcomes, .. }
            | ExportEvent::Reconciled { exporter, outcomes } => {
                let looked_up = matches!(event, ExportEvent::Reconciled { .. });
                for outcome in outcomes {
                    let key = short(&outcome.id);
                    let entries = self.of.entry(*exporter).or_default();
                    let Some(entry) = entries.get_mut(&key) else {
                        let of = differs(*exporter, &outcome.id, "outcome", vec![place]);
                        wrong.push(of("nothing".to_owned(), Some("one".to_owned()), NEVER_SENT));
                        continue;
                    };
                    entry.told(outcome, looked_up, (commit.time, place), &mut self.names);
                    self.settle(*exporter, key);
                }
            }
            ExportEvent::Started { .. }
            | ExportEvent::Finished { .. }
            | ExportEvent::Failed { .. } => {}
        }
        wrong
    }

    fn entry(&self, exporter: Exporter, row: &LedgerEntry) -> Option<&Entry> {
        self.of.get(&exporter)?.get(&short(&row.id))
    }

    /// A row that the fold has come to is right.
    fn settle(&mut self, exporter: Exporter, key: Short) {
        let Some(pending) = self.pending.get(&(exporter, key)) else { return };
        let entry = self.of.get(&exporter).and_then(|entries| entries.get(&key));
        if entry.is_some_and(|entry| entry.differs(&pending.row, &self.names).is_empty()) {
            self.pending.remove(&(exporter, key));
        }
    }

    /// What has become of the usage of `period`, of which `payable` was to be sent.
    pub fn totals(&self, period: &Period, payable: (u64, Pico)) -> Vec<Ledger> {
        let of = |(exporter, entries): (&Exporter, &HashMap<Short, Entry>)| {
            let mut totals: BTreeMap<(LedgerStatus, Option<&str>), (u64, Pico)> = BTreeMap::new();
            let (mut records, mut cost) = payable;
            for entry in entries.values().filter(|entry| period.contains(entry.used_at)) {
                let total = totals.entry((entry.status, self.names.text(entry.code))).or_default();
                total.0 += 1;
                total.1 += entry.cost;
                records = records.saturating_sub(1);
                cost = Pico(cost.0.saturating_sub(entry.cost.0));
            }
            let totals = totals.into_iter().map(|((status, code), (records, cost))| LedgerSum {
                status,
                code: code.map(str::to_owned),
                records,
                cost,
            });
            Ledger { exporter: *exporter, totals: totals.collect(), unheard: (records, cost) }
        };
        self.of.iter().map(of).collect()
    }

    /// For each customer that `exporter` was told of: what it has acknowledged of the time, and
    /// what it may have besides.
    fn customers(
        &self,
        exporter: Exporter,
        (from, until): (Timestamp, Timestamp),
    ) -> BTreeMap<String, (Pico, Pico)> {
        let mut customers: BTreeMap<&str, (Pico, Pico)> = BTreeMap::new();
        for entry in self.of.get(&exporter).into_iter().flat_map(HashMap::values) {
            let Some(customer) = self.names.text(entry.customer) else { continue };
            let sums = customers.entry(customer).or_default();
            if from <= entry.used_at && entry.used_at < until {
                match entry.status {
                    LedgerStatus::Acknowledged => sums.0 += entry.cost,
                    _ if entry.in_doubt() => sums.1 += entry.cost,
                    _ => {}
                }
            }
        }
        customers.into_iter().map(|(customer, sums)| (customer.to_owned(), sums)).collect()
    }
}

/// What a push says of a usage record against the record.
fn against_log(
    exporter: Exporter,
    record: &ExportRecord,
    place: Place,
    own: &Own,
) -> Vec<Difference> {
    let Some((found, cost)) = own.find(&record.id) else {
        let of = differs(exporter, &record.id, "record", vec![place]);
        return vec![of("nothing".to_owned(), Some("one".to_owned()), SENT_WITHOUT_RECORD)];
    };
    let (mut wrong, events) = (Vec::new(), vec![found, place]);
    if cost != record.cost {
        let of = differs(exporter, &record.id, "cost", events.clone());
        wrong.push(of(cost.0.to_string(), Some(record.cost.0.to_string()), SENT_OTHERWISE));
    }
    let index = usize::try_from(record.ordinal).unwrap_or(usize::MAX);
    if (found.position.0, found.index) != (record.position, index) {
        let of = differs(exporter, &record.id, "position", events);
        let sent = format!("{}~{index}", record.position);
        wrong.push(of(found.to_string(), Some(sent), SENT_OTHERWISE));
    }
    wrong
}

/// A difference of a usage record, of what the log says and what is there instead, and why.
fn differs(
    exporter: Exporter,
    id: &str,
    field: &'static str,
    events: Vec<Place>,
) -> impl FnOnce(String, Option<String>, &str) -> Difference {
    let key = id.to_owned();
    move |log, found, reason| {
        let reason = reason.to_owned();
        Difference { name: name(exporter), key, field, log, found, reason, events }
    }
}

const SENT_WITHOUT_RECORD: &str = "A push has sent it, and the log has no usage record before it \
                                   with this id.";
const SENT_OTHERWISE: &str = "A push has sent another than the usage record that is in the log.";
const NEVER_SENT: &str = "A push tells what came of it, and no push had sent it.";
