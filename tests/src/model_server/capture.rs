//! What was asked, and how much of the answer went out.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::http::HeaderMap;
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use super::request::{Request, Wire};

/// One request as it came.
#[derive(Clone)]
pub struct Captured {
    pub wire: Wire,
    pub path: String,
    pub model: String,
    pub stream: bool,
    pub headers: HeaderMap,
    pub body: Value,
    /// The body in its bytes.
    pub raw: Bytes,
    /// The marker of the script that answered it; without one what the user said first.
    pub conversation: String,
    /// What the user said first.
    pub first_user_text: String,
    /// How many answers of the model it held: the call's number in its conversation.
    pub answers: usize,
    /// Calls that ask the same have the same.
    pub call: u64,
    /// When it came.
    pub at: Instant,
    /// Status of the answer; `None` while it is held back.
    pub status: Option<u16>,
    /// The whole answer went out, as the model meant it: no error, not cut.
    pub finished: bool,
    /// The client left before the end.
    pub abandoned: bool,
}

/// Without keys.
impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captured")
            .field("wire", &self.wire)
            .field("path", &self.path)
            .field("model", &self.model)
            .field("conversation", &self.conversation)
            .field("answers", &self.answers)
            .field("call", &format_args!("{:016x}", self.call))
            .field("status", &self.status)
            .field("finished", &self.finished)
            .field("abandoned", &self.abandoned)
            .finish_non_exhaustive()
    }
}

impl Captured {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether it asks for an answer, and not only for how long the prompt is.
    pub fn is_model_call(&self) -> bool {
        !self.path.ends_with("/count_tokens")
    }

    /// The key it came with, without `Bearer`.
    pub fn api_key(&self) -> &str {
        let bearer = || self.header("authorization")?.strip_prefix("Bearer ");
        self.header("x-api-key").or_else(bearer).unwrap_or_default()
    }
}

/// All requests so far. Clones are the same log.
#[derive(Debug, Clone, Default)]
pub(super) struct Requests {
    all: Arc<Mutex<Vec<Captured>>>,
    changed: watch::Sender<()>,
}

impl Requests {
    pub fn snapshot(&self) -> Vec<Captured> {
        self.all.lock().unwrap().clone()
    }

    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Notes a request whose answer is now being made.
    pub fn begin(&self, request: &Request, raw: Bytes, conversation: String) -> Delivery {
        let captured = Captured {
            wire: request.wire,
            path: request.path.clone(),
            model: request.model.clone(),
            stream: request.stream,
            headers: request.headers.clone(),
            body: request.body.clone(),
            raw,
            conversation,
            first_user_text: request.first_user_text().to_owned(),
            answers: request.answers(),
            call: request.call(),
            at: Instant::now(),
            status: None,
            finished: false,
            abandoned: false,
        };
        let mut all = self.all.lock().unwrap();
        all.push(captured);
        let index = all.len() - 1;
        drop(all);
        self.changed.send_replace(());
        Delivery { requests: self.clone(), index, ended: false }
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut Captured)) {
        change(&mut self.all.lock().unwrap()[index]);
        self.changed.send_replace(());
    }
}

/// An answer on its way. When it is dropped before its end, the client has left.
#[derive(Debug)]
pub(super) struct Delivery {
    requests: Requests,
    index: usize,
    ended: bool,
}

impl Delivery {
    pub fn status(&self, status: u16) {
        self.requests.change(self.index, |captured| captured.status = Some(status));
    }

    /// The last byte is handed over. This is noted before the client can have read it, so that
    /// whoever sees the answer's effect also sees that it was finished.
    pub fn end(&mut self, whole: bool) {
        self.ended = true;
        self.requests.change(self.index, |captured| captured.finished = whole);
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if !self.ended {
            self.requests.change(self.index, |captured| captured.abandoned = true);
        }
    }
}
