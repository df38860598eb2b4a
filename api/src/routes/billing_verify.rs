//! The proof of the bill.

use axum::extract::State;
use theazo_billing::{Sums, VerifyError, compared, verify};
use theazo_domain::export::Exporter;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::error::ApiError;
use crate::extract::Query;
use crate::wire::billing_verify::{Verification, VerifyQuery};
use crate::write::Shown;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(billing_verify))
}

/// Verify the bill
///
/// Folds your whole log from zero, compares with every read model that shows money and with the
/// ledgers of what was pushed to billers, and makes out each usage record again from its price and
/// quantity. A difference is a `200` with `ok: false`, and says which amount of what, and by which
/// events (`position`s). `records`, `cost` and `ledgers` are of the period. With `stripe`, Stripe
/// is asked what it has of each customer, which takes a call for each.
#[utoipa::path(get, path = "/v1/billing/verify", tag = "billing", params(VerifyQuery),
    responses((status = 200, description = "What was found", body = Verification),
        (status = 409, description = "With `stripe`: no key or no meter is set")))]
async fn billing_verify(
    State(state): State<AppState>,
    reader: Reader,
    writer: Writer,
    Query(query): Query<VerifyQuery>,
) -> Result<Shown<Verification>, ApiError> {
    let scope = reader.scope();
    let settings = writer.commander.settings(scope).await?;
    let period = query.parse(settings.billing_day, theazo_commands::now())?;
    let sums = if query.stripe {
        let biller = settings.biller(Exporter::Stripe);
        let key = writer.commander.reveal_org_secret(scope, Exporter::Stripe.secret()).await?;
        let sums = Sums::of_stripe(&state.billers, scope.mode, key, &biller);
        Some(sums.map_err(|error| ApiError::conflict(error.to_string()))?)
    } else {
        None
    };
    // It reads a whole history: one at a time leaves room for everything else.
    let _turn = state.verifying.lock().await;
    let log = writer.commander.log().clone();
    let models = compared(&period);
    let found = verify(log, &reader.models, scope, period, &models, sums.as_ref(), |_, _| ()).await;
    let report = found.map_err(|error| match error {
        VerifyError::Log(error) => error.into(),
        VerifyError::Read(error) => error.into(),
        VerifyError::Behind => ApiError::unavailable(&error),
        VerifyError::Biller(failure) => ApiError::conflict(failure.message),
    });
    report.map(|report| Shown(report.into()))
}
