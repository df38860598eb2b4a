//! One verification.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use theazo_domain::export::Exporter;
use theazo_domain::pricing::UsageRecord;
use theazo_domain::{Pico, Scope};
use theazo_log::{Commit, EventLog, Filter, Position};
use theazo_projections::ReadModels;

use super::blame::Blame;
use super::compared::{Amounts, Compared, FIELDS, Key, Seen};
use super::ledger::{Ledgers, Sums};
use super::own::Own;
use super::report::{Checked, RECORDS, Report};
use super::{VerifyError, blame};
use crate::users::Users;
use crate::{Period, Place, start};

/// Commits read at a time.
const PAGE: usize = 512;
/// How long the read models may take to catch up with the fold.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A row as the log has it.
#[derive(Debug, Clone, Copy)]
struct Sum {
    amounts: Amounts,
    /// The first commit that added to it.
    first: Position,
    /// The read model has it.
    there: bool,
}

pub(super) struct Run<'a, P> {
    pub(super) log: Arc<dyn EventLog>,
    pub(super) reads: &'a ReadModels,
    pub(super) scope: Scope,
    models: &'a [Box<dyn Compared>],
    progress: P,
    users: Users,
    pub(super) own: Own,
    pub(super) ledgers: Ledgers,
    /// Of each of `models`.
    sums: Vec<HashMap<Key, Sum>>,
    /// Everything up to here is folded.
    pub(super) folded: Position,
    pub(super) report: Report,
    wrong: Vec<Blame>,
    /// Records of the period that cost something, and what they cost.
    payable: (u64, Pico),
    /// A replay of the period begins after it.
    start: Position,
}

/// Rows of one model that differ so far.
struct Pending {
    model: usize,
    rows: HashMap<Key, Amounts>,
}

impl<'a, P: FnMut(u64, u64) + Send> Run<'a, P> {
    pub(super) async fn new(
        log: Arc<dyn EventLog>,
        reads: &'a ReadModels,
        scope: Scope,
        period: Period,
        models: &'a [Box<dyn Compared>],
        progress: P,
    ) -> Result<Self, VerifyError> {
        let names = models.iter().map(|model| model.name());
        let checked = [RECORDS].into_iter().chain(names);
        let checked = checked.map(|name| Checked { name, rows: 0, differences: 0 }).collect();
        let head = log.head().await?;
        let start = start::before(&*log, scope, period.from, head).await?;
        Ok(Self {
            start,
            // A user is only looked up by id, which never changes.
            users: Users::new(scope, Position(u64::MAX)),
            log,
            reads,
            scope,
            models,
            progress,
            own: Own::default(),
            ledgers: Ledgers::default(),
            payable: (0, Pico::ZERO),
            sums: models.iter().map(|_| HashMap::new()).collect(),
            folded: Position::START,
            report: Report {
                period,
                position: Position::START,
                commits: 0,
                records: 0,
                records_of_period: 0,
                cost_of_period: Pico::ZERO,
                ledgers: Vec::new(),
                checked,
                differences: Vec::new(),
                found: 0,
            },
            wrong: Vec::new(),
        })
    }

    pub(super) async fn finish(mut self, sums: Option<&Sums>) -> Result<Report, VerifyError> {
        self.fold_on().await?;
        for model in 0..self.models.len() {
            self.compare(model).await?;
        }
        for exporter in Exporter::ALL {
            self.compare_ledger(*exporter).await?;
        }
        if let Some(sums) = sums {
            self.compare_sums(sums).await?;
        }
        self.report.ledgers = self.ledgers.totals(&self.report.period, self.payable);
        let wrong = std::mem::take(&mut self.wrong);
        for difference in blame::told(&*self.log, self.scope, self.models, wrong).await? {
            self.report.add(difference);
        }
        self.report.position = self.folded;
        Ok(self.report)
    }

    /// Folds what is new in the log.
    pub(super) async fn fold_on(&mut self) -> Result<(), VerifyError> {
        let head = self.log.head().await?;
        self.fold_to(head, &mut None).await
    }

    /// Folds to `head`, and takes away what is pending as soon as the fold is like it.
    async fn fold_to(
        &mut self,
        head: Position,
        pending: &mut Option<Pending>,
    ) -> Result<(), VerifyError> {
        let filter = Filter::scope(self.scope);
        while self.folded < head {
            let page = self.log.read(&filter, self.folded, PAGE).await?;
            let Some(last) = page.last().map(|commit| commit.position) else { break };
            for commit in page.iter().filter(|commit| commit.position <= head) {
                self.take(commit, pending).await?;
            }
            self.folded = last.min(head);
            (self.progress)(self.folded.0, head.0);
        }
        (self.progress)(head.0, head.0);
        Ok(())
    }

