//! What a usage record has to be by itself.

use std::collections::HashMap;

use theazo_domain::Pico;
use theazo_domain::pricing::{
    ComputeUsage, ModelUsage, PriceBasis, StorageUsage, Usage, UsageRecord,
};
use theazo_log::Hash;

use crate::Place;

/// The ids of all records so far, by a hash that is a third of their size.
#[derive(Default)]
pub(super) struct Ids(HashMap<[u8; 16], Place>);

impl Ids {
    /// Where the id was before.
    pub(super) fn seen(&mut self, id: &str, at: Place) -> Option<Place> {
        let mut key = [0; 16];
        key.copy_from_slice(&Hash::content(id.as_bytes()).0[..16]);
        self.0.insert(key, at)
    }
}

/// What is wrong with a record: the field, what it must be, and what it is.
pub(super) type Wrong = (&'static str, i128, i128);

pub(super) fn check(record: &UsageRecord<'_>) -> Vec<Wrong> {
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
