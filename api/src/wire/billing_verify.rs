//! The proof of the bill as the API shows it.

use serde::{Deserialize, Serialize};
use theazo_billing::{Checked, Difference, Ledger, Period, Place, Report};
use theazo_domain::export::Exporter;
use theazo_domain::{Money, Pico, Rejection, Timestamp};
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
    /// Also compare with what Stripe says that it has of each customer. Stripe's key is the secret
    /// `STRIPE_API_KEY`, the meter is `billing.stripe.meterId` of the settings.
    #[serde(default)]
    pub stripe: bool,
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
    /// What has become of it at each biller that usage was pushed to.
    ledgers: Vec<BillLedger>,
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

/// What has become of the period's usage records that cost something at one biller.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillLedger {
    #[schema(value_type = String, example = "stripe")]
    exporter: Exporter,
    totals: Vec<BillLedgerTotal>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BillLedgerTotal {
    /// `acknowledged`, `pending`, `rejected`, or `unsent`: no push has looked at them yet.
    #[schema(value_type = String, example = "acknowledged")]
    status: &'static str,
    /// Why they were not acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    records: u64,
    /// What they cost, in picodollars.
    cost_pico: String,
}

impl From<Ledger> for BillLedger {
    fn from(Ledger { exporter, totals, unheard: (records, cost) }: Ledger) -> Self {
        let total = |status, code, records, cost: Pico| BillLedgerTotal {
            status,
            code,
            records,
            cost_pico: cost.0.to_string(),
        };
        let mut totals: Vec<BillLedgerTotal> = totals
            .into_iter()
            .map(|sum| total(sum.status.as_str(), sum.code, sum.records, sum.cost))
            .collect();
        if records > 0 {
            totals.push(total("unsent", None, records, cost));
        }
        Self { exporter, totals }
    }
}

/// What was compared.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillCheck {
    /// A read model, `records` (the usage records by themselves), the ledger of a biller, or
    /// `stripe`: what Stripe says itself.
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
    /// Which row, usage record, or customer of Stripe's.
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
            ledgers: report.ledgers.into_iter().map(BillLedger::from).collect(),
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