    async fn take(
        &mut self,
        commit: &Commit,
        pending: &mut Option<Pending>,
    ) -> Result<(), VerifyError> {
        self.report.commits += 1;
        let mut touched = Vec::new();
        for (index, event) in commit.events.iter().enumerate() {
            let place = Place { position: commit.position, index };
            let record = UsageRecord::of(&commit.stream, event);
            let billed = match &record {
                Some(record) => {
                    let found = self.users.find(&*self.log, record.session).await?;
                    self.check(record, place, found.is_some());
                    found
                }
                None => None,
            };
            if let Some(difference) = self.own.end_of_run(event, place) {
                self.report.add(difference);
            }
            for difference in self.ledgers.take(commit, event, place, &self.own) {
                self.report.add(difference);
            }
            let usage = record.zip(billed.as_deref());
            let seen = Seen { commit, event, usage };
            for (number, model) in self.models.iter().enumerate() {
                let Some((key, amounts)) = model.of(&seen) else { continue };
                let first = commit.position;
                let new = Sum { amounts: [0; FIELDS], first, there: false };
                let sum = self.sums[number].entry(key.clone()).or_insert(new);
                sum.amounts.iter_mut().zip(amounts).for_each(|(sum, n)| *sum += n);
                if pending.as_ref().is_some_and(|pending| pending.model == number) {
                    touched.push(key);
                }
            }
        }
        let Some(pending) = pending else { return Ok(()) };
        let sums = &self.sums[pending.model];
        for key in touched {
            if let (Some(row), Some(sum)) = (pending.rows.get(&key), sums.get(&key))
                && *row == sum.amounts
            {
                pending.rows.remove(&key);
            }
        }
        Ok(())
    }

    /// Counts a record, and checks it by itself.
    fn check(&mut self, record: &UsageRecord<'_>, place: Place, known: bool) {
        self.report.records += 1;
        if let Some(checked) = self.report.checked.first_mut() {
            checked.rows += 1;
        }
        let in_period = self.report.period.contains(record.at());
        if in_period {
            self.report.records_of_period += 1;
            self.report.cost_of_period += record.cost();
            if record.cost().0 > 0 {
                self.payable.0 += 1;
                self.payable.1 += record.cost();
            }
        }
        let skipped = in_period && place.position <= self.start;
        for difference in self.own.record(record, place, known, skipped) {
            self.report.add(difference);
        }
    }

    /// Compares all rows of one model.
    async fn compare(&mut self, model: usize) -> Result<(), VerifyError> {
        let (began, mut after) = (self.folded, None);
        loop {
            // So a row is never older than the fold.
            if !self.reads.wait_for(self.folded, PATIENCE).await {
                return Err(VerifyError::Behind);
            }
            let page = self.models[model].rows(self.reads, self.scope, after).await?;
            let mut pending = Pending { model, rows: HashMap::new() };
            for (key, row) in page.rows {
                self.report.checked[model + 1].rows += 1;
                let sum = self.sums[model].get_mut(&key);
                let amounts = sum.map_or([0; FIELDS], |sum| {
                    sum.there = true;
                    sum.amounts
                });
                if amounts != row {
                    pending.rows.insert(key, row);
                }
            }
            if !pending.rows.is_empty() {
                self.settle(pending).await?;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        for (key, sum) in &self.sums[model] {
            if !sum.there && sum.first <= began {
                let (key, log) = (key.clone(), sum.amounts);
                self.wrong.push(Blame { model, key, log, row: None, upto: self.folded });
            }
        }
        Ok(())
    }

    /// What still differs when the fold is where no row can be further is wrong.
    async fn settle(&mut self, pending: Pending) -> Result<(), VerifyError> {
        let model = pending.model;
        let before: HashMap<Key, Amounts> =
            pending.rows.keys().map(|key| (key.clone(), self.sum(model, key))).collect();
        let upto = self.folded;
        let head = self.log.head().await?;
        let mut pending = Some(pending);
        self.fold_to(head, &mut pending).await?;
        for (key, row) in pending.into_iter().flat_map(|pending| pending.rows) {
            let log = before.get(&key).copied().unwrap_or([0; FIELDS]);
            if let Some(sum) = self.sums[model].get_mut(&key) {
                sum.there = true;
            }
            self.wrong.push(Blame { model, key, log, row: Some(row), upto });
        }
        Ok(())
    }

    fn sum(&self, model: usize, key: &Key) -> Amounts {
        self.sums[model].get(key).map_or([0; FIELDS], |sum| sum.amounts)
    }
}
