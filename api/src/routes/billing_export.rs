//! The usage records of a period, as a download that is a replay of the log.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt;
use theazo_billing::{Format, Period, export, records};
use theazo_domain::export::Exporter;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::Writer;
use crate::error::ApiError;
use crate::extract::Query;
use crate::wire::billing_export::{ExportQuery, UsageRows};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(billing_export))
}

/// Export usage records
///
/// Every usage record that was used in the period, in the order of the log, as a download of any
/// length. A row's `position` goes into `after` to go on after that row. A download that is cut
/// off ends with an error of the connection: what ends cleanly is whole.
///
/// `costPico` is picodollars (10⁻¹² USD). `adjustment` rows were recorded more than an hour after
/// the period's end: bill them in the period that is open. In CSV a text that a spreadsheet would
/// take for a formula, or that begins with `'`, has a `'` before it. For `stripe` each line is a
/// meter event (`position` is ours; do not send it), or an `error` in place of one for a user
/// without a customer; the last line is a `summary`.
#[utoipa::path(get, path = "/v1/billing/export", tag = "billing", params(ExportQuery),
    responses((status = 200, description = "The rows", content(
        (UsageRows = "text/csv"), (UsageRows = "application/x-ndjson")))))]
async fn billing_export(
    writer: Writer,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let settings = writer.commander.settings(writer.scope()).await?;
    let wanted = query.parse(settings.billing_day, theazo_commands::now())?;
    let log = writer.commander.log().clone();
    // What is not there at all is an error answer, not a body that breaks off.
    log.head().await?;
    let rows = records(log, writer.scope(), wanted.after, wanted.period);
    let rows = export(rows, wanted.format, Arc::new(settings.biller(Exporter::Stripe)));
    let rows = rows.inspect_err(|error| {
        tracing::error!(%error, "an export of usage records breaks off");
    });
    let name = file_name(&wanted.period, wanted.format);
    let kind = HeaderValue::from_static(wanted.format.content_type());
    let name = HeaderValue::try_from(name).map_err(|error| ApiError::internal(&error))?;
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(rows)).into_response())
}

fn file_name(period: &Period, format: Format) -> String {
    let (from, last) = (period.from.day(), period.until.as_millis().saturating_sub(1));
    let last = theazo_domain::Timestamp::from_millis(last).day().max(from);
    format!("attachment; filename=\"usage-{from}-{last}.{}\"", format.extension())
}
