use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;

/// The codes of the API reference and of `design`'s additions, with their status.
const CODES: &[(&str, u16)] = &[
    ("unauthorized", 401),
    ("forbidden", 403),
    ("not_found", 404),
    ("conflict", 409),
    ("unprocessable_entity", 422),
    ("rate_limited", 429),
    ("session_limit_exceeded", 402),
    ("provider_error", 502),
    ("timeout", 504),
    ("internal_error", 500),
    ("method_not_allowed", 405),
    ("payload_too_large", 413),
    ("unsupported_media_type", 415),
    ("unavailable", 503),
];

/// One answer of the API.
#[derive(Debug, Clone)]
pub struct Answer {
    /// `POST /v1/sessions`, for messages.
    pub request: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{}: not JSON ({e}): {}", self.request, self.text()))
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.request, self.text());
        self.json()
    }

    /// The body of any 2xx answer.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {}", self.request, self.brief());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The `error` of an answer that refuses with this code.
    #[track_caller]
    pub fn refused(&self, code: &str) -> Value {
        let error = self.error();
        assert_eq!(error["code"], code, "{}: {}", self.request, self.brief());
        error
    }

    /// The `error` of an answer that is not 2xx.
    #[track_caller]
    pub fn error(&self) -> Value {
        assert!(self.status >= 400, "{}: should be refused: {}", self.request, self.brief());
        self.json()["error"].clone()
    }

    /// Refused as unprocessable, with `path` among the fields.
    #[track_caller]
    pub fn invalid(&self, path: &str) {
        let error = self.refused("unprocessable_entity");
        let fields = error["details"]["fields"].as_array().cloned().unwrap_or_default();
        let named = fields.iter().any(|field| field["path"] == path);
        assert!(named, "{}: `{path}` is not named: {error}", self.request);
        for field in fields {
            assert!(field["message"].as_str().is_some_and(|m| !m.is_empty()), "{error}");
        }
    }

    /// The status and the beginning of the body.
    pub fn brief(&self) -> String {
        format!("{} {}", self.status, self.text().chars().take(600).collect::<String>())
    }

    /// What holds for every answer of every route: `None`, or what is wrong.
    pub fn break_of_convention(&self, head: bool) -> Option<String> {
        let Some(id) = self.header("x-request-id") else {
            return Some("there is no X-Request-Id".to_owned());
        };
        let fit = |c: char| c.is_ascii_digit() || (c.is_ascii_uppercase() && !"ILOU".contains(c));
        let rest = id.strip_prefix("req_").unwrap_or_default();
        if rest.len() != 26 || !rest.chars().all(fit) {
            return Some(format!("`{id}` is not a request id"));
        }
        if self.status < 400 || head {
            return None;
        }
        if self.header(CONTENT_TYPE.as_str()) != Some("application/json") {
            return Some("an error that is not application/json".to_owned());
        }
        let Ok(body) = serde_json::from_slice::<Value>(&self.body) else {
            return Some("an error that is not JSON".to_owned());
        };
        let error = &body["error"];
        let code = error["code"].as_str().unwrap_or_default();
        if !CODES.contains(&(code, self.status)) {
            return Some(format!("`{code}` does not go with {}", self.status));
        }
        let message = error["message"].as_str().unwrap_or_default();
        if message.is_empty() || leaks(message, &self.request) {
            return Some(format!("the message is empty or tells of the server: {message}"));
        }
        (error["requestId"] != id).then(|| "requestId is not X-Request-Id".to_owned())
    }
}

/// Whether a message holds what is nobody's business: paths, sources, types of the server. What the
/// caller named itself may be in it.
fn leaks(message: &str, request: &str) -> bool {
    const SIGNS: &[&str] =
        &["/tmp/", "/home/", "/root/", ".rs:", "sqlx", "SQLITE", "panicked", "Some(", "Error {"];
    SIGNS.iter().any(|sign| message.contains(sign) && !request.contains(sign))
}
