//! Bills as the API shows them. Costs are summed exactly and rounded once, here; the rows of a
//! breakdown add up to the total that they are the breakdown of.

use serde::{Deserialize, Serialize};
use theazo_domain::{Cents, Currency, Day, Money, Pico, apportion, apportion_to, div_half_even};
use theazo_projections::{Billed, BilledSums, BilledUser, BilledWhat};
use utoipa::{IntoParams, ToSchema};

use super::common;
use super::period::{BillingPeriod, Bound, PeriodQuery};

const MILLIS_PER_MINUTE: i128 = 60_000;
const GIB: i128 = 1 << 30;

/// Whom a breakdown by user shows.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListUsers {
    /// As for the others.
    #[param(value_type = Option<String>, example = "2025-05-01")]
    from: Option<Bound>,
    /// As for the others.
    #[param(value_type = Option<String>, example = "2025-05-06")]
    until: Option<Bound>,
    /// 1 to 1000; 50 when absent.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
}

impl ListUsers {
    pub const fn period(&self) -> PeriodQuery {
        PeriodQuery { from: self.from, until: self.until }
    }
}

/// What was used in a period, and what it costs.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct UsageSummary {
    period: BillingPeriod,
    compute: ComputeSummary,
    models: ModelSummary,
    storage: StorageSummary,
    /// Of the three.
    #[schema(value_type = common::Money)]
    total: Money,
}

/// Running compute; with your own providers, our fee for it.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct ComputeSummary {
    #[schema(example = 142)]
    minutes: u64,
    #[schema(value_type = common::Money)]
    cost: Money,
}

/// Model calls; with your own keys, our fee for them.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelSummary {
    /// Whole prompts: also what was read from a cache or written to one, once.
    #[schema(example = 1_240_000)]
    input_tokens: u64,
    #[schema(example = 380_000)]
    output_tokens: u64,
    #[schema(value_type = common::Money)]
    cost: Money,
}

/// Snapshots and artifacts.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct StorageSummary {
    /// GiB that were kept, on average over the period.
    #[schema(example = 0.4)]
    gb: f64,
    #[schema(value_type = common::Money)]
    cost: Money,
}

/// A period in figures.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BillingUsage {
    period: BillingPeriod,
    #[schema(value_type = common::Money)]
    total_cost: Money,
    #[schema(example = 310)]
    compute_minutes: u64,
    #[schema(example = 1_842)]
    model_calls: u64,
    /// That began in the period.
    #[schema(example = 47)]
    sessions: u64,
    /// That began in the period.
    #[schema(example = 126)]
    agents: u64,
}

/// The rows of a breakdown.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct Breakdown<T> {
    data: Vec<T>,
}

/// What one UTC day costs.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct DailyCost {
    #[schema(value_type = String, format = Date, example = "2025-05-01")]
    date: Day,
    #[schema(value_type = common::Money)]
    cost: Money,
}

/// What one of your users costs, in all sessions.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserCost {
    #[schema(example = "user_123")]
    user_id: String,
    #[schema(value_type = common::Money)]
    cost: Money,
    /// That began in the period.
    sessions: u64,
    /// That began in the period.
    agents: u64,
}

/// What one model costs.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelCost {
    /// By its vendor's word.
    #[schema(example = "claude-sonnet-4-20250514")]
    model: String,
    calls: u64,
    /// Whole prompts: also what was read from a cache or written to one, once.
    input_tokens: u64,
    output_tokens: u64,
    #[schema(value_type = common::Money)]
    cost: Money,
    /// Calls that had no price, so that the cost is too low. Absent when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    unpriced_calls: Option<u64>,
}

/// What a period comes to.
#[derive(Default)]
struct Totals {
    compute: BilledSums,
    models: BilledSums,
    storage: BilledSums,
    sessions: u64,
    agents: u64,
}

impl Totals {
    fn of(rows: &[Billed]) -> Self {
        rows.iter().fold(Self::default(), |mut totals, Billed { what, sums }| {
            match what {
                BilledWhat::Compute => totals.compute = totals.compute.plus(*sums),
                BilledWhat::Model(_) => totals.models = totals.models.plus(*sums),
                BilledWhat::Storage => totals.storage = totals.storage.plus(*sums),
                BilledWhat::Sessions => totals.sessions = sums.number,
                BilledWhat::Agents => totals.agents = sums.number,
            }
            totals
        })
    }

    fn cost(&self) -> Pico {
        self.compute.cost + self.models.cost + self.storage.cost
    }

    /// Of compute, models and storage, as they are shown.
    fn cents(&self) -> [Cents; 3] {
        let parts = [self.compute.cost, self.models.cost, self.storage.cost];
        apportion(&parts).try_into().unwrap_or_default()
    }

