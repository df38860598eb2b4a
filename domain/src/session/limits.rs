use serde::{Deserialize, Serialize};

use crate::{Cents, Currency, FieldError};

/// What a session may spend and hold. An absent limit is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost: Option<MaxCost>,
    /// Agents that have not ended, at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_agents: Option<u32>,
    /// Minutes of compute over the session's life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_compute_minutes: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MaxCost {
    /// Cents.
    pub amount: Cents,
    pub currency: Currency,
    /// What the amount is for; periods are UTC.
    #[serde(default)]
    pub period: Period,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    #[default]
    Session,
    Day,
    Month,
}

impl Period {
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Period::Session => "for its whole life",
            Period::Day => "for the day",
            Period::Month => "for the month",
        }
    }

    pub(super) const fn or_wait(self) -> &'static str {
        match self {
            Period::Session => "",
            Period::Day => ", or wait for the next day (UTC)",
            Period::Month => ", or wait for the next month (UTC)",
        }
    }
}

impl Limits {
    pub(super) fn check(&self, errors: &mut Vec<FieldError>) {
        if self.max_cost.is_some_and(|cost| cost.amount < 0) {
            errors.push(FieldError::new("limits.maxCost.amount", "must not be negative"));
        }
        if self.max_agents.is_some_and(|n| n > 100_000) {
            errors.push(FieldError::new("limits.maxAgents", "must be at most 100000"));
        }
        if self.max_compute_minutes.is_some_and(|n| n > 1_000_000_000) {
            errors.push(FieldError::new("limits.maxComputeMinutes", "must be at most 1000000000"));
        }
    }
}
