//! What every wire format's adapter gives: a request, a decoder of its stream, a reader of its
//! errors. All pure.

use std::collections::HashSet;

use hyper::header::HeaderMap;
use secrecy::SecretString;
use serde_json::value::RawValue;
use theazo_domain::Pico;
use theazo_domain::pricing::TokenUsage;

use crate::contract::{
    Finish, ModelError, ModelErrorKind, ModelEvent, Prompt, Segment, SegmentKind, ToolCall, Wire,
};
use crate::redact::holds_key;
use crate::route::Route;
use crate::sse::SseEvent;
use crate::{anthropic, openai_chat, openai_responses};

/// A request before it is bound to a connection.
pub struct Outgoing {
    pub url: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Takes the events of one answer.
pub trait Decoder: Send {
    /// Takes an event; `true` when the vendor has said that the answer is whole. An error is the
    /// vendor's own, or says that the stream is not what the API promises.
    fn feed(&mut self, event: &SseEvent, out: &mut Transcript) -> Result<bool, ModelError>;

    /// Whether the answer lacks nothing when the stream just ends here.
    fn is_complete(&self) -> bool;

    /// What the vendor has said so far of the tokens.
    fn usage(&self) -> Option<TokenUsage>;

    /// The answer. Called once, when it is whole.
    fn finish(self: Box<Self>) -> Result<Answer, ModelError>;
}

/// An answer, before it is measured.
#[derive(Debug)]
pub struct Answer {
    pub model: Option<String>,
    pub request_id: Option<String>,
    pub raw: Box<RawValue>,
    pub tool_calls: Vec<ToolCall>,
    pub finish: Finish,
    pub explanation: Option<String>,
    pub usage: Option<TokenUsage>,
    pub charged: Option<Pico>,
}

/// The deltas of an answer in their order: those that were given out, and those that are to be.
#[derive(Debug, Default)]
pub struct Transcript {
    pub segments: Vec<Segment>,
    fresh: Vec<ModelEvent>,
}

impl Transcript {
    pub fn text(&mut self, delta: &str) {
        self.push(SegmentKind::Text, delta);
    }

    pub fn reasoning(&mut self, delta: &str) {
        self.push(SegmentKind::Reasoning, delta);
    }

    fn push(&mut self, kind: SegmentKind, delta: &str) {
        if delta.is_empty() {
            return;
        }
        match self.segments.last_mut() {
            Some(last) if last.kind == kind => last.text.push_str(delta),
            _ => self.segments.push(Segment { kind, text: delta.to_owned() }),
        }
        self.fresh.push(match kind {
            SegmentKind::Text => ModelEvent::Text(delta.to_owned()),
            SegmentKind::Reasoning => ModelEvent::Reasoning(delta.to_owned()),
        });
    }

    /// What has come since the last time.
    pub fn take(&mut self) -> Vec<ModelEvent> {
        std::mem::take(&mut self.fresh)
    }

    /// All that was written, reasoning included.
    pub fn written(&self) -> String {
        self.segments.iter().map(|s| s.text.as_str()).collect()
    }

    pub fn has_reasoning(&self) -> bool {
        self.segments.iter().any(|s| s.kind == SegmentKind::Reasoning)
    }
}

pub fn encode(
    route: &Route,
    key: Option<&SecretString>,
    prompt: &Prompt,
) -> Result<Outgoing, ModelError> {
    match route.wire {
        Wire::Anthropic => anthropic::encode(route, key, prompt),
        Wire::OpenaiResponses => openai_responses::encode(route, key, prompt),
        Wire::OpenaiChat | Wire::Mock => openai_chat::encode(route, key, prompt),
    }
}

/// `mint`: what is mixed into ids that the vendor should have given and did not.
pub fn decoder(wire: Wire, mint: u64) -> Box<dyn Decoder> {
    match wire {
        Wire::Anthropic => Box::new(anthropic::Decoder::default()),
        Wire::OpenaiResponses => Box::new(openai_responses::Decoder::default()),
        Wire::OpenaiChat | Wire::Mock => Box::new(openai_chat::Decoder::new(mint)),
    }
}

/// Reads the body of an answer that is not a success.
pub fn read_error(wire: Wire, status: u16, body: &[u8]) -> ModelError {
    match wire {
        Wire::Anthropic => anthropic::read_error(status, body),
        _ => crate::openai_error::read_error(status, body),
    }
}

/// Not what the API says.
pub fn malformed(what: impl std::fmt::Display) -> ModelError {
    let message = format!("the vendor's answer cannot be read: {what}");
    ModelError::new(ModelErrorKind::Malformed, message)
}

/// Tool calls of one answer: they are carried out at the same time.
const MAX_CALLS: usize = 128;
/// Bytes. Vendors' own are tens; a gateway that packs a signature into an id makes it a few KiB.
const MAX_CALL_ID: usize = 16 << 10;
/// Bytes; vendors allow 64 to 128.
const MAX_CALL_NAME: usize = 256;

/// Refuses tool calls that nothing good can come of. Their ids and names are recorded in plain
/// text, and a result finds its call by the id alone.
pub fn check_calls(calls: &[ToolCall], key: Option<&SecretString>) -> Result<(), ModelError> {
    if calls.len() > MAX_CALLS {
        let count = calls.len();
        return Err(malformed(format!("it has {count} tool calls, more than {MAX_CALLS}")));
    }
    let mut ids = HashSet::new();
    for call in calls {
        if !ids.insert(&call.id) {
            return Err(malformed("two of its tool calls have the same id"));
        }
        if call.id.len() > MAX_CALL_ID || call.name.len() > MAX_CALL_NAME {
            return Err(malformed("the id or the name of a tool call is too long"));
        }
        if holds_key(&call.id, key) || holds_key(&call.name, key) {
            return Err(malformed("the id or the name of a tool call holds the API key"));
        }
    }
    Ok(())
}

/// A JSON array of what is already JSON, byte for byte.
pub fn raw_array<'a>(items: impl IntoIterator<Item = &'a RawValue>) -> Box<RawValue> {
    let items: Vec<&str> = items.into_iter().map(RawValue::get).collect();
    let text = format!("[{}]", items.join(","));
    // An array of valid JSON is valid JSON.
    RawValue::from_string(text).unwrap_or_else(|_| empty_array())
}

