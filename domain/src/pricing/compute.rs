use serde::{Deserialize, Serialize};

use crate::money::{Pico, div_half_even};
use crate::{AgentId, Timestamp};

const MILLIS_PER_HOUR: i128 = 3_600_000;

/// A price of compute time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComputePrice {
    /// Names the row for ever: `compute.local.2026-11`.
    pub id: String,
    /// Picodollars for an hour of one running sandbox.
    pub pico_per_hour: Pico,
}

impl ComputePrice {
    /// The price of `provider` today. BYOI and test compute cost nothing of ours.
    pub fn of(provider: &str) -> ComputePrice {
        // 5 cents a minute, the rate of the API reference's examples (142 min = $7.10).
        let pico_per_hour = if provider == "local" { 3_000_000_000_000 } else { 0 };
        ComputePrice {
            id: format!("compute.{provider}.2026-11"),
            pico_per_hour: Pico(pico_per_hour),
        }
    }

    /// The cost of running for `millis`, rounded to a picodollar.
    pub fn cost(&self, millis: u64) -> Pico {
        let pico_millis = i128::from(millis).saturating_mul(self.pico_per_hour.0);
        Pico(div_half_even(pico_millis, MILLIS_PER_HOUR))
    }
}

/// One metered quantity, with its price and cost as they were: what a bill is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageRecord {
    /// Derived from the agent and which of its running spans this is: unique for ever.
    pub id: String,
    pub from: Timestamp,
    pub until: Timestamp,
    /// Milliseconds of running compute.
    pub compute_millis: u64,
    pub price: ComputePrice,
    pub cost: Pico,
}

impl UsageRecord {
    /// The record of the `span`th time that `agent` ran, `from` → `until`.
    pub fn compute(
        agent: AgentId,
        span: u32,
        from: Timestamp,
        until: Timestamp,
        price: &ComputePrice,
    ) -> Self {
        // A clock that went backwards makes a span of no length, not one that ends before it began.
        let until = until.max(from);
        let compute_millis = until.millis_since(from);
        Self {
            id: format!("compute/{agent}/{span}"),
            from,
            until,
            compute_millis,
            cost: price.cost(compute_millis),
            price: price.clone(),
        }
    }
}
