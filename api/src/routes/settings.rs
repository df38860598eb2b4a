//! The org's settings.

use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use theazo_commands::delivery::signing_secret;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::{Caller, Reader, Writer};
use crate::error::ApiError;
use crate::extract::Json;
use crate::submit::check_model;
use crate::wire::settings::{Settings, UpdateSettings, WebhookSecret};
use crate::write::{Shown, Written};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(settings_view, settings_update))
        .routes(routes!(webhook_secret))
}

/// Get the settings
#[utoipa::path(get, path = "/v1/settings", tag = "settings",
    responses((status = 200, description = "The settings", body = Settings)))]
async fn settings_view(reader: Reader) -> Result<Shown<Settings>, ApiError> {
    let row = reader.models.settings(reader.scope()).await?;
    let settings = row.map(|row| row.value).unwrap_or_default();
    Ok(Shown(Settings::from(&settings)))
}

/// Change the settings
#[utoipa::path(patch, path = "/v1/settings", tag = "settings",
    request_body = UpdateSettings,
    responses((status = 200, description = "The settings", body = Settings)))]
async fn settings_update(
    State(state): State<AppState>,
    writer: Writer,
    Json(body): Json<UpdateSettings>,
) -> Result<Written<Settings>, ApiError> {
    check_model(&state, body.model())?;
    let done = writer.commander.update_settings(writer.origin(), body.into()).await?;
    Ok(Written::ok(&writer.caller, done.position, Settings::from(&*done.state)))
}

/// Get the webhooks' secret
///
/// Every webhook is signed with it, the Standard Webhooks way: check the signature before you
/// believe one.
#[utoipa::path(get, path = "/v1/settings/webhook-secret", tag = "settings",
    responses((status = 200, description = "The secret", body = WebhookSecret)))]
async fn webhook_secret(State(state): State<AppState>, caller: Caller) -> Shown<WebhookSecret> {
    let secret = signing_secret(&state.webhook_key, caller.scope);
    Shown(WebhookSecret { secret: format!("whsec_{}", BASE64.encode(secret)) })
}
