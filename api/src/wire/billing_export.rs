//! What can be asked of an export of usage records.

use serde::Deserialize;
use theazo_billing::{Format, Period, Place};
use theazo_domain::{FieldError, Rejection, Timestamp};
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// `csv`, `json` (a line for each record) or `stripe` (meter events, a line for each).
    #[param(value_type = String, example = "csv")]
    format: Option<String>,
    /// A date, or an RFC 3339 time with its zone; the start of the billing period when absent.
    from: Option<String>,
    /// A date, whose day is included, or an RFC 3339 time with its zone; now when absent. At most
    /// 366 days after `from`.
    until: Option<String>,
    /// A row's `position`: only what comes after that row.
    after: Option<String>,
}

/// Rows of usage records.
#[derive(ToSchema)]
#[schema(value_type = String)]
#[allow(dead_code, reason = "this only describes what is streamed")]
pub struct UsageRows(String);

/// What is asked for.
#[derive(Debug)]
pub struct Wanted {
    pub format: Format,
    pub period: Period,
    pub after: Place,
}

impl ExportQuery {
    /// # Errors
    /// A 422 that names every wrong field.
    pub fn parse(&self, billing_day: u8, now: Timestamp) -> Result<Wanted, ApiError> {
        let mut wrong = Vec::new();
        let format = match &self.format {
            Some(text) => text.parse::<Format>(),
            None => Err("is required: `csv`, `json` or `stripe`".to_owned()),
        };
        let format = format.map_err(|why| wrong.push(FieldError::new("format", why))).ok();
        let period = parse_period(&self.from, &self.until, billing_day, now);
        let period = period.map_err(|fields| wrong.extend(fields)).ok();
        let after = self.after.as_deref().map_or(Ok(Place::START), str::parse);
        let after = after.map_err(|why| wrong.push(FieldError::new("after", why))).ok();
        match (format, period, after) {
            (Some(format), Some(period), Some(after)) => Ok(Wanted { format, period, after }),
            _ => Err(Rejection::Invalid(wrong).into()),
        }
    }
}

pub fn parse_period(
    from: &Option<String>,
    until: &Option<String>,
    billing_day: u8,
    now: Timestamp,
) -> Result<Period, Vec<FieldError>> {
    Period::parse(from.as_deref(), until.as_deref(), billing_day, now)
}
