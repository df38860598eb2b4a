//! What is asked and what is answered.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::tools::sandbox::{Refusal, tell};

/// The most of a body that `http_request` sends or shows, in bytes.
pub const MAX_BODY: usize = 1 << 20;
/// The longest URL that is asked for.
const MAX_URL: usize = 8 << 10;

/// One request, before any redirect.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub url: Url,
    pub headers: BTreeMap<String, String>,
    pub body: Option<Vec<u8>>,
    /// For all of it, redirects and body included.
    pub timeout: Duration,
    /// The most of the answer's body that is read, in bytes.
    pub limit: usize,
}

/// As the script reads it.
#[derive(Serialize)]
struct Wire<'a> {
    method: &'a str,
    url: &'a str,
    headers: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Seconds.
    timeout: f64,
    limit: usize,
}

impl Request {
    pub fn get(url: Url, timeout: Duration) -> Self {
        let headers = BTreeMap::new();
        Self { method: "GET".into(), url, headers, body: None, timeout, limit: MAX_BODY }
    }

    /// The request in base64 of JSON, which no Python literal can be broken with.
    pub(super) fn encode(&self) -> String {
        let wire = Wire {
            method: &self.method,
            url: self.url.as_str(),
            headers: &self.headers,
            body: self.body.as_ref().map(|body| STANDARD.encode(body)),
            timeout: self.timeout.as_secs_f64(),
            limit: self.limit,
        };
        // Texts, numbers and a map with texts for keys: it cannot fail.
        STANDARD.encode(serde_json::to_vec(&wire).unwrap_or_default())
    }
}

/// What the script answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Reply {
    pub status: u16,
    #[serde(default)]
    pub reason: String,
    /// After redirects.
    pub url: String,
    pub headers: Vec<(String, String)>,
    /// Bytes of the body that were read.
    pub bytes: usize,
    /// Whether there was more of it.
    pub cut: bool,
    /// Base64 of UTF-8; `None` when the body is not text.
    body: Option<String>,
}

impl Reply {
    /// The answer of a mock sandbox.
    pub(super) fn mock(request: &Request) -> Self {
        let text = format!("mock: {} {}", request.method, request.url);
        Self {
            status: 200,
            reason: "OK".into(),
            url: request.url.to_string(),
            headers: vec![("Content-Type".into(), "text/plain; charset=utf-8".into())],
            bytes: text.len(),
            cut: false,
            body: Some(STANDARD.encode(text)),
        }
    }

    /// The body, if it is text.
    pub fn text(&self) -> Option<String> {
        let body = STANDARD.decode(self.body.as_ref()?).ok()?;
        Some(String::from_utf8_lossy(&body).into_owned())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// A URL that a sandbox can be asked for: `http` or `https`, with a host, without its fragment.
///
/// # Errors
/// [`Refusal::Tell`] with what is wrong with it.
pub fn parse_url(text: &str) -> Result<Url, Refusal> {
    let text = text.trim();
    if text.len() > MAX_URL {
        return tell(format!("The URL has {} bytes; at most {MAX_URL} are taken.", text.len()));
    }
    let mut url = Url::parse(text).map_err(|error| {
        Refusal::Tell(format!("{text:?} is not a URL ({error}); it must begin with https://."))
    })?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return tell(format!("{text:?} cannot be fetched: only http and https can."));
    }
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_made_fit_to_send() {
        let ok = |text: &str| parse_url(text).ok().map(String::from);
        assert_eq!(ok(" https://example.com/a b?q=é#x ").as_deref(), {
            Some("https://example.com/a%20b?q=%C3%A9")
        });
        assert_eq!(ok("http://bücher.example").as_deref(), {
            Some("http://xn--bcher-kva.example/")
        });
        for text in ["", "example.com", "file:///etc/passwd", "ftp://x/", "https://", "data:,x"] {
            assert!(matches!(parse_url(text), Err(Refusal::Tell(_))), "{text}");
        }
        assert!(parse_url(&format!("https://x/{}", "a".repeat(9_000))).is_err());
    }
}
