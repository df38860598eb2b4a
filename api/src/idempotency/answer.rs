use axum::body::Body;
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::write::POSITION;

/// Says that an answer is the one of before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// The headers that are part of an answer; the others are made anew.
static KEPT: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::LOCATION, header::RETRY_AFTER, POSITION];

/// An answer that can be given again.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    head: Head,
    body: Bytes,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

impl Answer {
    /// Whether a repeat gets this answer. What may go away by itself is tried again instead.
    pub fn is_kept(status: StatusCode) -> bool {
        let passing = [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS];
        !status.is_server_error() && !passing.contains(&status)
    }

    pub fn of(parts: &Parts, body: Bytes) -> Self {
        let kept = KEPT.iter().filter_map(|name| {
            let value = parts.headers.get(name)?.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        });
        Self { head: Head { status: parts.status.as_u16(), headers: kept.collect() }, body }
    }

    /// The head as one line of JSON, then the body.
    pub fn encode(&self) -> Vec<u8> {
        // Strings and a number: there is nothing in it that cannot be JSON.
        let mut bytes = serde_json::to_vec(&self.head).unwrap_or_default();
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.body);
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|b| *b == b'\n')?;
        let head = serde_json::from_slice(&bytes[..end]).ok()?;
        Some(Self { head, body: Bytes::copy_from_slice(&bytes[end + 1..]) })
    }

    pub fn again(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.head.status).unwrap_or_default();
        let mut headers = HeaderMap::with_capacity(KEPT.len() + 1);
        for (name, value) in self.head.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                headers.insert(name, value);
            }
        }
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
        *response.headers_mut() = headers;
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_the_same_when_it_is_read_back() {
        let response = Response::builder()
            .status(201)
            .header("content-type", "application/json")
            .header("x-theazo-position", "7")
            .header("x-request-id", "req_1")
            .body(())
            .unwrap();
        let answer = Answer::of(&response.into_parts().0, Bytes::from_static(b"{\n\"a\":1}\xff"));
        let again = Answer::decode(&answer.encode()).unwrap();
        assert_eq!(again, answer);
        let again = again.again();
        assert_eq!(again.status(), StatusCode::CREATED);
        assert_eq!(again.headers()["x-theazo-position"], "7");
        assert_eq!(again.headers()["idempotent-replayed"], "true");
        assert!(!again.headers().contains_key("x-request-id"));
    }

    #[test]
    fn what_passes_by_itself_is_not_kept() {
        for status in [200, 201, 402, 404, 409, 422] {
            assert!(Answer::is_kept(StatusCode::from_u16(status).unwrap()), "{status}");
        }
        for status in [401, 429, 500, 502, 503, 504] {
            assert!(!Answer::is_kept(StatusCode::from_u16(status).unwrap()), "{status}");
        }
    }
}
