//! The envelope of errors, as OpenAPI sees it; [`crate::error`] writes it.
#![allow(dead_code, reason = "these only describe what is on the wire")]

use utoipa::ToSchema;

/// Every answer that is not a 2xx.
#[derive(ToSchema)]
pub struct ErrorEnvelope {
    pub error: ErrorBody,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ErrorBody {
    /// For programs.
    #[schema(example = "unprocessable_entity")]
    pub code: String,
    /// For people: what is wrong, and what to do about it.
    pub message: String,
    pub details: Option<ErrorDetails>,
    /// Also in the `X-Request-Id` header, in our logs, and in every event that the request caused.
    #[schema(example = "req_01KAMQ7W7DXK8Q9S8XJ0V3T5RB")]
    pub request_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ErrorDetails {
    /// With `unprocessable_entity`: each field to mend.
    pub fields: Option<Vec<ErrorField>>,
    /// Seconds to wait.
    pub retry_after: Option<u32>,
    /// The task that it is about.
    #[schema(example = "task_01HX0000000000000000000001")]
    pub task_id: Option<String>,
    /// What that task had said by then.
    pub output: Option<String>,
}

#[derive(ToSchema)]
pub struct ErrorField {
    #[schema(example = "limits.maxCost.amount")]
    pub path: String,
    #[schema(example = "must not be negative")]
    pub message: String,
}
