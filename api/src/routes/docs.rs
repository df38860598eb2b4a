//! The API's own description: as JSON, and as pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::Config;

use crate::AppState;
use crate::error::ApiError;

const JSON_PATH: &str = "/openapi.json";
/// Scripts and data only from here; the pages set styles inline and have an image as data.
const CSP: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                   frame-ancestors 'none'; base-uri 'none'";

pub(crate) fn router(spec: OpenApi) -> Router<AppState> {
    // Made once: it does not change while we run.
    let json = spec.to_json().map(Bytes::from).map_err(|error| error.to_string());
    let config = Arc::new(Config::from(JSON_PATH).try_it_out_enabled(true));
    let index = config.clone();
    Router::new()
        .route(JSON_PATH, get(async || describe(json)))
        .route("/docs", get(async || Redirect::permanent("/docs/")))
        .route("/docs/", get(async move || page("", index)))
        .route("/docs/{*file}", get(async move |Path(file): Path<String>| page(&file, config)))
}

fn describe(json: Result<Bytes, String>) -> Result<Response, ApiError> {
    let json = json.map_err(|error| ApiError::internal(&error))?;
    let kind = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, kind)], json).into_response())
}

fn page(file: &str, config: Arc<Config<'static>>) -> Result<Response, ApiError> {
    let found = utoipa_swagger_ui::serve(file, config).map_err(|e| ApiError::internal(&e))?;
    let file = found.ok_or_else(|| ApiError::not_found("page"))?;
    let kind = HeaderValue::try_from(file.content_type).map_err(|e| ApiError::internal(&e))?;
    let mut response = file.bytes.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    if file.gzpipped {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}
