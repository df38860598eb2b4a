//! What is added up, and the rows that it is added to.

use std::sync::Arc;

use theazo_domain::pricing::{PriceBasis, TokenUsage, Usage};
use theazo_domain::{PICO_PER_CENT, Pico};

use crate::bulk::{Bulk, BySize};
use crate::dialect::Dialect;

/// No number in a row is larger: it stays there, however much is added. A sum of as many rows as a
/// year can have does not pass 64 bits then, whatever a gateway claims to have counted.
const MOST: i64 = 1_000_000_000_000_000;
const BYTES_PER_GIB: u128 = 1 << 30;

/// What was used, or began.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Meter {
    Compute,
    Model(Arc<str>),
    Storage,
    Sessions,
    Agents,
}

impl Meter {
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Meter::Compute => "compute",
            Meter::Model(_) => "model",
            Meter::Storage => "storage",
            Meter::Sessions => "sessions",
            Meter::Agents => "agents",
        }
    }
}

/// BilledSums of usage records of one meter, or of what began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BilledSums {
    /// How many.
    pub number: u64,
    pub cost: Pico,
    /// Of compute that is billed.
    pub millis: u64,
    /// Calls of models without a price.
    pub unpriced: u64,
    pub tokens: TokenUsage,
    pub byte_seconds: u128,
}

impl BilledSums {
    pub(super) fn one() -> Self {
        Self { number: 1, ..Self::default() }
    }

    pub(super) fn of(usage: Usage<'_>) -> Self {
        match usage {
            Usage::Compute(usage) => {
                Self { cost: usage.cost, millis: usage.compute_millis, ..Self::one() }
            }
            Usage::Model(usage) => Self {
                cost: usage.cost,
                unpriced: u64::from(usage.basis == PriceBasis::Unpriced),
                tokens: usage.tokens,
                ..Self::one()
            },
            Usage::Storage(usage) => {
                let byte_seconds = u128::from(usage.byte_seconds);
                Self { cost: usage.cost, byte_seconds, ..Self::one() }
            }
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            number: self.number.saturating_add(other.number),
            cost: self.cost + other.cost,
            millis: self.millis.saturating_add(other.millis),
            unpriced: self.unpriced.saturating_add(other.unpriced),
            tokens: self.tokens.plus(other.tokens),
            byte_seconds: self.byte_seconds.saturating_add(other.byte_seconds),
        }
    }

    /// In the order of [`COUNTS`] and [`KEPT`].
    pub(super) fn fill(&self, row: &mut Bulk) {
        let TokenUsage { input, cache_read, cache_write_short, cache_write_long, output, .. } =
            self.tokens;
        put_cost(self.cost, row);
        let (number, millis, unpriced) = (self.number, self.millis, self.unpriced);
        let tokens = [input, cache_read, cache_write_short, cache_write_long, output];
        for count in [number, millis, unpriced].into_iter().chain(tokens) {
            row.put(count_of(count.into()));
        }
        row.put(count_of(self.byte_seconds / BYTES_PER_GIB));
        row.put(count_of(self.byte_seconds % BYTES_PER_GIB));
    }
}

/// A number in two columns: the whole ones, and what is left.
struct Split {
    whole: &'static str,
    rest: &'static str,
    /// How many of the rest make a whole one.
    each: i128,
}

const COST: Split = Split { whole: "cents", rest: "rest", each: PICO_PER_CENT };
const KEPT: Split =
    Split { whole: "gib_seconds", rest: "byte_seconds", each: BYTES_PER_GIB.cast_signed() };

const COUNTS: [&str; 8] = [
    "number",
    "millis",
    "unpriced",
    "input",
    "cache_read",
    "cache_write_short",
    "cache_write_long",
    "output",
];

/// The columns of the sums: the cost, the counts, and what was kept.
pub(super) fn columns() -> Vec<&'static str> {
    [&[COST.whole, COST.rest][..], &COUNTS, &[KEPT.whole, KEPT.rest]].concat()
}

/// Adds to the rows of `table` with the `key`: the cost, the counts, and what was kept.
pub(super) fn adding(dialect: Dialect, table: &str, key: &[&str]) -> BySize {
    let bound = |sum: &str| {
        let (least, greatest) = (dialect.least(), dialect.greatest());
        format!("{least}({MOST},{greatest}(-{MOST},{sum}))")
    };
    let split = |Split { whole, rest, each }: Split| {
        let rests = format!("(t.{rest}+excluded.{rest})");
        let sum = format!("t.{whole}+excluded.{whole}+{rests}/{each}");
        [format!("{whole}={}", bound(&sum)), format!("{rest}={rests}%{each}")]
    };
    let counted = COUNTS.map(|n| format!("{n}={}", bound(&format!("t.{n}+excluded.{n}"))));
    let sets = [&split(COST)[..], &counted, &split(KEPT)].concat();
    let columns = [key, &columns()].concat();
    let head = format!("INSERT INTO {table} AS t ({}) ", columns.join(","));
    let tail = format!(" ON CONFLICT ({}) DO UPDATE SET {}", key.join(","), sets.join(","));
    BySize::new(dialect, head, columns.len(), tail)
}

fn put_cost(cost: Pico, row: &mut Bulk) {
    let (cents, rest) = cost.cents_and_rest();
    row.put(i64::try_from(cents.clamp(-i128::from(MOST), MOST.into())).unwrap_or(MOST));
    row.put(rest);
}

fn count_of(count: u128) -> i64 {
    i64::try_from(count).unwrap_or(MOST).min(MOST)
}
