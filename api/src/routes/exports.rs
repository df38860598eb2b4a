//! Pushes of usage to billers.

use axum::extract::State;
use theazo_commands::PushRequest;
use theazo_domain::ExportId;
use theazo_domain::export::Exporter;
use theazo_projections::{LedgerFilter, LedgerStatus, Page};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::error::ApiError;
use crate::extract::{Id, Json, Query};
use crate::page::{PageBody, PageRequest};
use crate::wire::export::{
    Export, ExportedRecord, ListExportRecords, ListExports, StartExport, StartedExport,
};
use crate::write::{Shown, Written};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(export_to_stripe))
        .routes(routes!(export_to_metronome))
        .routes(routes!(export_list))
        .routes(routes!(export_view))
        .routes(routes!(export_records))
}

/// Push usage to Stripe
///
/// Every usage record that costs something becomes a meter event whose value is picodollars, with
/// the record's id as `identifier`. What is acknowledged is never sent again: repeat it as often as
/// you like. Stripe's key is the secret `STRIPE_API_KEY`; a user's customer is `stripeCustomerId`
/// of the session's metadata, or is mapped in the settings.
#[utoipa::path(post, path = "/v1/billing/exports/stripe", tag = "billing",
    request_body = StartExport,
    responses((status = 202, description = "It is under way", body = StartedExport),
        (status = 409, description = "No key is set, or a push is under way")))]
async fn export_to_stripe(
    State(state): State<AppState>,
    writer: Writer,
    Json(body): Json<StartExport>,
) -> Result<Written<StartedExport>, ApiError> {
    start(&state, &writer, Exporter::Stripe, &body).await
}

/// Push usage to Metronome
///
/// As with Stripe. Metronome's key is the secret `METRONOME_API_KEY`; a user's customer is
/// `metronomeCustomerId` of the session's metadata, or is mapped in the settings.
#[utoipa::path(post, path = "/v1/billing/exports/metronome", tag = "billing",
    request_body = StartExport,
    responses((status = 202, description = "It is under way", body = StartedExport),
        (status = 409, description = "No key is set, or a push is under way")))]
async fn export_to_metronome(
    State(state): State<AppState>,
    writer: Writer,
    Json(body): Json<StartExport>,
) -> Result<Written<StartedExport>, ApiError> {
    start(&state, &writer, Exporter::Metronome, &body).await
}

async fn start(
    state: &AppState,
    writer: &Writer,
    exporter: Exporter,
    body: &StartExport,
) -> Result<Written<StartedExport>, ApiError> {
    let (commander, scope, secret) = (&writer.commander, writer.scope(), exporter.secret());
    if !commander.has_org_secret(scope, secret).await? {
        return Err(ApiError::conflict(format!(
            "The key for {exporter} is not set: set the secret {secret} with POST /v1/secrets, \
             then push again."
        )));
    }
    let request = PushRequest {
        exporter,
        from: body.from.map(|when| when.0),
        until: body.until.map(|when| when.0),
        retry_rejected: body.retry_rejected,
    };
    // What the read model does not have yet is walked over.
    let latest = state.reads.exports(scope, Some(exporter), Page::first(1)).await?;
    let latest = latest.first().map_or(0, |row| row.value.number);
    let done = commander.start_export(writer.origin(), &request, latest).await?;
    let started = StartedExport { export_id: done.state.id, status: done.state.status.into() };
    Ok(Written::accepted(&writer.caller, done.position, started))
}

/// List pushes
///
/// Newest first.
#[utoipa::path(get, path = "/v1/billing/exports", tag = "billing", params(ListExports),
    responses((status = 200, description = "A page of pushes", body = PageBody<Export>)))]
async fn export_list(
    State(state): State<AppState>,
    reader: Reader,
    Query(query): Query<ListExports>,
) -> Result<Shown<PageBody<Export>>, ApiError> {
    let filters = [("exporter", query.exporter.map(Exporter::as_str))];
    let (limit, cursor) = (query.limit, query.cursor.as_deref());
    let page = PageRequest::new(&state, reader.scope(), "exports", &filters, limit, cursor)?;
    let rows = reader.models.exports(reader.scope(), query.exporter, page.rows()).await?;
    Ok(Shown(page.answer(rows, |row| Export::from(row.value))))
}

/// Get a push
///
/// With `ledger`: what has become of all usage records at this biller.
#[utoipa::path(get, path = "/v1/billing/exports/{id}", tag = "billing",
    params(("id" = String, Path, description = "`exp_…`")),
    responses((status = 200, description = "The push", body = Export)))]
async fn export_view(reader: Reader, Id(id): Id<ExportId>) -> Result<Shown<Export>, ApiError> {
    let row = reader.models.export(reader.scope(), id).await?;
    let export = row.ok_or_else(|| ApiError::not_found("push"))?.value;
    let totals = reader.models.ledger_totals(reader.scope(), export.exporter).await?;
    Ok(Shown(Export::from(export).with_ledger(totals)))
}

/// List the usage records of a push
///
/// Those that it was the last one to push, with what became of each.
#[utoipa::path(get, path = "/v1/billing/exports/{id}/records", tag = "billing",
    params(("id" = String, Path, description = "`exp_…`"), ListExportRecords),
    responses((status = 200, description = "A page of them", body = PageBody<ExportedRecord>)))]
async fn export_records(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<ExportId>,
    Query(query): Query<ListExportRecords>,
) -> Result<Shown<PageBody<ExportedRecord>>, ApiError> {
    let scope = reader.scope();
    if reader.models.export(scope, id).await?.is_none() {
        return Err(ApiError::not_found("push"));
    }
    let status = query.status.map(LedgerStatus::from);
    let own = id.to_string();
    let filters = [
        ("id", Some(own.as_str())),
        ("status", status.map(LedgerStatus::as_str)),
        ("code", query.code.as_deref()),
    ];
    let (limit, cursor) = (query.limit, query.cursor.as_deref());
    let page = PageRequest::new(&state, scope, "export records", &filters, limit, cursor)?;
    let code = query.code.clone();
    let filter = LedgerFilter { export_id: Some(id), status, code, ..LedgerFilter::default() };
    let rows = reader.models.ledger(scope, &filter, page.rows()).await?;
    Ok(Shown(page.answer(rows, |row| ExportedRecord::from(row.value))))
}
