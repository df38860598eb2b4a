use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::agent::Failure;
use crate::{Aggregate, Ctx, Event, ExportId, Kind, Pico, Rejection, Timestamp};

use super::{
    ExportCommand, ExportEvent, ExportOutcome, ExportRecord, Exporter, NO_CUSTOMER, Outcome, decide,
};

/// Users without a customer that a push names; the ledger has all.
const USERS_NAMED: usize = 100;
/// Codes that are counted apart.
const CODES: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportStatus {
    Running,
    Finished,
    Failed,
}

impl ExportStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            ExportStatus::Running => "running",
            ExportStatus::Finished => "finished",
            ExportStatus::Failed => "failed",
        }
    }
}

/// What has become of the records of a push so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportCounts {
    pub acknowledged: u64,
    /// What those that it sent and that were acknowledged cost.
    pub cost: Pico,
    /// By the biller, or by us before it.
    pub rejected: u64,
    /// Those that the biller may or may not have; the next push settles them.
    pub pending: u64,
    /// They cost nothing, and are not sent.
    pub skipped: u64,
    /// Why records were not acknowledged.
    pub codes: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    pub id: ExportId,
    pub exporter: Exporter,
    pub number: u32,
    pub status: ExportStatus,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub retry_rejected: bool,
    pub after: u64,
    pub upto: u64,
    /// The log's records up to here are sent, or about to be.
    pub replayed: u64,
    /// Batches that were begun.
    pub batch: u32,
    /// What was about to be sent, and has no outcome yet.
    pub open: Vec<ExportRecord>,
    pub counts: ExportCounts,
    /// Some of the users that are no customers of the biller's.
    pub users_without_customer: BTreeMap<String, u64>,
    pub failure: Option<Failure>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

impl Aggregate for Export {
    const KIND: Kind = Kind::Export;
    type Command = ExportCommand;
    type Event = ExportEvent;

    fn decide(
        state: Option<&Self>,
        command: &ExportCommand,
        _: Ctx,
    ) -> Result<Vec<ExportEvent>, Rejection> {
        decide::decide(state, command)
    }

    fn evolve(state: Option<Self>, event: &ExportEvent, at: Timestamp) -> Option<Self> {
        match (state, event) {
            (None, event) => Self::begun(event, at),
            (Some(now), _) if now.status != ExportStatus::Running => Some(now),
            (Some(now), event) => Some(now.after(event, at)),
        }
    }

    fn own(event: &Event) -> Option<&ExportEvent> {
        if let Event::Export(e) = event { Some(e) } else { None }
    }
}

impl Export {
    fn begun(event: &ExportEvent, at: Timestamp) -> Option<Self> {
        let ExportEvent::Started {
            export_id,
            exporter,
            number,
            from,
            until,
            retry_rejected,
            after,
            upto,
        } = event
        else {
            return None;
        };
        Some(Export {
            id: *export_id,
            exporter: *exporter,
            number: *number,
            status: ExportStatus::Running,
            from: *from,
            until: *until,
            retry_rejected: *retry_rejected,
            after: *after,
            upto: *upto,
            replayed: *after,
            batch: 0,
            open: Vec::new(),
            counts: ExportCounts::default(),
            users_without_customer: BTreeMap::new(),
            failure: None,
            created_at: at,
            updated_at: at,
            ended_at: None,
        })
    }

    fn after(mut self, event: &ExportEvent, at: Timestamp) -> Self {
        match event {
            ExportEvent::Started { .. } => return self,
            ExportEvent::BatchStarted { batch, records, replayed, skipped, .. } => {
                self.batch = *batch;
                self.replayed = *replayed;
                self.skip(*skipped);
                for record in records {
                    self.take(record);
                }
            }
            ExportEvent::BatchCompleted { outcomes, .. } => {
                let open = std::mem::take(&mut self.open);
                let costs: BTreeMap<&str, Pico> =
                    open.iter().map(|record| (record.id.as_str(), record.cost)).collect();
                for told in outcomes {
                    self.settle(told, costs.get(told.id.as_str()).copied().unwrap_or_default());
                }
            }
            ExportEvent::Reconciled { outcomes, .. } => {
                // Those that never got there are in one of the next batches.
                for told in outcomes.iter().filter(|told| told.outcome != Outcome::Unsent) {
                    self.settle(told, Pico::ZERO);
                }
            }
            ExportEvent::Finished { skipped } => {
                self.skip(*skipped);
                self.replayed = self.upto;
                self.status = ExportStatus::Finished;
                self.ended_at = Some(at);
            }
            ExportEvent::Failed { failure } => {
                self.failure = Some(failure.clone());
                self.status = ExportStatus::Failed;
                self.ended_at = Some(at);
            }
        }
        self.updated_at = at;
        self
    }

    fn skip(&mut self, records: u64) {
        self.counts.skipped = self.counts.skipped.saturating_add(records);
    }

    fn take(&mut self, record: &ExportRecord) {
        let Some(code) = &record.refused else {
            self.open.push(record.clone());
            return;
        };
        self.counts.rejected = self.counts.rejected.saturating_add(1);
        self.count(code);
        let known = self.users_without_customer.contains_key(&record.user_id);
        if code == NO_CUSTOMER && (known || self.users_without_customer.len() < USERS_NAMED) {
            let count = self.users_without_customer.entry(record.user_id.clone()).or_default();
            *count = count.saturating_add(1);
        }
    }

    fn settle(&mut self, told: &ExportOutcome, cost: Pico) {
        let counts = &mut self.counts;
        let counter = match told.outcome {
            Outcome::Acknowledged => {
                counts.cost += cost;
                &mut counts.acknowledged
            }
            Outcome::Rejected => &mut counts.rejected,
            Outcome::Unknown | Outcome::Unsent => &mut counts.pending,
        };
        *counter = counter.saturating_add(1);
        if let Some(code) = &told.code {
            self.count(code);
        }
    }

    fn count(&mut self, code: &str) {
        let codes = &mut self.counts.codes;
        if codes.contains_key(code) || codes.len() < CODES {
            let count = codes.entry(code.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Every record of the log up to here has been looked at, by this push or by those before it:
    /// the next one begins there.
    pub fn covers(&self) -> u64 {
        let whole = self.from.is_none() && self.until.is_none();
        if whole { self.replayed } else { self.after }
    }

    /// Whether usage at `at` is to be sent.
    pub fn includes(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}
