//! Bills: what was used in a period, and what it costs. Sums of usage records, by UTC day.

use theazo_commands::now;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::Reader;
use crate::error::ApiError;
use crate::extract::Query;
use crate::wire::period::{BillingPeriod, PeriodQuery};
use crate::wire::usage::{
    BillingUsage, Breakdown, DailyCost, ListUsers, ModelCost, UsageSummary, UserCost,
};
use crate::write::Shown;

const USERS_DEFAULT: u32 = 50;
const USERS_MAX: u32 = 1_000;
/// Days before the last one that the daily costs begin with.
const DAYS_DEFAULT: i32 = 30;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(usage_summary))
        .routes(routes!(billing_usage))
        .routes(routes!(billing_daily))
        .routes(routes!(billing_users))
        .routes(routes!(billing_models))
}

/// Get what was used, and what it costs
///
/// Of the current billing period, or of the days from `from` until `until`. What runs at the moment
/// counts when it is recorded: when it ends, and at each midnight in UTC.
#[utoipa::path(get, path = "/v1/usage/summary", tag = "billing", params(PeriodQuery),
    responses((status = 200, description = "Compute, models and storage", body = UsageSummary)))]
async fn usage_summary(
    reader: Reader,
    Query(query): Query<PeriodQuery>,
) -> Result<Shown<UsageSummary>, ApiError> {
    let period = billing_period(&reader, &query).await?;
    let rows = reader.models.billed(reader.scope(), period.days.clone()).await?;
    Ok(Shown(UsageSummary::new(period, &rows)))
}

/// Get a period in figures
///
/// Of the current billing period, or of the days from `from` until `until`.
#[utoipa::path(get, path = "/v1/billing/usage", tag = "billing", params(PeriodQuery),
    responses((status = 200, description = "The period", body = BillingUsage)))]
async fn billing_usage(
    reader: Reader,
    Query(query): Query<PeriodQuery>,
) -> Result<Shown<BillingUsage>, ApiError> {
    let period = billing_period(&reader, &query).await?;
    let rows = reader.models.billed(reader.scope(), period.days.clone()).await?;
    Ok(Shown(BillingUsage::new(period, &rows)))
}

/// List the costs of days
///
/// One row for each UTC day, also where nothing was used; they add up to the `totalCost` of the
/// same period. Without `from`, from 30 days before the last one on.
#[utoipa::path(get, path = "/v1/billing/usage/daily", tag = "billing", params(PeriodQuery),
    responses((status = 200, description = "The days", body = Breakdown<DailyCost>)))]
async fn billing_daily(
    reader: Reader,
    Query(query): Query<PeriodQuery>,
) -> Result<Shown<Breakdown<DailyCost>>, ApiError> {
    let period = query.period(now(), |last| last.plus(-DAYS_DEFAULT))?;
    let costs = reader.models.billed_days(reader.scope(), period.days.clone()).await?;
    Ok(Shown(Breakdown::by_day(&period, &costs)))
}

/// List the costs of users
///
/// The most expensive first. All users of the period, with those beyond `limit`, add up to its
/// `totalCost`. One who used nothing that costs is there too.
#[utoipa::path(get, path = "/v1/billing/usage/users", tag = "billing", params(ListUsers),
    responses((status = 200, description = "The users", body = Breakdown<UserCost>)))]
async fn billing_users(
    reader: Reader,
    Query(query): Query<ListUsers>,
) -> Result<Shown<Breakdown<UserCost>>, ApiError> {
    let limit = query.limit.unwrap_or(USERS_DEFAULT);
    if !(1..=USERS_MAX).contains(&limit) {
        return Err(ApiError::invalid("limit", format!("must be 1 to {USERS_MAX}")));
    }
    let period = billing_period(&reader, &query.period()).await?;
    let users = reader.models.billed_users(reader.scope(), period.days).await?;
    Ok(Shown(Breakdown::by_user(users, usize::try_from(limit).unwrap_or(usize::MAX))))
}

/// List the costs of models
///
/// The most expensive first. They add up to the `models.cost` of the summary of the same period.
#[utoipa::path(get, path = "/v1/billing/usage/models", tag = "billing", params(PeriodQuery),
    responses((status = 200, description = "The models", body = Breakdown<ModelCost>)))]
async fn billing_models(
    reader: Reader,
    Query(query): Query<PeriodQuery>,
) -> Result<Shown<Breakdown<ModelCost>>, ApiError> {
    let period = billing_period(&reader, &query).await?;
    let rows = reader.models.billed(reader.scope(), period.days).await?;
    Ok(Shown(Breakdown::by_model(rows)))
}

/// The period that is asked for; without its beginning, from the org's billing day on.
async fn billing_period(reader: &Reader, query: &PeriodQuery) -> Result<BillingPeriod, ApiError> {
    let settings = reader.models.settings(reader.scope()).await?;
    let billing_day = settings.map(|row| row.value).unwrap_or_default().billing_day;
    query.period(now(), |last| last.period_start(billing_day))
}
