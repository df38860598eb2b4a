use serde::{Deserialize, Serialize};

use crate::money::{Pico, div_half_even};
use crate::{Day, SessionId};

const BYTE_MILLIS_PER_GIB_HOUR: i128 = (1 << 30) * 3_600_000;

/// A price of what is kept: snapshots, which hold the workspaces of paused agents, and artifacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoragePrice {
    /// Names the row for ever: `storage.2026-11`.
    pub id: String,
    /// Picodollars for an hour of one GiB.
    pub pico_per_gib_hour: Pico,
}

impl StoragePrice {
    /// The price today: ten cents for a GiB and a month of 30 days.
    pub fn now() -> StoragePrice {
        let id = "storage.2026-11".to_owned();
        StoragePrice { id, pico_per_gib_hour: Pico(138_888_889) }
    }

    /// Rounded to a picodollar.
    pub fn cost(&self, byte_millis: u128) -> Pico {
        let byte_millis = i128::try_from(byte_millis).unwrap_or(i128::MAX);
        let product = byte_millis.saturating_mul(self.pico_per_gib_hour.0);
        Pico(div_half_even(product, BYTE_MILLIS_PER_GIB_HOUR))
    }
}

/// What a session kept in one day, with its price and cost as they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageUsage {
    /// Derived from the session and the day: unique for ever.
    pub id: String,
    pub day: Day,
    /// Bytes times the whole seconds that they were kept.
    pub byte_seconds: u64,
    pub price: StoragePrice,
    pub cost: Pico,
    /// What the session's cap had no room for: it is not billed.
    #[serde(default, skip_serializing_if = "Pico::is_zero")]
    pub waived: Pico,
}

impl StorageUsage {
    /// The record of `session`'s `day`, of which no more than `room` is billed.
    pub fn of(session: SessionId, day: Day, byte_seconds: u64, room: Pico) -> Self {
        let price = StoragePrice::now();
        let whole = price.cost(u128::from(byte_seconds) * 1_000);
        let cost = whole.min(room.max(Pico::ZERO));
        let waived = whole.minus(cost);
        Self { id: format!("storage/{session}/{day}"), day, byte_seconds, price, cost, waived }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gib_costs_ten_cents_a_month() {
        let month = 30 * 86_400u64;
        let session = SessionId::from_uuid(uuid::Uuid::from_u128(1));
        let usage = StorageUsage::of(session, Day::default(), month << 30, Pico(i128::MAX));
        assert_eq!((usage.cost.to_cents(), usage.waived), (10, Pico::ZERO));
        let capped = StorageUsage::of(session, Day::default(), month << 30, Pico(5));
        assert_eq!((capped.cost, capped.cost + capped.waived), (Pico(5), usage.cost));
    }
}
