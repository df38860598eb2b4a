//! API keys: of the caller's own org and mode.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use theazo_commands::Done;
use theazo_commands::api_key::NewKey;
use theazo_domain::ApiKeyId;
use theazo_domain::api_key::ApiKey as Key;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::error::ApiError;
use crate::extract::{Empty, Id, Json, Query};
use crate::page::{PageBody, PageRequest};
use crate::wire::api_key::{ApiKey, CreateApiKey, ListApiKeys};
use crate::write::{Ok as OkBody, Shown, Written};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(api_key_create, api_key_list))
        .routes(routes!(api_key_delete))
        .routes(routes!(api_key_rotate))
}

/// Create an API key
///
/// The answer is the only place that shows the key.
#[utoipa::path(post, path = "/v1/api-keys", tag = "api keys",
    request_body = CreateApiKey,
    responses((status = 201, description = "The key, with its secret", body = ApiKey)))]
async fn api_key_create(
    writer: Writer,
    State(state): State<AppState>,
    Json(body): Json<CreateApiKey>,
) -> Result<Response, ApiError> {
    let new = NewKey::random(writer.scope().mode);
    let done = writer.commander.create_api_key(writer.origin(), &body.name, &new).await?;
    must_be_new(&done)?;
    state.keys.changed(done.position, |_| false);
    let secret = new.reveal();
    let mut answer = shown(&writer, &done, &secret);
    *answer.status_mut() = axum::http::StatusCode::CREATED;
    Ok(answer)
}

/// List API keys
///
/// Newest first, the revoked ones too.
#[utoipa::path(get, path = "/v1/api-keys", tag = "api keys", params(ListApiKeys),
    responses((status = 200, description = "A page of keys", body = PageBody<ApiKey>)))]
async fn api_key_list(
    State(state): State<AppState>,
    reader: Reader,
    Query(query): Query<ListApiKeys>,
) -> Result<Response, ApiError> {
    let scope = reader.scope();
    let (limit, cursor) = (query.limit, query.cursor.as_deref());
    let page = PageRequest::new(&state, scope, "api-keys", &[], limit, cursor)?;
    let rows = reader.models.api_keys(scope, page.rows()).await?;
    let page = page.answer(rows, |row| row.value);
    Ok(Shown(page.map(|key| ApiKey::of(key, scope.mode))).into_response())
}

/// Revoke an API key
///
/// It stops working at once. Revoking it again changes nothing.
#[utoipa::path(delete, path = "/v1/api-keys/{id}", tag = "api keys",
    params(("id" = String, Path, description = "`key_…`")),
    responses((status = 200, description = "It is revoked", body = OkBody)))]
async fn api_key_delete(
    writer: Writer,
    State(state): State<AppState>,
    Id(id): Id<ApiKeyId>,
) -> Result<Written<OkBody>, ApiError> {
    let done = writer.commander.revoke_api_key(writer.origin(), id).await?;
    state.keys.changed(done.position, |key| key.id == id);
    Ok(Written::ok(&writer.caller, done.position, OkBody::TRUE))
}

/// Rotate an API key
///
/// Its old secret stops working at once; the answer is the only place that shows the new one.
#[utoipa::path(post, path = "/v1/api-keys/{id}/rotate", tag = "api keys",
    params(("id" = String, Path, description = "`key_…`")),
    responses((status = 200, description = "The key, with its new secret", body = ApiKey),
        (status = 409, description = "It is revoked")))]
async fn api_key_rotate(
    writer: Writer,
    State(state): State<AppState>,
    Id(id): Id<ApiKeyId>,
    Json(Empty {}): Json<Empty>,
) -> Result<Response, ApiError> {
    let new = NewKey::random(writer.scope().mode);
    let done = writer.commander.rotate_api_key(writer.origin(), id, &new).await?;
    must_be_new(&done)?;
    state.keys.changed(done.position, |key| key.id == id);
    let secret = new.reveal();
    Ok(shown(&writer, &done, &secret))
}

/// A command that was done before made another secret, which nobody has any more: an answer with
/// the one drawn now would show a key that does not work.
fn must_be_new(done: &Done<Key>) -> Result<(), ApiError> {
    if done.changed {
        return Ok(());
    }
    Err(ApiError::conflict(format!(
        "An earlier request with this Idempotency-Key did this, and its answer, which showed the \
         key, is gone. Rotate {} with a new Idempotency-Key to get a new secret.",
        done.state.id,
    )))
}

fn shown(writer: &Writer, done: &Done<Key>, secret: &SecretString) -> Response {
    let key = ApiKey::of(&done.state, writer.scope().mode).showing(secret.expose_secret());
    Written::ok(&writer.caller, done.position, key).into_response()
}
