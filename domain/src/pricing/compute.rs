use serde::{Deserialize, Serialize};

use crate::money::Pico;
use crate::{AgentId, Timestamp};

const MILLIS_PER_HOUR: i128 = 3_600_000;

/// A price of compute time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComputePrice {
    /// Names the row for ever: `compute.local.2026-11`, `orchestration.e2b.2026-11`.
    pub id: String,
    /// Picodollars for an hour of one running sandbox.
    pub pico_per_hour: Pico,
}

impl ComputePrice {
    /// The price of `provider` today. Our own compute is 5 cents a minute, the rate of the API
    /// reference's examples (142 min = $7.10). The compute of others is paid to them, and the
    /// orchestration of it costs a tenth of that. The mock of test keys costs nothing.
    pub fn of(provider: &str) -> ComputePrice {
        let (what, pico_per_hour) = match provider {
            "local" => ("compute", 3_000_000_000_000),
            "mock" => ("compute", 0),
            _ => ("orchestration", 300_000_000_000),
        };
        let id = format!("{what}.{provider}.2026-11");
        ComputePrice { id, pico_per_hour: Pico(pico_per_hour) }
    }

    /// The cost of running for `millis`, rounded down to a picodollar: the records of a time that
    /// is metered in parts never come to more than was reserved for it as a whole.
    pub fn cost(&self, millis: u64) -> Pico {
        let pico_millis = i128::from(millis).saturating_mul(self.pico_per_hour.0);
        Pico(pico_millis.div_euclid(MILLIS_PER_HOUR))
    }

    /// The longest time that costs `budget` at most; `None` where time costs nothing.
    pub fn affords(&self, budget: Pico) -> Option<u64> {
        if self.pico_per_hour.0 <= 0 {
            return None;
        }
        // The last one that is not yet a picodollar more.
        let over = budget.0.max(0).saturating_add(1).saturating_mul(MILLIS_PER_HOUR);
        Some(u64::try_from((over - 1) / self.pico_per_hour.0).unwrap_or(u64::MAX))
    }
}

/// A span of running compute, with its price and cost as they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComputeUsage {
    /// Derived from the agent and which of its spans this is: unique for ever.
    pub id: String,
    pub from: Timestamp,
    /// In the same day as `from`, or its end.
    pub until: Timestamp,
    /// Milliseconds of running compute that are billed.
    pub compute_millis: u64,
    /// Milliseconds that ran past what a cap had room for: they are not billed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unbilled_millis: u64,
    pub price: ComputePrice,
    pub cost: Pico,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl ComputeUsage {
    /// The records of the time that `agent` ran, `from` → `until`: one for each day that it
    /// touches, numbered from `span` on. No more than `funded` milliseconds are billed.
    pub fn of(
        agent: AgentId,
        span: u32,
        from: Timestamp,
        until: Timestamp,
        price: &ComputePrice,
        funded: u64,
    ) -> Vec<Self> {
        // A clock that went backwards makes a span of no length, not one that ends before it began.
        let until = until.max(from);
        let (mut records, mut from, mut funded) = (Vec::new(), from, funded);
        loop {
            let end = until.min(from.day().end());
            let ran = end.millis_since(from);
            let compute_millis = ran.min(funded);
            funded -= compute_millis;
            let number = span.saturating_add(u32::try_from(records.len()).unwrap_or(u32::MAX));
            records.push(Self {
                id: format!("compute/{agent}/{number}"),
                from,
                until: end,
                compute_millis,
                unbilled_millis: ran - compute_millis,
                cost: price.cost(compute_millis),
                price: price.clone(),
            });
            if end >= until {
                return records;
            }
            from = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400_000;

    fn spans(from: i64, until: i64, funded: u64) -> Vec<ComputeUsage> {
        let agent = AgentId::from_uuid(uuid::Uuid::from_u128(1));
        let (from, until) = (Timestamp::from_millis(from), Timestamp::from_millis(until));
        ComputeUsage::of(agent, 7, from, until, &ComputePrice::of("local"), funded)
    }

    #[test]
    fn a_span_over_midnight_is_a_record_of_each_day() {
        let records = spans(DAY - 1_000, 2 * DAY + 500, u64::MAX);
        let millis: Vec<u64> = records.iter().map(|record| record.compute_millis).collect();
        assert_eq!(millis, [1_000, 86_400_000, 500]);
        assert!(records[2].id.ends_with("/9"), "{}", records[2].id);
        assert_eq!(spans(DAY - 1_000, DAY, u64::MAX).len(), 1, "its end is in the day");
    }

    #[test]
    fn what_has_no_money_is_not_billed() {
        let records = spans(DAY - 1_000, DAY + 1_000, 1_200);
        let billed: Vec<_> =
            records.iter().map(|record| (record.compute_millis, record.unbilled_millis)).collect();
        assert_eq!(billed, [(1_000, 0), (200, 800)]);
    }

    proptest! {
        #[test]
        fn parts_never_cost_more_than_the_whole(
            rate in 0i128..9_000_000_000_000, parts in prop::collection::vec(0u64..90_000, 0..20),
        ) {
            let price = ComputePrice { id: "p".to_owned(), pico_per_hour: Pico(rate) };
            let sum: Pico = parts.iter().map(|part| price.cost(*part)).sum();
            prop_assert!(sum <= price.cost(parts.iter().sum()));
        }

        #[test]
        fn what_a_budget_affords_does_not_pass_it(budget in 0i128..10_000_000_000_000, rate in 1i128..9_000_000_000_000) {
            let price = ComputePrice { id: "p".to_owned(), pico_per_hour: Pico(rate) };
            let millis = price.affords(Pico(budget)).unwrap();
            prop_assert!(price.cost(millis) <= Pico(budget));
            prop_assert!(price.cost(millis + 1) > Pico(budget));
        }
    }
}
