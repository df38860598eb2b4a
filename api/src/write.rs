//! Answers: serialised once; those of writes carry the position that reads can ask for.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use theazo_log::Position;

use crate::authority::Caller;
use crate::error::ApiError;

/// Where in the log a write ended up; a read sends it back as `X-Theazo-Min-Position`.
pub const POSITION: HeaderName = HeaderName::from_static("x-theazo-position");

/// `200` with a JSON body.
pub struct Shown<T>(pub T);

/// The answer of a write.
pub struct Written<T> {
    pub status: StatusCode,
    pub position: Option<Position>,
    pub body: T,
}

impl<T> Written<T> {
    /// `200`; notes the position, so that the caller's next read sees the write.
    pub fn ok(caller: &Caller, position: Position, body: T) -> Self {
        caller.wrote(position);
        Self { status: StatusCode::OK, position: Some(position), body }
    }

    /// `201`, otherwise as [`Written::ok`].
    pub fn created(caller: &Caller, position: Position, body: T) -> Self {
        Self { status: StatusCode::CREATED, ..Self::ok(caller, position, body) }
    }

    /// `202`, otherwise as [`Written::ok`].
    pub fn accepted(caller: &Caller, position: Position, body: T) -> Self {
        Self { status: StatusCode::ACCEPTED, ..Self::ok(caller, position, body) }
    }
}

/// `{ "ok": true }`
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct Ok {
    /// Always true.
    #[schema(example = true)]
    pub ok: bool,
}

impl Ok {
    pub const TRUE: Ok = Ok { ok: true };
}

impl<T: Serialize> IntoResponse for Shown<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Written<T> {
    fn into_response(self) -> Response {
        let mut response = json(self.status, &self.body);
        if let Some(position) = self.position {
            response.headers_mut().insert(POSITION, HeaderValue::from(position.0));
        }
        response
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let mut bytes = Vec::with_capacity(512);
    if let Err(error) = serde_json::to_writer(&mut bytes, body) {
        return ApiError::internal(&error).into_response();
    }
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes)
        .into_response()
}
