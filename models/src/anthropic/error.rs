//! `{"type": "error", "error": {"type", "message"}, "request_id"}`, as a body or in a stream.

use serde::Deserialize;

use crate::contract::{ModelError, ModelErrorKind};
use crate::openai_error;

#[derive(Deserialize)]
struct Body {
    error: Inner,
    request_id: Option<Box<str>>,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    message: String,
}

/// The body of an answer that is no success. What stands before the API (a proxy, the edge) says
/// it in its own way.
pub fn read_error(status: u16, body: &[u8]) -> ModelError {
    match serde_json::from_slice::<Body>(body) {
        Ok(body) => body.into_error(Some(status)),
        Err(_) => openai_error::read_error(status, body),
    }
}

/// The `error` event of a stream that had begun well.
pub fn read_event(data: &str) -> ModelError {
    match serde_json::from_str::<Body>(data) {
        Ok(body) => body.into_error(None),
        Err(_) => openai_error::read_error(500, data.as_bytes()),
    }
}

impl Body {
    fn into_error(self, status: Option<u16>) -> ModelError {
        let Inner { kind, message } = self.error;
        let message = if message.is_empty() { kind.clone() } else { message };
        let kind = read_kind(&kind, status, &message.to_ascii_lowercase());
        ModelError { status, request_id: self.request_id, ..ModelError::new(kind, message) }
    }
}

fn read_kind(kind: &str, status: Option<u16>, message: &str) -> ModelErrorKind {
    use ModelErrorKind::*;
    let says = |words: &[&str]| words.iter().any(|w| message.contains(w));
    match kind {
        "invalid_request_error"
            if says(&["prompt is too long", "context limit", "context window"]) =>
        {
            ContextFull
        }
        "invalid_request_error" if says(&["credit balance", "usage limit", "spend limit"]) => {
            Billing
        }
        "invalid_request_error" if status == Some(413) => ContextFull,
        "invalid_request_error" => Invalid,
        "authentication_error" | "permission_error" => Auth,
        "billing_error" => Billing,
        "not_found_error" => NoModel,
        "request_too_large" => ContextFull,
        "rate_limit_error" => RateLimited,
        "timeout_error" => Timeout,
        "overloaded_error" => Overloaded,
        "api_error" => Server,
        _ => match status {
            Some(401 | 403) => Auth,
            Some(402) => Billing,
            Some(404) => NoModel,
            Some(408 | 504) => Timeout,
            Some(409) => Server,
            Some(413) => ContextFull,
            Some(429) => RateLimited,
            Some(503 | 529) => Overloaded,
            Some(400..500) => Invalid,
            _ => Server,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_errors() {
        use ModelErrorKind::*;
        for (status, kind, message, expected) in [
            (400, "invalid_request_error", "max_tokens: too big", Invalid),
            (
                400,
                "invalid_request_error",
                "prompt is too long: 210000 tokens > 200000",
                ContextFull,
            ),
            (400, "invalid_request_error", "Your credit balance is too low", Billing),
            (
                400,
                "invalid_request_error",
                "You have reached your specified API usage limits",
                Billing,
            ),
            (401, "authentication_error", "invalid x-api-key", Auth),
            (402, "billing_error", "pay", Billing),
            (403, "permission_error", "no", Auth),
            (404, "not_found_error", "model: x", NoModel),
            (409, "conflict_error", "again", Server),
            (413, "request_too_large", "large", ContextFull),
            (429, "rate_limit_error", "slow", RateLimited),
            (500, "api_error", "oops", Server),
            (504, "timeout_error", "late", Timeout),
            (529, "overloaded_error", "Overloaded", Overloaded),
            (529, "brand_new_error", "?", Overloaded),
        ] {
            let body = format!(
                r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"req_1"}}"#
            );
            let error = read_error(status, body.as_bytes());
            assert_eq!(error.kind, expected, "{kind}: {message}");
            assert_eq!((error.message.as_str(), error.status), (message, Some(status)));
            assert_eq!(error.request_id.as_deref(), Some("req_1"));
            // The same in a stream, where there is no status.
            if status != 409 && kind != "brand_new_error" {
                assert_eq!(read_event(&body).kind, expected, "{kind} in a stream");
            }
        }
        assert_eq!(read_error(413, b"<html>too large</html>").kind, ContextFull);
        assert_eq!(read_event("{}").kind, Server);
    }
}
