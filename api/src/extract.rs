//! Typed arguments of handlers. What does not fit is a 422 that names the field.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use theazo_domain::providers::ProviderKind;
use theazo_domain::{AgentId, ApiKeyId, ExportId, SessionId, SnapshotId, TaskId};

use crate::AppState;
use crate::error::{ApiError, ErrorCode};
use crate::wrong_field::wrong_field;

/// Bytes of a body that is too large that are still read.
const DROPPED_MAX: usize = 64 << 20;

/// A JSON body. An empty one is `{}` where every field is optional.
pub struct Json<T>(pub T);

/// The body of a route that takes none: nothing, or `{}`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// The query string; unknown parameters are refused.
pub struct Query<T>(pub T);

/// The id in the path. A malformed one names nothing: 404.
pub struct Id<T>(pub T);

/// A session's task in the path. A malformed id names nothing: 404.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskPath {
    pub session: SessionId,
    pub task: TaskId,
}

/// The texts in the path. What is not UTF-8 names nothing: 404.
pub struct Path<T>(pub T);

/// A body of any type, up to the limit for files.
pub struct RawBody(pub Bytes);

/// A type that a path's segment can be.
pub trait PathId: std::str::FromStr + Send {
    /// The noun of the resource in messages.
    const NOUN: &'static str;
}

macro_rules! path_ids {
    ($($name:ident = $noun:literal,)*) => {$(
        impl PathId for $name {
            const NOUN: &'static str = $noun;
        }
    )*};
}

path_ids! {
    SessionId = "session",
    AgentId = "agent",
    SnapshotId = "snapshot",
    ApiKeyId = "API key",
    ExportId = "push",
    ProviderKind = "provider",
}

impl<T: DeserializeOwned> FromRequest<AppState> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read_body(state, body, state.config.json_limit).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return parse_json(b"{}").map(Json);
        }
        if !is_json(&parts.headers) {
            let message = "The body must be JSON: send Content-Type: application/json.";
            return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message));
        }
        parse_json(&bytes).map(Json)
    }
}

impl<T: DeserializeOwned> FromRequestParts<AppState> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        parse_query(parts.uri.query().unwrap_or_default()).map(Query)
    }
}

impl<T: PathId> FromRequestParts<AppState> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let unknown = || ApiError::not_found(T::NOUN);
        // The first parameter is the resource; what follows is read by the handler itself.
        let params =
            RawPathParams::from_request_parts(parts, state).await.map_err(|_| unknown())?;
        let (_, text) = params.iter().next().ok_or_else(unknown)?;
        text.parse().map(Id).map_err(|_| unknown())
    }
}

impl FromRequestParts<AppState> for TaskPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Id(session) = Id::<SessionId>::from_request_parts(parts, state).await?;
        let unknown = || ApiError::not_found("task");
        let params =
            RawPathParams::from_request_parts(parts, state).await.map_err(|_| unknown())?;
        let (_, text) = params.iter().nth(1).ok_or_else(unknown)?;
        let task = text.parse().map_err(|_| unknown())?;
        Ok(Self { session, task })
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(texts)) => Ok(Self(texts)),
            Err(_) => Err(ApiError::not_found("resource")),
        }
    }
}

impl FromRequest<AppState> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        read_body(state, request.into_body(), state.config.body_limit).await.map(RawBody)
    }
}

/// The whole body, if it has at most `limit` bytes and arrives in time.
pub(crate) async fn read_body(
    state: &AppState,
    body: Body,
    limit: usize,
) -> Result<Bytes, ApiError> {
    match tokio::time::timeout(state.config.read_timeout, collect(body, limit)).await {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => Err(ApiError::new(
            ErrorCode::PayloadTooLarge,
            format!("The body is larger than {limit} bytes."),
        )),
        Ok(Err(_)) => Err(ApiError::new(
            ErrorCode::UnprocessableEntity,
            "The body ended before its announced length.",
        )),
        Err(_) => Err(ApiError::new(ErrorCode::Timeout, "The body did not arrive in time.")),
    }
}

