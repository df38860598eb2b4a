use axum::Router;
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::edge::EdgeLayer;
use crate::error::{ApiError, ErrorCode};
use crate::openapi::{base, complete};
use crate::{AppState, routes};

/// Every route with what it says about itself: one place for both.
fn documented() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(base())
        .merge(routes::sessions::router())
        .merge(routes::agents::router())
        .merge(routes::tasks::router())
        .merge(routes::runs::router())
        .merge(routes::streams::router())
        .merge(routes::definitions::router())
        .merge(routes::models::router())
        .merge(routes::tools::router())
        .merge(routes::files::router())
        .merge(routes::ports::router())
        .merge(routes::snapshots::router())
        .merge(routes::providers::router())
        .merge(routes::secrets::router())
        .merge(routes::settings::router())
        .merge(routes::api_keys::router())
        .merge(routes::billing_export::router())
        .merge(routes::billing_verify::router())
        .merge(routes::exports::router())
        .merge(routes::audit::router())
        .merge(routes::service::router())
}

/// What `/openapi.json` answers.
pub fn openapi() -> OpenApi {
    complete(documented().into_openapi())
}

/// The whole API as a service.
pub fn router(state: AppState) -> Router {
    let (routes, spec) = documented().split_for_parts();
    routes
        .merge(routes::docs::router(complete(spec)))
        .route("/", get(routes::service::landing))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(EdgeLayer::new(state.clone()))
        .with_state(state)
}

async fn unknown_route() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "There is no such route; see /docs for those there are.")
}

async fn wrong_method() -> ApiError {
    ApiError::new(
        ErrorCode::MethodNotAllowed,
        "This route does not have this method; the Allow header says which it has.",
    )
}