fn empty_array() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}

/// The elements of a raw array, byte for byte; what is no array has none.
pub fn raw_items(raw: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// Whether text is a whole JSON object.
pub fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<&RawValue>(text).is_ok()
}

/// The arguments of a call as a JSON object: what the model wrote if it is one, else an empty one.
/// Vendors and gateways refuse a history with broken arguments, for ever; what is wrong with them
/// is told by the call's result.
pub fn object_or_empty(text: &str) -> Box<RawValue> {
    let text = if is_object(text) { text } else { "{}" };
    RawValue::from_string(text.to_owned()).unwrap_or_else(|_| empty_array())
}

/// `{base}{path}`, with a query of the base kept at the end.
pub fn join(base: &str, path: &str) -> String {
    match base.split_once('?') {
        Some((base, query)) => format!("{}{path}?{query}", base.trim_end_matches('/')),
        None => format!("{}{path}", base.trim_end_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_keep_every_byte() {
        let text = r#"[{"b":1.0,  "a":"\u00e9"},[ ],"x"]"#;
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        let items = raw_items(&raw);
        assert_eq!(items[0].get(), r#"{"b":1.0,  "a":"\u00e9"}"#);
        assert_eq!(raw_array(items).get(), r#"[{"b":1.0,  "a":"\u00e9"},[ ],"x"]"#);
    }

    #[test]
    fn objects() {
        assert!(is_object(" {\"a\": 1}"));
        for text in ["", "{", "[1]", "{}x", "null", "{\"a\":}"] {
            assert!(!is_object(text), "{text}");
            assert_eq!(object_or_empty(text).get(), "{}");
        }
    }

    #[test]
    fn calls_that_cannot_be_told_apart_or_hold_a_key_are_refused() {
        let call = |id: &str, name: &str| ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: "{}".to_owned(),
        };
        let key = SecretString::from("a-secret-key");
        let check = |calls: &[ToolCall]| check_calls(calls, Some(&key)).map_err(|e| e.kind);
        let wrong = Err(ModelErrorKind::Malformed);
        assert_eq!(check(&[call("a", "x"), call("b", "x")]), Ok(()));
        assert_eq!(check(&[call("a", "x"), call("a", "y")]), wrong);
        assert_eq!(check(&[call("id-a-secret-key", "x")]), wrong);
        assert_eq!(check(&[call("a", "a-secret-key-tool")]), wrong);
        assert_eq!(check(&[call("a", &"n".repeat(MAX_CALL_NAME + 1))]), wrong);
        assert_eq!(check(&[call(&"i".repeat(MAX_CALL_ID + 1), "x")]), wrong);
        let many: Vec<_> = (0..=MAX_CALLS).map(|i| call(&i.to_string(), "x")).collect();
        assert_eq!(check(&many[1..]), Ok(()));
        assert_eq!(check(&many), wrong);
    }

    #[test]
    fn urls() {
        assert_eq!(join("https://a/v1/", "/x"), "https://a/v1/x");
        assert_eq!(join("https://a/v1?k=2", "/x"), "https://a/v1/x?k=2");
    }
}
