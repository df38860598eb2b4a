//! Whether this process lives, takes work, and how it does.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{ApiError, ErrorCode};
use crate::write::Shown;
use crate::{AppState, metrics};

/// How long the log may take to say where its end is.
const PATIENCE: Duration = Duration::from_secs(2);
const LANDING: &str = include_str!("landing.html");
/// The page is its own: nothing is loaded, nothing runs.
const LANDING_CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(service_alive))
        .routes(routes!(service_ready))
        .routes(routes!(service_metrics))
}

/// What a probe hears.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServiceStatus)]
struct Status {
    #[schema(example = "ok")]
    status: &'static str,
    /// The last commit of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    /// Commits that the read models do not have yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    behind: Option<u64>,
    /// Where this deployment keeps less than it promises, and what to do about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// Is the process alive?
#[utoipa::path(get, path = "/healthz", tag = "service", security(()),
    responses((status = 200, description = "It is", body = Status)))]
async fn service_alive() -> Shown<Status> {
    Shown(Status { status: "ok", ..Status::default() })
}

/// Does it take work?
///
/// Not while it shuts down, or cannot reach its log or its read models.
#[utoipa::path(get, path = "/readyz", tag = "service", security(()),
    responses((status = 200, description = "It does", body = Status),
        (status = 503, description = "It does not")))]
async fn service_ready(State(state): State<AppState>) -> Result<Shown<Status>, ApiError> {
    if state.is_draining() {
        let message = "This process is shutting down; use another.";
        return Err(ApiError::new(ErrorCode::Unavailable, message));
    }
    let head = tokio::time::timeout(PATIENCE, state.commander.log().head()).await;
    let head = head.map_err(|_| ApiError::unavailable(&"the log does not answer"))??;
    let behind = head.0.saturating_sub(state.reads.position().0);
    let (position, behind) = (Some(head.0), Some(behind));
    Ok(Shown(Status { status: "ok", position, behind, warnings: state.warnings.clone() }))
}

/// Metrics
///
/// In Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "service", security(()),
    responses((status = 200, description = "The metrics", body = String,
        content_type = "text/plain")))]
async fn service_metrics() -> impl IntoResponse {
    let text = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, HeaderValue::from_static(text))], metrics::prometheus().render())
}

/// What a browser sees at `/`.
pub(crate) async fn landing() -> Response {
    let csp = HeaderValue::from_static(LANDING_CSP);
    (StatusCode::OK, [(header::CONTENT_SECURITY_POLICY, csp)], Html(LANDING)).into_response()
}
