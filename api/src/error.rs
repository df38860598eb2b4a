//! What a caller gets when a request was not done: one code, one message that says what to do, and
//! the seed's envelope around both.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use theazo_commands::{CommandError, VaultError};
use theazo_domain::{FieldError, Rejection, RequestId, TaskId};
use theazo_log::{LogError, Position};
use theazo_projections::ReadError;
use theazo_providers::GatewayError;
use theazo_providers::ProviderError;

use crate::write::POSITION;

/// Seconds after which a request that met a passing fault is worth repeating.
const RETRY_SOON: u32 = 1;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal $status:ident,)*) => {
        /// The codes of `error.code`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ErrorCode { $($(#[$doc])* $name,)* }

        impl ErrorCode {
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$name => $text,)* }
            }

            pub const fn status(self) -> StatusCode {
                match self { $(ErrorCode::$name => StatusCode::$status,)* }
            }
        }
    };
}

codes! {
    /// Missing or invalid API key.
    Unauthorized = "unauthorized" UNAUTHORIZED,
    /// The key may not do this.
    Forbidden = "forbidden" FORBIDDEN,
    /// It does not exist, or is another tenant's.
    NotFound = "not_found" NOT_FOUND,
    /// The state of the thing does not allow it.
    Conflict = "conflict" CONFLICT,
    /// Fields to mend are in `details.fields`.
    UnprocessableEntity = "unprocessable_entity" UNPROCESSABLE_ENTITY,
    /// Try again after `details.retryAfter` seconds.
    RateLimited = "rate_limited" TOO_MANY_REQUESTS,
    /// A limit of the session is reached.
    SessionLimitExceeded = "session_limit_exceeded" PAYMENT_REQUIRED,
    /// The compute provider, or the model's, failed.
    ProviderError = "provider_error" BAD_GATEWAY,
    /// The work took longer than it may.
    Timeout = "timeout" GATEWAY_TIMEOUT,
    /// Unexpected; the request may have taken effect.
    InternalError = "internal_error" INTERNAL_SERVER_ERROR,
    MethodNotAllowed = "method_not_allowed" METHOD_NOT_ALLOWED,
    PayloadTooLarge = "payload_too_large" PAYLOAD_TOO_LARGE,
    UnsupportedMediaType = "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE,
    /// Nothing happened; try again.
    Unavailable = "unavailable" SERVICE_UNAVAILABLE,
}

/// An error answer. Its message is for the caller: what is only for the operator is logged where
/// it is converted, and not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    pub code: ErrorCode,
    pub message: Cow<'static, str>,
    pub fields: Vec<FieldError>,
    /// Seconds.
    pub retry_after: Option<u32>,
    /// The task that it is about.
    pub task: Option<Box<OfTask>>,
}

/// The task that an error is about, with what it had said by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OfTask {
    pub task_id: TaskId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Where in the log its end is, or its beginning: so far a read must see to know it.
    #[serde(skip)]
    pub position: Option<Position>,
}

