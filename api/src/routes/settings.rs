//! The org's settings.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::error::ApiError;
use crate::extract::Json;
use crate::wire::settings::{Settings, UpdateSettings};
use crate::write::{Shown, Written};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(settings_view, settings_update))
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
    writer: Writer,
    Json(body): Json<UpdateSettings>,
) -> Result<Written<Settings>, ApiError> {
    let done = writer.commander.update_settings(writer.origin(), body.into()).await?;
    Ok(Written::ok(&writer.caller, done.position, Settings::from(&*done.state)))
}
