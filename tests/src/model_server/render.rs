//! From a reply to the bytes of an answer: what the three wire formats have in common.

use bytes::Bytes;

use super::ids::IdSeed;
use super::reply::{Content, Fault, Reply, Turn};
use super::request::{Request, Wire};
use super::sent::Block;
use super::{anthropic, chat, errors, responses};

pub(super) const JSON: &str = "application/json";
pub(super) const EVENTS: &str = "text/event-stream; charset=utf-8";
/// Fixed, so that the same call gives the same bytes: 2026-01-01.
pub(super) const CREATED: u64 = 1_767_225_600;

/// What a wire format needs to render a turn.
pub(super) struct Call<'a> {
    pub request: &'a Request,
    pub turn: &'a Turn,
    pub seed: IdSeed,
}

impl Call<'_> {
    pub fn model(&self) -> &str {
        self.turn.model.as_deref().unwrap_or(&self.request.model)
    }
}

/// An answer that is ready to be sent.
#[derive(Debug)]
pub(super) struct Rendered {
    pub status: u16,
    pub content_type: &'static str,
    pub chunks: Vec<Bytes>,
    /// What the client must send back of it, when it was a turn.
    pub turn: Option<Vec<Block>>,
}

impl Rendered {
    pub fn refusal(status: u16, body: String) -> Self {
        Self { status, content_type: JSON, chunks: vec![body.into()], turn: None }
    }
}

/// The events of a stream, in chunks that each end with a delta.
#[derive(Debug, Default)]
pub(super) struct Events {
    chunks: Vec<String>,
    open: bool,
    last: String,
}

impl Events {
    /// An event that goes out with the delta that follows it.
    pub fn event(&mut self, text: String) {
        if !self.open {
            self.chunks.push(String::new());
            self.open = true;
        }
        self.chunks.last_mut().expect("one is open").push_str(&text);
        self.last = text;
    }

    /// An event that ends its chunk.
    pub fn delta(&mut self, text: String) {
        self.event(text);
        self.open = false;
    }

    /// How many events have been written makes no difference to this: only the last can be taken.
    fn without_last(&mut self) {
        let length = self.last.len();
        let chunk = self.chunks.last_mut().expect("there is an event");
        chunk.truncate(chunk.len() - length);
    }
}

/// The answer's bytes for this request.
pub(super) fn render(request: &Request, reply: &Reply, seed: IdSeed) -> Rendered {
    match &reply.content {
        Content::Turn(turn) => render_turn(&Call { request, turn, seed }, reply.fault.as_ref()),
        Content::Raw { chunks } => {
            Rendered { status: 200, content_type: EVENTS, chunks: chunks.clone(), turn: None }
        }
        Content::HangUp => unreachable!("there is nothing to render"),
        Content::Status { status, kind, message, body } => {
            let usual =
                || errors::body(request.wire, *status, kind.as_deref(), message.as_deref(), false);
            Rendered::refusal(*status, body.clone().unwrap_or_else(usual))
        }
    }
}

fn render_turn(call: &Call<'_>, fault: Option<&Fault>) -> Rendered {
    if let Some(refused) = errors::instead_of(call) {
        return refused;
    }
    let turn = match call.request.wire {
        Wire::Anthropic => anthropic::blocks(call),
        Wire::Chat => chat::blocks(call),
        Wire::Responses => responses::blocks(call),
    };
    if !call.request.stream {
        return whole(call, fault, turn);
    }
    let mut events = match call.request.wire {
        Wire::Anthropic => anthropic::stream(call),
        Wire::Chat => chat::stream(call),
        Wire::Responses => responses::stream(call),
    };
    match fault {
        Some(Fault::CutBeforeEnd) => events.without_last(),
        Some(Fault::Error { after, kind, message }) => {
            events.chunks.truncate(*after);
            events.chunks.push(errors::event(call, kind, message));
        }
        _ => {}
    }
    let chunks = events.chunks.into_iter().map(Bytes::from).collect();
    Rendered { status: 200, content_type: EVENTS, chunks, turn: fault.is_none().then_some(turn) }
}

/// An answer that is not streamed, in two halves.
fn whole(call: &Call<'_>, fault: Option<&Fault>, turn: Vec<Block>) -> Rendered {
    if let Some(Fault::Error { kind, message, .. }) = fault {
        let status = errors::status_of(kind);
        let body = errors::body(call.request.wire, status, Some(kind), Some(message), false);
        return Rendered::refusal(status, body);
    }
    let body = match call.request.wire {
        Wire::Anthropic => anthropic::whole(call),
        Wire::Chat => chat::whole(call),
        Wire::Responses => responses::whole(call),
    };
    let mut first = Bytes::from(body);
    let second = first.split_off(first.len() / 2);
    let turn = fault.is_none().then_some(turn);
    Rendered { status: 200, content_type: JSON, chunks: vec![first, second], turn }
}

/// A text in so many pieces of about the same length; in fewer when it is too short.
pub(super) fn split(text: &str, pieces: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    if chars.is_empty() {
        return Vec::new();
    }
    let pieces = pieces.clamp(1, chars.len());
    let border = |n: usize| n * chars.len() / pieces;
    (0..pieces).map(|n| chars[border(n)..border(n + 1)].iter().collect()).collect()
}
