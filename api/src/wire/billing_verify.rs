//! The proof of the bill as the API shows it.

use serde::{Deserialize, Serialize};
use theazo_billing::{Checked, Difference, Period, Place, Report};
use theazo_domain::{Money, Rejection, Timestamp};
use theazo_log::Position;
use utoipa::{IntoParams, ToSchema};

use super::billing_export::parse_period;
use super::common;
use crate::error::ApiError;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerifyQuery {
    /// A date, or an RFC 3339 time with its zone; the start of the billing period when absent.
    from: Option<String>,
    /// A date, whose day is included, or an RFC 3339 time with its zone; now when absent. At most
    /// 366 days after `from`.
    until: Option<String>,
}

impl VerifyQuery {
    /// # Errors
    /// A 422 that names every wrong field.
    pub fn parse(&self, billing_day: u8, now: Timestamp) -> Result<Period, ApiError> {
        parse_period(&self.from, &self.until, billing_day, now)
            .map_err(|fields| Rejection::Invalid(fields).into())
    }
}

/// What a verification of the bill found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BillVerification)]
pub struct Verification {
    /// Whether nothing differs.
    ok: bool,
    period: VerifiedPeriod,
    /// The last commit that was folded.
    #[schema(value_type = u64)]
    position: Position,
    /// All of yours that were folded.
    commits: u64,
    /// Usage records of the period.
    records: u64,
    /// What they cost.
    #[schema(value_type = common::Money)]
    cost: Money,
    /// The same in picodollars, not rounded.
    cost_pico: String,
    checks: Vec<BillCheck>,
    /// The first hundred.
    differences: Vec<BillDifference>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct VerifiedPeriod {
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
}

/// What was compared.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillCheck {
    /// A read model, or `records`: the usage records by themselves.
    #[schema(value_type = String, example = "sessions")]
    name: &'static str,
    rows: u64,
    differences: u64,
}

/// One amount that is not what it must be.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillDifference {
    #[schema(value_type = String, example = "sessions")]
    name: &'static str,
    /// Which row, or which usage record.
    key: String,
    #[schema(value_type = String, example = "cost")]
    field: &'static str,
    /// What the log says.
    log: String,
    /// What is there; absent where the row is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    reason: String,
    /// The positions of the events that it comes from.
    events: Vec<String>,
}

impl From<Report> for Verification {
    fn from(report: Report) -> Self {
        Self {
            ok: report.ok(),
            period: VerifiedPeriod { from: report.period.from, until: report.period.until },
            position: report.position,
            commits: report.commits,
            records: report.records_of_period,
            cost: report.cost_of_period.to_money(),
            cost_pico: report.cost_of_period.0.to_string(),
            checks: report.checked.into_iter().map(BillCheck::from).collect(),
            differences: report.differences.into_iter().map(BillDifference::from).collect(),
        }
    }
}

impl From<Checked> for BillCheck {
    fn from(Checked { name, rows, differences }: Checked) -> Self {
        Self { name, rows, differences }
    }
}

impl From<Difference> for BillDifference {
    fn from(difference: Difference) -> Self {
        let Difference { name, key, field, log, found, reason, events } = difference;
        let events = events.iter().map(Place::to_string).collect();
        Self { name, key, field, log, found, reason, events }
    }
}
