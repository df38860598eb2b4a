//! The HTTP client for search backends: one request, a small JSON answer, no redirects.

use std::sync::OnceLock;

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::Value;
use theazo_models::net;

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 4 << 20;
/// How much of what a backend complains about is told, in bytes.
const MAX_COMPLAINT: usize = 300;

/// Connections, made on the first search: reading the machine's certificates takes its time.
#[derive(Default)]
pub struct Client(OnceLock<net::Client>);

impl Client {
    /// The JSON of a 2xx answer.
    ///
    /// # Errors
    /// What went wrong, in words for the model and the operator.
    pub async fn json(&self, request: Request<Bytes>) -> Result<Value, String> {
        let answer = self.client()?.send(request).await.map_err(|error| error.to_string())?;
        let status = answer.status;
        let body = answer.bytes(MAX_ANSWER).await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(complaint(status, &body));
        }
        serde_json::from_slice(&body).map_err(|error| format!("its answer is not JSON ({error})"))
    }

    fn client(&self) -> Result<&net::Client, String> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        // The operator's own URL: it may well be on the private network.
        let client = net::Client::new(net::Guard::new(true)).map_err(|error| error.to_string())?;
        Ok(self.0.get_or_init(|| client))
    }
}

/// What a backend that refused says, wherever in its JSON it says so.
fn complaint(status: StatusCode, body: &[u8]) -> String {
    let said = serde_json::from_slice::<Value>(body).ok().and_then(|json| {
        // Brave: error.detail; Tavily: detail.error, or detail alone; SearXNG: error.
        let places = ["/error/detail", "/detail/error", "/detail", "/error", "/message"];
        places.iter().find_map(|place| json.pointer(place)?.as_str().map(str::to_owned))
    });
    match said {
        Some(said) => {
            format!(
                "HTTP {}: {}",
                status.as_u16(),
                &said[..said.floor_char_boundary(MAX_COMPLAINT)]
            )
        }
        None => format!("HTTP {status}"),
    }
}

/// `base` with `path` and a query; keys and values are encoded.
pub fn address(base: &str, path: &str, query: &[(&str, &str)]) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    let query = pairs.extend_pairs(query).finish();
    let separator = if query.is_empty() { "" } else { "?" };
    format!("{}{path}{separator}{query}", base.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_put_together() {
        let address = |base| address(base, "/search", &[("q", "a b&c"), ("n", "3")]);
        assert_eq!(address("http://s.example/x/"), "http://s.example/x/search?q=a+b%26c&n=3");
    }

    #[test]
    fn complaints_are_found_where_the_backends_put_them() {
        let told = |body: &str| complaint(StatusCode::UNAUTHORIZED, body.as_bytes());
        assert_eq!(told(r#"{"error":{"detail":"bad token"}}"#), "HTTP 401: bad token");
        assert_eq!(told(r#"{"detail":{"error":"no key"}}"#), "HTTP 401: no key");
        assert_eq!(told("<html>"), "HTTP 401 Unauthorized");
    }
}
