//! Errors of OpenAI's APIs and of everything that speaks like them.
//!
//! `{"error": {"message", "type", "param", "code"}}`, where gateways leave out what they like, send
//! the number of a status as `code`, or a bare string or another shape altogether.

use serde::Deserialize;
use serde_json::Value;

use crate::contract::{ModelError, ModelErrorKind};

/// The inside of `error`.
#[derive(Debug, Default, Deserialize)]
pub struct ErrorBody {
    #[serde(default)]
    pub message: Option<Value>,
    #[serde(default, rename = "type")]
    pub kind: Option<Value>,
    /// A word, or (gateways) a status.
    #[serde(default)]
    pub code: Option<Value>,
}

impl ErrorBody {
    /// From whatever stands where an error should be.
    pub fn from_value(value: Value) -> Self {
        match value {
            Value::String(message) => Self { message: Some(message.into()), ..Self::default() },
            other => serde_json::from_value(other).unwrap_or_default(),
        }
    }

    /// `status`: of the answer, if it is the answer's own.
    pub fn into_error(self, status: Option<u16>) -> ModelError {
        let code = match &self.code {
            Some(Value::Number(number)) => number.as_u64().and_then(|n| u16::try_from(n).ok()),
            Some(Value::String(code)) => code.parse().ok().filter(|n| (400..600).contains(n)),
            _ => None,
        };
        let status = status.filter(|s| *s >= 400).or(code).or(status);
        let word = |value: &Option<Value>| match value {
            Some(Value::String(word)) => word.clone(),
            _ => String::new(),
        };
        let (word_code, word_type) = (word(&self.code), word(&self.kind));
        let message = match &self.message {
            Some(Value::String(message)) if !message.trim().is_empty() => message.clone(),
            Some(other) if !other.is_null() => other.to_string(),
            _ => [&word_code, &word_type].into_iter().find(|w| !w.is_empty()).cloned().unwrap_or(
                status.map_or_else(
                    || "the vendor failed and did not say why".to_owned(),
                    |status| format!("the vendor answered with status {status}"),
                ),
            ),
        };
        let kind = kind(&word_code, &word_type, status, &message);
        ModelError { status, ..ModelError::new(kind, message) }
    }
}

/// The body of an answer that is no success.
pub fn read_error(status: u16, body: &[u8]) -> ModelError {
    let text = String::from_utf8_lossy(body);
    let body = match serde_json::from_str::<Value>(&text) {
        Ok(Value::Object(mut object)) => match object.remove("error") {
            Some(Value::Null) | None => {
                // FastAPI (vLLM, LiteLLM) says `detail`; vLLM of old had the error outside.
                let detail = object.remove("detail").map(|d| match d {
                    Value::String(text) => Value::String(text),
                    other => Value::String(other.to_string()),
                });
                let mut body = ErrorBody::from_value(Value::Object(object));
                body.message = body.message.or(detail);
                body
            }
            Some(error) => ErrorBody::from_value(error),
        },
        Ok(Value::String(message)) => ErrorBody::from_value(message.into()),
        _ => ErrorBody { message: plain(&text), ..ErrorBody::default() },
    };
    body.into_error(Some(status))
}

/// The text of an error that is no JSON; a web page says nothing that anyone wants to read.
fn plain(text: &str) -> Option<Value> {
    let text = text.trim();
    (!text.is_empty() && !text.starts_with('<')).then(|| text.into())
}

fn kind(code: &str, kind: &str, status: Option<u16>, message: &str) -> ModelErrorKind {
    use ModelErrorKind::*;
    let says = |words: &[&str]| {
        let message = message.to_ascii_lowercase();
        words.iter().any(|w| message.contains(w))
    };
    match (code, kind) {
        ("insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active", _)
        | (_, "insufficient_quota" | "billing_error") => return Billing,
        ("context_length_exceeded" | "string_above_max_length", _) => return ContextFull,
        ("model_not_found", _) => return NoModel,
        ("invalid_api_key", _) | (_, "authentication_error" | "permission_error") => return Auth,
        ("rate_limit_exceeded" | "slow_down", _) => return RateLimited,
        ("server_is_overloaded", _) | (_, "overloaded_error") => return Overloaded,
        ("server_error", _) | (_, "server_error") => return Server,
        ("invalid_prompt", _) => return Invalid,
        _ => {}
    }
    // The same said in words, by vLLM, Ollama, LiteLLM and whoever stands behind them.
    const TOO_LONG: [&str; 5] = [
        "maximum context length",
        "context length exceeded",
        "prompt is too long",
        "exceeds the context window",
        "exceed context limit",
    ];
    if matches!(status, None | Some(400 | 413 | 422)) && says(&TOO_LONG) {
        return ContextFull;
    }
    match status {
        Some(401) => Auth,
        Some(402) => Billing,
        // At OpenRouter: the input was moderated.
        Some(403) if says(&["moderat", "flagged"]) => Invalid,
        Some(403) => Auth,
        Some(404) => NoModel,
        Some(408 | 504) => Timeout,
        Some(409) => Server,
        Some(413) => ContextFull,
        Some(429) => RateLimited,
        Some(503 | 529) => Overloaded,
        Some(400..500) => Invalid,
        Some(500..600) => Server,
        _ if kind == "invalid_request_error" => Invalid,
        _ => Server,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_shape_is_understood() {
        use ModelErrorKind::*;
        for (status, body, expected, words) in [
            (401, r#"{"error":{"message":"bad key","code":"invalid_api_key"}}"#, Auth, "bad key"),
            (
                429,
                r#"{"error":{"message":"no money","type":"insufficient_quota","code":"insufficient_quota"}}"#,
                Billing,
                "no money",
            ),
            (
                429,
                r#"{"error":{"message":"wait","code":"rate_limit_exceeded"}}"#,
                RateLimited,
                "wait",
            ),
            (429, "", RateLimited, "status 429"),
            (404, r#"{"error":{"message":"no","code":"model_not_found"}}"#, NoModel, "no"),
            (
                400,
                r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#,
                ContextFull,
                "too long",
            ),
            // vLLM: the error outside of `error`, the code a number.
            (
                400,
                r#"{"object":"error","message":"This model's maximum context length is 8192","type":"BadRequestError","code":400}"#,
                ContextFull,
                "8192",
            ),
            // OpenRouter: the code a number.
            (200, r#"{"error":{"code":402,"message":"no credits"}}"#, Billing, "no credits"),
            (403, r#"{"error":{"code":403,"message":"Input was flagged"}}"#, Invalid, "flagged"),
            // Ollama: a bare string.
            (404, r#"{"error":"model 'x' not found"}"#, NoModel, "not found"),
            // FastAPI.
            (
                422,
                r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#,
                Invalid,
                "field required",
            ),
            (502, "<html>Bad Gateway</html>", Server, "status 502"),
            (503, "upstream is down", Overloaded, "upstream is down"),
            (400, r#"{"error":{"code":"400","message":null}}"#, Invalid, "400"),
            (409, r#"{"error":null}"#, Server, "409"),
        ] {
            let error = read_error(status, body.as_bytes());
            assert_eq!(error.kind, expected, "{body}");
            assert!(error.message.contains(words), "{}", error.message);
        }
    }

    proptest! {
        #[test]
        fn never_panics(status in any::<u16>(), body in ".{0,80}", code in "[0-9a-z\"]{0,8}") {
            read_error(status, body.as_bytes());
            read_error(status, format!("{{\"error\":{{\"code\":{code}}}}}").as_bytes());
        }
    }
}