    fn minutes(&self) -> u64 {
        let minutes = div_half_even(self.compute.millis.into(), MILLIS_PER_MINUTE);
        u64::try_from(minutes).unwrap_or_default()
    }
}

impl UsageSummary {
    pub fn new(period: BillingPeriod, rows: &[Billed]) -> Self {
        let totals = Totals::of(rows);
        let [compute, models, storage] = totals.cents().map(usd);
        let tokens = totals.models.tokens;
        Self {
            compute: ComputeSummary { minutes: totals.minutes(), cost: compute },
            models: ModelSummary {
                input_tokens: tokens.prompt(),
                output_tokens: tokens.output,
                cost: models,
            },
            storage: StorageSummary {
                gb: average_gib(totals.storage.byte_seconds, period.millis()),
                cost: storage,
            },
            total: totals.cost().to_money(),
            period,
        }
    }
}

impl BillingUsage {
    pub fn new(period: BillingPeriod, rows: &[Billed]) -> Self {
        let totals = Totals::of(rows);
        Self {
            period,
            total_cost: totals.cost().to_money(),
            compute_minutes: totals.minutes(),
            model_calls: totals.models.number,
            sessions: totals.sessions,
            agents: totals.agents,
        }
    }
}

impl Breakdown<DailyCost> {
    /// A row for each day of `period`: they add up to its total.
    pub fn by_day(period: &BillingPeriod, costs: &[(Day, Pico)]) -> Self {
        let mut costs = costs.iter().peekable();
        let mut day = period.days.start;
        let mut days = Vec::new();
        while day < period.days.end {
            let cost = costs.next_if(|(of, _)| *of == day).map_or(Pico::ZERO, |(_, cost)| *cost);
            days.push((day, cost));
            day = day.next();
        }
        let parts: Vec<Pico> = days.iter().map(|(_, cost)| *cost).collect();
        let cents = apportion(&parts).into_iter();
        let row = |((date, _), cents)| DailyCost { date, cost: usd(cents) };
        Self { data: days.into_iter().zip(cents).map(row).collect() }
    }
}

impl Breakdown<UserCost> {
    /// The first `limit` of all `users` of a period: with those that are not shown, they add up to
    /// its total.
    pub fn by_user(users: Vec<BilledUser>, limit: usize) -> Self {
        let parts: Vec<Pico> = users.iter().map(|user| user.cost).collect();
        let cents = apportion(&parts).into_iter();
        let row = |(user, cents): (BilledUser, Cents)| UserCost {
            user_id: user.user_id,
            cost: usd(cents),
            sessions: user.sessions,
            agents: user.agents,
        };
        Self { data: users.into_iter().zip(cents).take(limit).map(row).collect() }
    }
}

impl Breakdown<ModelCost> {
    /// The models of a period, the most expensive first: they add up to what the summary shows for
    /// models.
    pub fn by_model(rows: Vec<Billed>) -> Self {
        let [_, total, _] = Totals::of(&rows).cents();
        let of_model = |Billed { what, sums }| match what {
            BilledWhat::Model(model) => Some((model, sums)),
            _ => None,
        };
        let mut models: Vec<(String, BilledSums)> = rows.into_iter().filter_map(of_model).collect();
        models.sort_by(|(a, x), (b, y)| y.cost.cmp(&x.cost).then_with(|| a.cmp(b)));
        let parts: Vec<Pico> = models.iter().map(|(_, sums)| sums.cost).collect();
        let cents = apportion_to(total, &parts).into_iter();
        let row = |((model, sums), cents): ((String, BilledSums), Cents)| ModelCost {
            model,
            calls: sums.number,
            input_tokens: sums.tokens.prompt(),
            output_tokens: sums.tokens.output,
            cost: usd(cents),
            unpriced_calls: Some(sums.unpriced).filter(|calls| *calls > 0),
        };
        Self { data: models.into_iter().zip(cents).map(row).collect() }
    }
}

const fn usd(amount: Cents) -> Money {
    Money { amount, currency: Currency::Usd }
}

/// GiB that `byte_seconds` are over `millis`, rounded half to even to a tenth.
fn average_gib(byte_seconds: u128, millis: u64) -> f64 {
    if millis == 0 {
        return 0.0;
    }
    let byte_millis = i128::try_from(byte_seconds).unwrap_or(i128::MAX).saturating_mul(10_000);
    let tenths = div_half_even(byte_millis, GIB.saturating_mul(millis.into()));
    // The nearest to a tenth is what is written as one.
    tenths as f64 / 10.0
}

#[cfg(test)]
#[path = "usage/tests.rs"]
mod tests;
