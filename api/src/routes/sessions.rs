//! Sessions: one of your users each.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use theazo_commands::{Done, now, session as command};
use theazo_domain::session::CreateSession;
use theazo_domain::{SessionId, Timestamp, session};
use theazo_projections::{ReadModels, Row, SessionFilter, SessionView};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::{Caller, Reader, Writer};
use crate::error::ApiError;
use crate::extract::{Empty, Id, Json, Path, Query};
use crate::page::{PageBody, PageRequest};
use crate::submit::{check_model, check_webhook, must_exist};
use crate::wire::delivery::{Delivery, ListDeliveries};
use crate::wire::session::{CreateSessionBody, ListSessions, Session, SessionOptions, Usage};
use crate::write::{Shown, Written};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(session_create, session_list))
        .routes(routes!(session_view, session_update))
        .routes(routes!(session_for_user))
        .routes(routes!(session_end))
        .routes(routes!(session_deliveries))
}

/// Create a session
///
/// Agents can be added to it right away.
#[utoipa::path(post, path = "/v1/sessions", tag = "sessions",
    request_body = CreateSessionBody,
    responses((status = 201, description = "The session", body = Session)))]
async fn session_create(
    State(state): State<AppState>,
    writer: Writer,
    Json(body): Json<CreateSessionBody>,
) -> Result<Response, ApiError> {
    check_model(&state, body.model())?;
    check_webhook(&state, body.webhook.as_deref())?;
    let (commander, origin) = (&writer.commander, writer.origin());
    let id = command::new_id(origin);
    let webhook = body.webhook.as_deref();
    let webhook = commander.seal_limits_webhook(origin.scope, id, webhook).await?;
    let create = CreateSession { webhook, ..body.into_command(id) };
    let done = commander.create_session(origin, create).await?;
    Ok(created(&writer.caller, &done))
}

/// List sessions
///
/// Newest first.
#[utoipa::path(get, path = "/v1/sessions", tag = "sessions", params(ListSessions),
    responses((status = 200, description = "A page of sessions", body = PageBody<Session>)))]
async fn session_list(
    State(state): State<AppState>,
    reader: Reader,
    Query(query): Query<ListSessions>,
) -> Result<Response, ApiError> {
    let status = query.status.map(|status| status.domain());
    let filters =
        [("userId", query.user_id.as_deref()), ("status", status.map(|status| status.as_str()))];
    let (limit, cursor) = (query.limit, query.cursor.as_deref());
    let page = PageRequest::new(&state, reader.scope(), "sessions", &filters, limit, cursor)?;
    let filter = SessionFilter { user_id: query.user_id.clone(), status };
    let rows = reader.models.sessions(reader.scope(), filter, page.rows()).await?;
    let page = page.answer(rows, |row| row.value);
    let now = now();
    Ok(Shown(page.map(|view| shown(view, now))).into_response())
}

/// Get a session
#[utoipa::path(get, path = "/v1/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "`ses_…`")),
    responses((status = 200, description = "The session", body = Session)))]
async fn session_view(reader: Reader, Id(id): Id<SessionId>) -> Result<Response, ApiError> {
    let row = reader.models.session(reader.scope(), id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("session"))?;
    Ok(Shown(shown(&row.value, now())).into_response())
}

/// Change a session
///
/// Raising a limit of a paused session lets it go on.
#[utoipa::path(patch, path = "/v1/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "`ses_…`")),
    request_body = SessionOptions,
    responses((status = 200, description = "The session", body = Session),
        (status = 409, description = "It has ended")))]
async fn session_update(
    writer: Writer,
    State(state): State<AppState>,
    Id(id): Id<SessionId>,
    Json(body): Json<SessionOptions>,
) -> Result<Response, ApiError> {
    must_exist(&writer, id).await?;
    check_model(&state, body.model())?;
    check_webhook(&state, body.webhook())?;
    let usage = usage(&writer.caller, &state.reads, id).await?;
    let commander = &writer.commander;
    let webhook = commander.seal_limits_webhook(writer.scope(), id, body.webhook()).await?;
    let patch = body.into_patch(webhook);
    let done = commander.update_session(writer.origin(), id, patch).await?;
    Ok(changed(&writer.caller, &done, usage))
}