/// `None` when there are more than `limit` bytes. What is beyond is read and dropped, to a point: a
/// client that still sends when its connection is closed never sees the answer.
async fn collect(mut body: Body, limit: usize) -> Result<Option<Bytes>, axum::Error> {
    let (mut bytes, mut seen) = (Vec::new(), 0usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen <= limit {
            bytes.extend_from_slice(&data);
        } else if seen > limit.saturating_add(DROPPED_MAX) {
            break;
        }
    }
    Ok((seen <= limit).then(|| bytes.into()))
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()) else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || (essence.len() > 5
            && essence.is_char_boundary(essence.len() - 5)
            && essence[essence.len() - 5..].eq_ignore_ascii_case("+json"))
}

/// Parses fast; only what fails is parsed again to find out where.
fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // A list of a struct's fields in their order would do for serde; it is nobody's request.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(ApiError::invalid("body", "must be a JSON object"));
    }
    let plain = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    // A value of the wrong type where an enum is wanted is a syntax error to `serde_json`.
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
    if !is_json {
        let message = format!("The body is not valid JSON: {plain}.");
        return Err(ApiError::new(ErrorCode::UnprocessableEntity, message));
    }
    let deserializer = &mut serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, T>(deserializer) {
        Ok(value) => Ok(value),
        Err(error) => Err(wrong_field(&error.path().to_string(), &error.inner().to_string())),
    }
}

fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let deserializer = serde_urlencoded::Deserializer::new(pairs);
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| wrong_field(&error.path().to_string(), &error.inner().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Outer {
        user_id: String,
        limits: Option<theazo_domain::session::Limits>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct List {
        limit: Option<u32>,
    }

    fn path_of(json: &str) -> (String, String) {
        let error = parse_json::<Outer>(json.as_bytes()).unwrap_err();
        assert_eq!(error.code, ErrorCode::UnprocessableEntity);
        let field = error.fields.into_iter().next().unwrap();
        (field.path, field.message)
    }

    #[test]
    fn the_wrong_field_is_named() {
        for (json, path) in [
            ("{}", "userId"),
            (r#"{"userId":1}"#, "userId"),
            (r#"{"userId":"u","user":1}"#, "user"),
            (r#"{"userId":"u","userId":"v"}"#, "userId"),
            (r#"{"userId":"u","limits":{"maxAgents":-1}}"#, "limits.maxAgents"),
            (r#"{"userId":"u","limits":{"maxAgent":1}}"#, "limits.maxAgent"),
            (r#"{"userId":"u","limits":{"maxCost":{"amount":1}}}"#, "limits.maxCost.currency"),
            (
                r#"{"userId":"u","limits":{"maxCost":{"amount":1.5,"currency":"usd"}}}"#,
                "limits.maxCost.amount",
            ),
            (
                r#"{"userId":"u","limits":{"maxCost":{"amount":1,"currency":"eur"}}}"#,
                "limits.maxCost.currency",
            ),
            ("[]", "body"),
            (r#"["u", null]"#, "body"),
            ("null", "body"),
            ("\"u\"", "body"),
        ] {
            assert_eq!(path_of(json).0, path, "{json}");
        }
        assert_eq!(path_of("{}").1, "is required");
    }

    #[test]
    fn what_is_not_json_says_where() {
        let error = parse_json::<Outer>(br#"{"userId": "u",}"#).unwrap_err();
        assert_eq!(error.code, ErrorCode::UnprocessableEntity);
        assert!(error.message.contains("line 1 column 16"), "{}", error.message);
    }

    #[test]
    fn query_parameters_are_named_too() {
        assert_eq!(parse_query::<List>("limit=5").unwrap(), List { limit: Some(5) });
        for (query, path) in
            [("limit=x", "limit"), ("page=2", "page"), ("limit=1&limit=2", "limit")]
        {
            let error = parse_query::<List>(query).unwrap_err();
            assert_eq!(error.fields[0].path, path, "{query}");
        }
    }
}