impl ApiError {
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), fields: Vec::new(), retry_after: None, task: None }
    }

    /// `what` is the noun of the resource: `session`.
    pub fn not_found(what: &str) -> Self {
        Rejection::not_found(what).into()
    }

    pub fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Conflict, message)
    }

    /// One field that the caller must mend.
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        Rejection::Invalid(vec![FieldError::new(path, message)]).into()
    }

    pub fn unauthorized(message: &'static str) -> Self {
        Self::new(ErrorCode::Unauthorized, message)
    }

    /// `cause` goes to the operator's log only.
    pub fn unavailable(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a part of the platform is not available");
        let message = "The platform cannot do this at the moment; nothing was changed. Try again.";
        Self::new(ErrorCode::Unavailable, message).retry_after(RETRY_SOON)
    }

    /// `cause` goes to the operator's log only.
    fn unknown(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "it is not known whether a request took effect");
        Self::new(
            ErrorCode::InternalError,
            "It is not known whether the request took effect. Repeat it with the same \
             Idempotency-Key, which settles it.",
        )
    }

    /// `cause` goes to the operator's log only.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed unexpectedly");
        Self::new(
            ErrorCode::InternalError,
            "Something unexpected happened. Repeat the request with the same Idempotency-Key; if \
             it goes on, send us the requestId.",
        )
    }

    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// Says which task it is about.
    pub fn of_task(self, task_id: TaskId, output: Option<String>) -> Self {
        Self { task: Some(Box::new(OfTask { task_id, output, position: None })), ..self }
    }

    /// Says how far the log had got with the task that it is about.
    pub fn written_at(mut self, position: Position) -> Self {
        if let Some(task) = &mut self.task {
            task.position = Some(position);
        }
        self
    }
}

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::NotFound(message) => Self::new(ErrorCode::NotFound, message),
            Rejection::Conflict(message) => Self::new(ErrorCode::Conflict, message),
            Rejection::LimitExceeded(message) => {
                Self::new(ErrorCode::SessionLimitExceeded, message)
            }
            Rejection::Invalid(fields) => {
                let message =
                    format!("The request is not valid: {}", Rejection::Invalid(fields.clone()));
                Self { fields, ..Self::new(ErrorCode::UnprocessableEntity, message) }
            }
        }
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Rejected(rejection) => rejection.into(),
            CommandError::Contention => Self::new(
                ErrorCode::Unavailable,
                "Too many requests change this at once; nothing was changed. Try again.",
            )
            .retry_after(RETRY_SOON),
            CommandError::Unavailable(cause) => Self::unavailable(&cause),
            CommandError::Unknown(cause) => Self::unknown(&cause),
        }
    }
}

impl From<GatewayError> for ApiError {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Rejected(rejection) => rejection.into(),
            GatewayError::Provider(error) => error.into(),
            GatewayError::Unavailable { message } => Self::unavailable(&message),
            GatewayError::Unknown { message } => Self::unknown(&message),
        }
    }
}

/// What the caller did gets a 4xx; what the provider did is a 502. A full disk is a 409: deleting
/// files in the sandbox mends it, and no limit of the session has to do with it.
impl From<ProviderError> for ApiError {
    fn from(error: ProviderError) -> Self {
        let message = error.to_string();
        let sentence = |hint: &str| format!("{}{hint}", capitalised(&message));
        match error {
            ProviderError::NoFile(_) => {
                Self::new(ErrorCode::NotFound, sentence(". List what is there with files/list."))
            }
            ProviderError::OutsideWorkspace(_) | ProviderError::BadPath(_) => {
                Self::invalid("path", message)
            }
            ProviderError::TooLarge { .. } => Self::new(ErrorCode::PayloadTooLarge, sentence(".")),
            ProviderError::DiskFull => {
                Self::conflict(sentence("; delete files in it, then try again."))
            }
            ProviderError::Gone => Self::conflict(sentence("; look at the agent's state.")),
            ProviderError::NoSnapshot
            | ProviderError::BadSnapshot(_)
            | ProviderError::Conflict(_) => Self::conflict(sentence(".")),
            ProviderError::Unsupported(_) => {
                Self::new(ErrorCode::UnprocessableEntity, sentence("."))
            }
            ProviderError::Timeout(_) => Self::new(
                ErrorCode::Timeout,
                sentence(". Split the work, or run it in the background and poll for its result."),
            ),
            ProviderError::NoSandbox | ProviderError::NoListener(_) => {
                Self::new(ErrorCode::ProviderError, sentence("."))
            }
            ProviderError::Failed { retryable, .. } => Self {
                retry_after: retryable.then_some(RETRY_SOON),
                ..Self::new(ErrorCode::ProviderError, sentence("."))
            },
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<LogError> for ApiError {
    fn from(error: LogError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        Self::unavailable(&error)
    }
}

/// The message as a sentence's beginning, with no full stop.
fn capitalised(message: &str) -> String {
    let message = message.trim_end_matches('.');
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Details::is_empty")]
    details: Details<'a>,
    request_id: RequestId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Details<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fields: Vec<Field<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
    #[serde(flatten)]
    task: Option<&'a OfTask>,
}

#[derive(Serialize)]
struct Field<'a> {
    path: &'a str,
    message: &'a str,
}

impl Details<'_> {
    fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.retry_after.is_none() && self.task.is_none()
    }
}

