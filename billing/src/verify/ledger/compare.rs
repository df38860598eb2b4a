//! A ledger against the fold: every row of it, both ways.

use theazo_domain::export::Exporter;
use theazo_domain::pricing::UsageRecord;
use theazo_log::{Filter, Position};
use theazo_projections::{LedgerEntry, LedgerFilter, LedgerStatus, Page};

use super::entry::{Entry, Wrong, place};
use super::{Pending, differs, name};
use crate::Place;
use crate::verify::VerifyError;
use crate::verify::own::short;
use crate::verify::report::{Checked, TOLD};
use crate::verify::run::{PATIENCE, Run};

/// Rows read at a time.
const ROWS: u32 = 500;

const WITHOUT_RECORD: &str = "The ledger has a row of a usage record that the log does not have.";
const OTHER_COST: &str = "The ledger has another cost than the usage record.";
const OTHERWISE: &str = "The ledger's row is not what the pushes' events say of it.";
const WITHOUT_EVENT: &str = "The ledger has a row of a usage record that no push has sent.";
const MISSING: &str = "The ledger's row is missing; a push has told of it.";

impl<P: FnMut(u64, u64) + Send> Run<'_, P> {
    /// Compares the ledger of one exporter, if there is one.
    pub(in crate::verify) async fn compare_ledger(
        &mut self,
        exporter: Exporter,
    ) -> Result<(), VerifyError> {
        let (began, mut before, mut count) = (self.folded, None, 0);
        let filter = LedgerFilter { exporter: Some(exporter), ..LedgerFilter::default() };
        loop {
            // So a row is never older than the fold.
            if !self.reads.wait_for(self.folded, PATIENCE).await {
                return Err(VerifyError::Behind);
            }
            let rows = self.reads.ledger(self.scope, &filter, Page { before, limit: ROWS }).await?;
            before = rows.last().filter(|_| rows.len() == ROWS as usize).map(|row| row.seq);
            for row in rows {
                count += 1;
                self.look_at(exporter, row.value);
            }
            self.settle_ledger(exporter).await?;
            if before.is_none() {
                break;
            }
        }
        self.missing(exporter, began).await?;
        let told = self.ledgers.of.contains_key(&exporter) || count > 0;
        if told {
            let checked = &mut self.report.checked;
            match checked.iter_mut().find(|checked| checked.name == name(exporter)) {
                Some(checked) => checked.rows = count,
                None => {
                    checked.push(Checked { name: name(exporter), rows: count, differences: 0 });
                }
            }
        }
        Ok(())
    }

    fn look_at(&mut self, exporter: Exporter, row: LedgerEntry) {
        let (key, names) = (short(&row.id), &self.ledgers.names);
        let entry = self.ledgers.of.get_mut(&exporter).and_then(|all| all.get_mut(&key));
        let right = entry.is_some_and(|entry| {
            entry.there = true;
            entry.differs(&row, names).is_empty()
        });
        if !right {
            let then = self.ledgers.entry(exporter, &row).copied();
            self.ledgers.pending.insert((exporter, key), Pending { row, then });
        }
    }

    /// What still differs when the fold is where no row can be further is wrong.
    async fn settle_ledger(&mut self, exporter: Exporter) -> Result<(), VerifyError> {
        if self.ledgers.pending.is_empty() {
            return Ok(());
        }
        self.fold_on().await?;
        for ((_, key), pending) in std::mem::take(&mut self.ledgers.pending) {
            let entry = self.ledgers.of.get_mut(&exporter).and_then(|all| all.get_mut(&key));
            if let Some(entry) = entry {
                entry.there = true;
            }
            self.wrong_row(exporter, &pending);
        }
        Ok(())
    }

    fn wrong_row(&mut self, exporter: Exporter, Pending { row, then }: &Pending) {
        let Some((record, cost)) = self.own.find(&row.id) else {
            let of = differs(exporter, &row.id, "record", vec![place(row)]);
            let found = Some(row.status.as_str().to_owned());
            return self.report.add(of("nothing".to_owned(), found, WITHOUT_RECORD));
        };
        // Where the row was newer than the fold, the fold has come to what it must be by now.
        let entry = then.as_ref().filter(|then| then.told.position >= row.changed);
        let Some(entry) = entry.or_else(|| self.ledgers.entry(exporter, row)).copied() else {
            let of = differs(exporter, &row.id, "status", vec![record]);
            let found = Some(row.status.as_str().to_owned());
            return self.report.add(of("nothing".to_owned(), found, WITHOUT_EVENT));
        };
        for wrong in entry.differs(row, &self.ledgers.names) {
            let costs = wrong.0 == "cost" && cost != row.cost;
            let reason = if costs { OTHER_COST } else { OTHERWISE };
            self.wrong_field(exporter, &row.id, wrong, vec![record, entry.told], reason);
        }
    }

    fn wrong_field(
        &mut self,
        exporter: Exporter,
        id: &str,
        (field, log, found): Wrong,
        events: Vec<Place>,
        reason: &str,
    ) {
        self.report.add(differs(exporter, id, field, events)(log, Some(found), reason));
    }

    /// What the log had told of when the comparison began, and the ledger has no row of.
    async fn missing(&mut self, exporter: Exporter, began: Position) -> Result<(), VerifyError> {
        let entries = self.ledgers.of.get(&exporter).into_iter().flat_map(|all| all.iter());
        let lacks = |entry: &Entry| !entry.there && entry.first <= began;
        let mut missing: Vec<Entry> = entries.map(|(_, entry)| *entry).filter(lacks).collect();
        missing.sort_by_key(|entry| entry.place);
        for (number, entry) in missing.into_iter().enumerate() {
            // Those after them are only counted.
            let id = if number < TOLD { self.id_at(entry.place).await? } else { String::new() };
            let log = match (entry.status, self.ledgers.names.text(entry.code)) {
                (LedgerStatus::Acknowledged, _) | (_, None) => entry.status.as_str().to_owned(),
                (status, Some(code)) => format!("{} ({code})", status.as_str()),
            };
            let of = differs(exporter, &id, "status", vec![entry.place, entry.told]);
            self.report.add(of(log, None, MISSING));
        }
        Ok(())
    }

    /// The id of the usage record there; the place itself where there is none.
    async fn id_at(&self, place: Place) -> Result<String, VerifyError> {
        let before = Position(place.position.0.saturating_sub(1));
        let page = self.log.read(&Filter::scope(self.scope), before, 1).await?;
        let commit = page.first().filter(|commit| commit.position == place.position);
        let event = commit.and_then(|commit| Some((commit, commit.events.get(place.index)?)));
        let record = event.and_then(|(commit, event)| UsageRecord::of(&commit.stream, event));
        Ok(record.map_or_else(|| place.to_string(), |record| record.id().to_owned()))
    }
}
