use serde_json::json;

/// What can become of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Nobody listens for a moment, and this connection is closed; the server hears nothing.
    Refused,
    /// The connection is reset; the server hears nothing.
    Reset,
    /// 429 with `Retry-After: 0`; the server hears nothing.
    TooMany,
    /// 500 in our envelope; the server hears nothing.
    Internal,
    /// 503 in our envelope; the server hears nothing.
    Unavailable,
    /// 502 with a page for people, as a load balancer has it; the server hears nothing.
    Page,
    /// The server does it, and the connection is closed instead of an answer.
    AnswerDropped,
    /// The server does it, and half of the answer arrives, whose length was announced.
    AnswerCut,
    /// The server does it, and half of the answer arrives, in chunks with no last one.
    ChunksCut,
    /// The answer arrives, a few bytes at a time.
    Slow,
    /// The stream breaks off after any byte.
    StreamCut,
    /// The stream ends in the middle of a frame, as if it were over.
    StreamEnded,
    /// Each byte of the stream arrives by itself.
    StreamInBytes,
}

/// What is done to a stream that has begun.
pub(super) const STREAM_FAULTS: [Fault; 3] =
    [Fault::StreamCut, Fault::StreamEnded, Fault::StreamInBytes];

/// What is done before the server hears of a request.
pub(super) const BEFORE: [Fault; 6] = [
    Fault::Refused,
    Fault::Reset,
    Fault::TooMany,
    Fault::Internal,
    Fault::Unavailable,
    Fault::Page,
];

/// What is done to an answer.
pub(super) const AFTER: [Fault; 4] =
    [Fault::AnswerDropped, Fault::AnswerCut, Fault::ChunksCut, Fault::Slow];

impl Fault {
    pub const ALL: [Fault; 13] = [
        Fault::Refused,
        Fault::Reset,
        Fault::TooMany,
        Fault::Internal,
        Fault::Unavailable,
        Fault::Page,
        Fault::AnswerDropped,
        Fault::AnswerCut,
        Fault::ChunksCut,
        Fault::Slow,
        Fault::StreamCut,
        Fault::StreamEnded,
        Fault::StreamInBytes,
    ];

    /// Whether the server never hears of the request.
    pub fn is_before(self) -> bool {
        BEFORE.contains(&self)
    }

    pub fn is_of_streams(self) -> bool {
        STREAM_FAULTS.contains(&self)
    }

    /// Whether the client is not told all of what it asked for.
    pub(super) fn breaks(self) -> bool {
        !matches!(self, Fault::Slow | Fault::StreamInBytes)
    }

    /// The answer in the server's place, in its bytes.
    pub(super) fn answer(self) -> Option<Vec<u8>> {
        let (status, headers, code, message) = match self {
            Fault::TooMany => (
                "429 Too Many Requests",
                "retry-after: 0\r\n",
                "rate_limited",
                "Too many requests. Retry after 0 seconds.",
            ),
            Fault::Internal => {
                ("500 Internal Server Error", "", "internal_error", "Something went wrong.")
            }
            Fault::Unavailable => {
                ("503 Service Unavailable", "", "unavailable", "The server is not ready.")
            }
            Fault::Page => return Some(page()),
            _ => return None,
        };
        let id = "req_01M8FAKEFAKEFAKEFAKEFAKE01";
        let body = json!({ "error": {
            "code": code, "message": message, "details": { "retryAfter": 0 }, "requestId": id,
        } });
        let headers = format!("content-type: application/json\r\nx-request-id: {id}\r\n{headers}");
        Some(whole(status, &headers, &body.to_string()))
    }
}

/// What a load balancer says when there is nobody behind it.
fn page() -> Vec<u8> {
    let body = "<html><head><title>502 Bad Gateway</title></head>\
                <body><h1>502 Bad Gateway</h1></body></html>";
    whole("502 Bad Gateway", "content-type: text/html\r\n", body)
}

fn whole(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}