/// The body is written later, by [`render`]: only the edge knows the request's id.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(position) = self.task.as_ref().and_then(|task| task.position) {
            headers.insert(POSITION, HeaderValue::from(position.0));
        }
        if self.code == ErrorCode::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the envelope into an answer that was made of an [`ApiError`]; leaves others alone.
pub(crate) fn render(response: &mut Response, request_id: RequestId) {
    let Some(error) = response.extensions_mut().remove::<ApiError>() else { return };
    let fields =
        error.fields.iter().map(|f| Field { path: &f.path, message: &f.message }).collect();
    let envelope = Envelope {
        error: ErrorBody {
            code: error.code.as_str(),
            message: &error.message,
            details: Details {
                fields,
                retry_after: error.retry_after,
                task: error.task.as_deref(),
            },
            request_id,
        },
    };
    // Strings and integers: there is nothing in it that cannot be JSON.
    let body = serde_json::to_vec(&envelope).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    *response.body_mut() = Body::from(body);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_the_caller_did_is_not_the_providers_fault() {
        let path = || "/workspace/a".to_owned();
        for (error, code) in [
            (ProviderError::NoFile(path()), ErrorCode::NotFound),
            (ProviderError::OutsideWorkspace(path()), ErrorCode::UnprocessableEntity),
            (ProviderError::BadPath("a directory".to_owned()), ErrorCode::UnprocessableEntity),
            (ProviderError::TooLarge { size: 2, limit: 1 }, ErrorCode::PayloadTooLarge),
            (ProviderError::DiskFull, ErrorCode::Conflict),
            (ProviderError::Gone, ErrorCode::Conflict),
            (ProviderError::NoSnapshot, ErrorCode::Conflict),
            (ProviderError::Conflict("busy".to_owned()), ErrorCode::Conflict),
            (ProviderError::Unsupported("no ports".to_owned()), ErrorCode::UnprocessableEntity),
            (ProviderError::Timeout(Duration::from_secs(120)), ErrorCode::Timeout),
            (ProviderError::NoSandbox, ErrorCode::ProviderError),
            (ProviderError::NoListener(80), ErrorCode::ProviderError),
            (ProviderError::failed("it broke"), ErrorCode::ProviderError),
        ] {
            let message = error.to_string();
            assert_eq!(ApiError::from(error).code, code, "{message}");
        }
    }

    #[test]
    fn a_passing_fault_says_when_to_come_back() {
        let command = |error: CommandError| ApiError::from(error);
        let cause = || "disk /dev/sda is gone".to_owned();
        assert_eq!(command(CommandError::Contention).retry_after, Some(RETRY_SOON));
        let unavailable = command(CommandError::Unavailable(cause()));
        assert_eq!(unavailable.code, ErrorCode::Unavailable);
        assert_eq!(unavailable.retry_after, Some(RETRY_SOON));
        let unknown = command(CommandError::Unknown(cause()));
        assert_eq!(unknown.code, ErrorCode::InternalError);
        for error in [unavailable, unknown] {
            assert!(!error.message.contains("sda"), "{}", error.message);
        }
    }

    #[test]
    fn no_two_codes_share_a_status() {
        for (n, code) in ErrorCode::ALL.iter().enumerate() {
            let same = ErrorCode::ALL.iter().position(|other| other.status() == code.status());
            assert_eq!(same, Some(n), "{}", code.as_str());
        }
    }
}
