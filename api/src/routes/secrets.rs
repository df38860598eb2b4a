//! Secrets: set and named, never shown.

use axum::extract::State;
use secrecy::ExposeSecret;
use theazo_domain::session::{Session, SessionStatus};
use theazo_domain::{Rejection, SessionId, StreamId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::page::{PageBody, PageRequest};
use crate::wire::secret::{DeleteSecret, ListSecrets, MAX_VALUE, Secret, SetSecret};
use crate::write::{Ok as OkBody, Shown, Written};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(secret_set, secret_list)).routes(routes!(secret_delete))
}

/// Set a secret
///
/// One with the same name and scope is overwritten.
#[utoipa::path(post, path = "/v1/secrets", tag = "secrets",
    request_body = SetSecret,
    responses((status = 201, description = "The secret, without its value", body = Secret)))]
async fn secret_set(
    writer: Writer,
    Json(body): Json<SetSecret>,
) -> Result<Written<Secret>, ApiError> {
    let len = body.value.expose_secret().len();
    if !(1..=MAX_VALUE).contains(&len) {
        return Err(ApiError::invalid("value", format!("must be 1 to {MAX_VALUE} bytes")));
    }
    if let Some(session) = body.session_id {
        must_be_open(&writer, session).await?;
    }
    let (name, value) = (&body.name, &body.value);
    let done = writer.commander.set_secret(writer.origin(), body.session_id, name, value).await?;
    Ok(Written::created(&writer.caller, done.position, Secret::from(&*done.state)))
}

/// List secrets
///
/// Without their values, newest first.
#[utoipa::path(get, path = "/v1/secrets", tag = "secrets", params(ListSecrets),
    responses((status = 200, description = "A page of secrets", body = PageBody<Secret>)))]
async fn secret_list(
    State(state): State<AppState>,
    reader: Reader,
    Query(query): Query<ListSecrets>,
) -> Result<Shown<PageBody<Secret>>, ApiError> {
    let session = query.session_id.map(|id| id.to_string());
    let filters = [("sessionId", session.as_deref())];
    let (limit, cursor) = (query.limit, query.cursor.as_deref());
    let page = PageRequest::new(&state, reader.scope(), "secrets", &filters, limit, cursor)?;
    let rows = reader.models.secrets(reader.scope(), query.session_id, page.rows()).await?;
    Ok(Shown(page.answer(rows, |row| row.value.into())))
}

/// Delete a secret
#[utoipa::path(delete, path = "/v1/secrets/{name}", tag = "secrets",
    params(("name" = String, Path, description = "Its name"), DeleteSecret),
    responses((status = 200, description = "It is deleted", body = OkBody)))]
async fn secret_delete(
    writer: Writer,
    Path(name): Path<String>,
    Query(query): Query<DeleteSecret>,
) -> Result<Written<OkBody>, ApiError> {
    let deleted = writer.commander.delete_secret(writer.origin(), query.session_id, &name).await;
    let done = deleted.map_err(|error| match ApiError::from(error) {
        // What is not a name names nothing.
        error if error.fields.iter().any(|field| field.path == "name") => {
            ApiError::not_found("secret")
        }
        error => error,
    })?;
    Ok(Written::ok(&writer.caller, done.position, OkBody::TRUE))
}

async fn must_be_open(writer: &Writer, id: SessionId) -> Result<(), ApiError> {
    let stream = StreamId::session(writer.scope(), id);
    let session = writer.commander.load::<Session>(&stream).await?.state;
    match session.map(|session| session.status) {
        None => Err(ApiError::invalid("sessionId", "no such session")),
        Some(SessionStatus::Ended) => {
            Err(Rejection::conflict("This session has ended; create a new one.").into())
        }
        Some(SessionStatus::Active | SessionStatus::Paused) => Ok(()),
    }
}
