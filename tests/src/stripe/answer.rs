use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

/// An answer as it is kept for its idempotency key.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub status: u16,
    pub body: Value,
    pub headers: Vec<(&'static str, String)>,
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self { status: 200, body, headers: vec![] }
    }

    /// The error envelope. `param` and `code` are left out where they are empty.
    pub fn error(status: u16, code: &str, message: &str, param: &str) -> Self {
        let kind = match status {
            409 => "idempotency_error",
            500.. => "api_error",
            _ => "invalid_request_error",
        };
        let mut error = json!({ "type": kind, "message": message });
        for (name, value) in [("code", code), ("param", param)] {
            if !value.is_empty() {
                error[name] = value.into();
            }
        }
        let retry = if matches!(status, 409 | 429 | 500..) { "true" } else { "false" };
        let headers = vec![("stripe-should-retry", retry.to_owned())];
        Self { status, body: json!({ "error": error }), headers }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn render(self, request: u64) -> Response<Body> {
        let status = StatusCode::from_u16(self.status).unwrap();
        let mut answer = Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .header("request-id", format!("req_loopback{request:08}"));
        for (name, value) in self.headers {
            answer = answer.header(name, value);
        }
        answer.body(Body::from(self.body.to_string())).unwrap()
    }
}
