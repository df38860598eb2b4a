//! What a process without an API says of itself: whether it lives, takes work, and how it does.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::error::{ApiError, ErrorCode};
use crate::metrics;

/// Whether a process takes work.
#[async_trait]
pub trait Ready: Send + Sync + 'static {
    /// Why it does not, if it does not.
    async fn ready(&self) -> Result<(), String>;
}

/// Serves `/healthz`, `/readyz` and `/metrics` until `shutdown`.
///
/// # Errors
/// When the listener breaks.
pub async fn serve_probes(
    listener: TcpListener,
    ready: Arc<dyn Ready>,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    // The same paths as an API process documents.
    let app = Router::new().fallback(probe).with_state(ready);
    let serve = axum::serve(listener, app);
    serve.with_graceful_shutdown(async move { shutdown.cancelled().await }).await
}

async fn probe(State(ready): State<Arc<dyn Ready>>, uri: Uri) -> Response {
    match uri.path() {
        "/healthz" => answer(StatusCode::OK, r#"{"status":"ok"}"#),
        "/readyz" => match ready.ready().await {
            Ok(()) => answer(StatusCode::OK, r#"{"status":"ok"}"#),
            Err(why) => ApiError::unavailable(&why).into_response(),
        },
        "/metrics" => metrics::prometheus().render().into_response(),
        _ => {
            let message = "This process has no API: it serves /healthz, /readyz and /metrics.";
            ApiError::new(ErrorCode::NotFound, message).into_response()
        }
    }
}

fn answer(status: StatusCode, body: &'static str) -> Response {
    let json = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, json)], body).into_response()
}