/// Get or create a user's session
///
/// Safe to call on every request: as long as the user has a session that has not ended, it is
/// returned unchanged, and the body is ignored.
#[utoipa::path(post, path = "/v1/sessions/by-user/{userId}", tag = "sessions",
    params(("userId" = String, Path, description = "Your own name for the user")),
    request_body = SessionOptions,
    responses((status = 200, description = "The session there was", body = Session),
        (status = 201, description = "A new session", body = Session)))]
async fn session_for_user(
    State(state): State<AppState>,
    writer: Writer,
    reader: Reader,
    Path(user_id): Path<String>,
    Json(body): Json<SessionOptions>,
) -> Result<Response, ApiError> {
    check_model(&state, body.model())?;
    check_webhook(&state, body.webhook())?;
    let (origin, webhook) = (writer.origin(), body.webhook().map(str::to_owned));
    let latest = reader.models.latest_session_of_user(origin.scope, &user_id).await?;
    let existing = latest.map(|row| row.value.session.id);
    let create = body.into_command(command::new_id(origin), user_id);
    let done =
        writer.commander.session_for_user(origin, existing, create, webhook.as_deref()).await?;
    if done.changed {
        return Ok(created(&writer.caller, &done));
    }
    let usage = usage(&writer.caller, &reader.models, done.state.id).await?;
    Ok(changed(&writer.caller, &done, usage))
}

/// End a session
///
/// Its agents are terminated and it takes no new ones. Ending it again changes nothing.
#[utoipa::path(post, path = "/v1/sessions/{id}/end", tag = "sessions",
    params(("id" = String, Path, description = "`ses_…`")),
    responses((status = 200, description = "The session", body = Session)))]
async fn session_end(
    writer: Writer,
    State(state): State<AppState>,
    Id(id): Id<SessionId>,
    Json(Empty {}): Json<Empty>,
) -> Result<Response, ApiError> {
    let usage = usage(&writer.caller, &state.reads, id).await?;
    let done = writer.commander.end_session(writer.origin(), id).await?;
    Ok(changed(&writer.caller, &done, usage))
}

/// List a session's webhook deliveries
///
/// Those that tell of its limits; those of a task are listed with the task.
#[utoipa::path(get, path = "/v1/sessions/{id}/deliveries", tag = "sessions",
    params(("id" = String, Path, description = "`ses_…`"), ListDeliveries),
    responses((status = 200, description = "A page of deliveries", body = PageBody<Delivery>)))]
async fn session_deliveries(
    State(state): State<AppState>,
    reader: Reader,
    writer: Writer,
    Id(id): Id<SessionId>,
    Query(query): Query<ListDeliveries>,
) -> Result<Shown<PageBody<Delivery>>, ApiError> {
    let (scope, text) = (reader.scope(), id.to_string());
    let filters = [("sessionId", Some(text.as_str()))];
    let cursor = query.cursor.as_deref();
    let page = PageRequest::new(&state, scope, "deliveries", &filters, query.limit, cursor)?;
    must_exist(&writer, id).await?;
    let mut rows = Vec::new();
    let found = reader.models.deliveries_of_limits(scope, id, page.rows()).await?;
    for Row { seq, revision, value } in found {
        let url = writer.commander.open_limits_webhook(scope, id, &value.url).await?;
        rows.push(Row { seq, revision, value: Delivery::new(value, url) });
    }
    Ok(Shown(page.answer(rows, |row| row.value)))
}

fn shown(view: &SessionView, now: Timestamp) -> Session<'_> {
    Session::of(&view.session, Usage::at(&view.usage, now))
}

/// A session that is new has used nothing.
fn created(caller: &Caller, done: &Done<session::Session>) -> Response {
    let session = Session::of(&done.state, Usage::default());
    Written::created(caller, done.position, session).into_response()
}

/// What the read model knows of the usage. Commands do not change it: it is read before they are
/// carried out, so that one whose answer cannot be made is not.
async fn usage(caller: &Caller, reads: &ReadModels, id: SessionId) -> Result<Usage, ApiError> {
    let row = reads.session(caller.scope, id).await?;
    Ok(row.map_or_else(Usage::default, |row| Usage::at(&row.value.usage, now())))
}

/// The session as it is after the command.
fn changed(caller: &Caller, done: &Done<session::Session>, usage: Usage) -> Response {
    let session = Session::of(&done.state, usage);
    Written::ok(caller, done.position, session).into_response()
}
