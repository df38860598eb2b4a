//! What a usage record has to be by itself.

use std::collections::HashMap;

use theazo_domain::agent::AgentEvent;
use theazo_domain::pricing::{
    ComputeUsage, ModelUsage, PriceBasis, StorageUsage, Usage, UsageRecord,
};
use theazo_domain::{Event, Pico, TaskId};
use theazo_log::Hash;

use super::report::{Difference, RECORDS};
use crate::Place;

/// A hash of an id, a third of its size.
pub(super) type Short = [u8; 16];

/// Where the ids of all records so far are, and their costs; and what the calls of runs that have
/// not ended have cost.
#[derive(Default)]
pub(super) struct Own {
    ids: HashMap<Short, (Place, Pico)>,
    runs: HashMap<TaskId, Pico>,
}

/// What is wrong with a record: the field, what it must be, and what it is.
type Wrong = (&'static str, i128, i128);

impl Own {
    /// Checks the next record. `known`: there is its session. `skipped`: it is where a replay of
    /// the period does not look.
    pub(super) fn record(
        &mut self,
        record: &UsageRecord<'_>,
        place: Place,
        known: bool,
        skipped: bool,
    ) -> Vec<Difference> {
        let of = |field, log: String, found: String, reason: &str| Difference {
            name: RECORDS,
            key: record.id().to_owned(),
            field,
            log,
            found: Some(found),
            reason: reason.to_owned(),
            events: vec![place],
        };
        let mut wrong: Vec<Difference> = amounts(record)
            .into_iter()
            .map(|(field, must, is)| of(field, must.to_string(), is.to_string(), NOT_ITS_PRICE))
            .collect();
        let new = (place, record.cost());
        if let Some((before, _)) = self.ids.insert(short(record.id()), new) {
            let twice = of("id", "1".to_owned(), "2".to_owned(), TWICE);
            wrong.push(Difference { events: vec![before, place], ..twice });
        }
        if !known {
            let session = record.session.to_string();
            wrong.push(of("sessionId", "a session".to_owned(), session, NO_SESSION));
        }
        if skipped {
            wrong.push(of("position", "a later one".to_owned(), place.to_string(), SKIPPED));
        }
        if let (Usage::Model(usage), Some(task)) = (record.usage, record.task) {
            *self.runs.entry(task).or_default() += usage.cost;
        }
        wrong
    }

    /// Where the usage record of this id is, and what it costs.
    pub(super) fn find(&self, id: &str) -> Option<(Place, Pico)> {
        self.ids.get(&short(id)).copied()
    }

    /// The end of a run tells its agent what its calls have cost.
    pub(super) fn end_of_run(&mut self, event: &Event, place: Place) -> Option<Difference> {
        let Event::Agent(AgentEvent::RunEnded { task_id, model_cost, .. }) = event else {
            return None;
        };
        let calls = self.runs.remove(task_id).unwrap_or_default();
        (calls != *model_cost).then(|| Difference {
            name: RECORDS,
            key: task_id.to_string(),
            field: "modelCost",
            log: calls.0.to_string(),
            found: Some(model_cost.0.to_string()),
            reason: "The end of the run tells its agent another cost than its calls have."
                .to_owned(),
            events: vec![place],
        })
    }
}

const NOT_ITS_PRICE: &str = "The record is not what its price, quantity and times give.";
const TWICE: &str = "Two usage records have the same id.";
const NO_SESSION: &str = "The record bills a session that was never created.";
const SKIPPED: &str = "The record is where an export of the period does not look: a clock was more \
                       than a day off. Export from an earlier day.";

pub(super) fn short(id: &str) -> Short {
    let mut key = [0; 16];
    key.copy_from_slice(&Hash::content(id.as_bytes()).0[..16]);
    key
}

fn amounts(record: &UsageRecord<'_>) -> Vec<Wrong> {
    let mut wrong = match record.usage {
        Usage::Compute(usage) => compute(usage),
        Usage::Model(usage) => model(usage),
        Usage::Storage(usage) => storage(usage),
    };
    for (field, amount) in [("cost", record.cost()), ("waived", crate::waived(&record.usage))] {
        if amount.0 < 0 {
            wrong.push((field, 0, amount.0));
        }
    }
    wrong
}

fn compute(usage: &ComputeUsage) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    differs(&mut wrong, "cost", usage.price.cost(usage.compute_millis), usage.cost);
    let ran = usage.compute_millis.saturating_add(usage.unbilled_millis);
    let long = usage.until.as_millis().saturating_sub(usage.from.as_millis());
    if i128::from(long) != i128::from(ran) {
        wrong.push(("computeMs", long.into(), ran.into()));
    }
    let midnight = usage.from.day().end();
    if usage.until > midnight {
        wrong.push(("until", midnight.as_millis().into(), usage.until.as_millis().into()));
    }
    wrong
}

fn model(usage: &ModelUsage) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let whole = usage.cost + usage.waived;
    let known = match usage.basis {
        // A price is not there at all: then nothing can be right.
        PriceBasis::Table => {
            Some(usage.price.as_ref().map_or(Pico(-1), |price| price.cost(&usage.tokens)))
        }
        // The gateway alone knows.
        PriceBasis::Reported => None,
        // Calls from before there was a fee have none.
        PriceBasis::Byoi => Some(usage.fee.as_ref().map_or(Pico::ZERO, |fee| fee.pico_per_call)),
        PriceBasis::Unpriced | PriceBasis::Mock => Some(Pico::ZERO),
    };
    if let Some(known) = known {
        differs(&mut wrong, "cost", known, whole);
    }
    wrong
}

fn storage(usage: &StorageUsage) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let byte_millis = u128::from(usage.byte_seconds) * 1_000;
    differs(&mut wrong, "cost", usage.price.cost(byte_millis), usage.cost + usage.waived);
    wrong
}

fn differs(wrong: &mut Vec<Wrong>, field: &'static str, must: Pico, is: Pico) {
    if must != is {
        wrong.push((field, must.0, is.0));
    }
}
