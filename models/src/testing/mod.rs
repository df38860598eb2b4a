//! What the codecs' tests share.

use serde_json::Value;

use crate::capability::Capabilities;
use crate::codec::{Answer, Decoder, Outgoing, Transcript};
use crate::contract::{
    AssistantTurn, ModelError, Prompt, SegmentKind, ToolCall, ToolResult, ToolSchema, Turn, Wire,
};
use crate::route::{CredentialSource, Route};
use crate::sse::SseParser;
use serde_json::value::RawValue;
use std::sync::Arc;

/// All that a decoder makes of a stream, in a form that can be compared.
pub struct Decoded {
    pub outcome: Result<Answer, ModelError>,
    pub transcript: Transcript,
    /// The vendor said that it was whole.
    pub whole: bool,
}

impl Decoded {
    pub fn answer(self) -> Answer {
        self.outcome.unwrap()
    }

    pub fn error(&self) -> &ModelError {
        self.outcome.as_ref().unwrap_err()
    }

    pub fn text(&self, kind: SegmentKind) -> String {
        let segments = self.transcript.segments.iter();
        segments.filter(|s| s.kind == kind).map(|s| s.text.as_str()).collect()
    }

    /// Everything at once.
    pub fn debug(&self) -> String {
        format!("{:?} {:?} {}", self.outcome, self.transcript.segments, self.whole)
    }
}

/// Decodes a stream that comes in chunks of the given sizes, over and over.
pub fn decode(mut decoder: Box<dyn Decoder>, bytes: &[u8], sizes: &[usize]) -> Decoded {
    let mut parser = SseParser::new(1 << 20);
    let mut transcript = Transcript::default();
    let mut rest = bytes;
    let mut sizes = sizes.iter().cycle();
    let mut ended = false;
    loop {
        while let Some(event) = parser.next() {
            match decoder.feed(&event, &mut transcript) {
                Ok(false) => {}
                Ok(true) => return Decoded { outcome: decoder.finish(), transcript, whole: true },
                Err(error) => return Decoded { outcome: Err(error), transcript, whole: false },
            }
        }
        if ended {
            let whole = decoder.is_complete();
            return Decoded { outcome: decoder.finish(), transcript, whole };
        }
        let size = sizes.next().copied().unwrap_or(usize::MAX).clamp(1, rest.len().max(1));
        let (chunk, tail) = rest.split_at(size.min(rest.len()));
        parser.push(chunk).unwrap();
        rest = tail;
        if rest.is_empty() {
            parser.end();
            ended = true;
        }
    }
}

/// `data:` lines of the given JSON.
pub fn sse(data: &[&str]) -> Vec<u8> {
    data.iter().map(|data| format!("data: {data}\n\n")).collect::<String>().into_bytes()
}

pub fn route(wire: Wire, vendor: &str, model: &str) -> Route {
    let max_tokens = Capabilities::of_model(vendor, model).default_max_tokens();
    Route {
        wire,
        vendor: vendor.to_owned(),
        base_url: "https://vendor.example/base".to_owned(),
        credential: CredentialSource::None,
        model: model.to_owned(),
        max_tokens,
        max_tokens_by_default: true,
        temperature: None,
        byoi: false,
        fallbacks: Vec::new(),
    }
}

pub fn user(text: &str) -> Turn {
    Turn::User { results: Vec::new(), text: Some(text.to_owned()) }
}

pub fn results(ids: &[&str]) -> Turn {
    let result = |id: &&str| ToolResult {
        call_id: (*id).to_owned(),
        name: "read".to_owned(),
        output: format!("of {id}"),
        is_error: false,
    };
    Turn::User { results: ids.iter().map(result).collect(), text: None }
}

pub fn assistant(wire: Wire, raw: &str, text: &str, ids: &[&str]) -> Turn {
    let call = |id: &&str| ToolCall {
        id: (*id).to_owned(),
        name: "read".to_owned(),
        arguments: "{\"a\": 1}".to_owned(),
    };
    Turn::Assistant(AssistantTurn {
        wire,
        raw: RawValue::from_string(raw.to_owned()).unwrap(),
        text: text.to_owned(),
        tool_calls: ids.iter().map(call).collect(),
    })
}

pub fn prompt(turns: Vec<Turn>) -> Prompt {
    Prompt {
        system: Some("be kind".to_owned()),
        turns: turns.into_iter().map(Arc::new).collect(),
        tools: Arc::new([ToolSchema {
            name: "read".to_owned(),
            description: "reads".to_owned(),
            input_schema: serde_json::json!({ "type": "object" }),
        }]),
        max_tokens: 100,
        temperature: Some(0.5),
        cache_key: Some("run-1".to_owned()),
    }
}

pub fn body(outgoing: &Outgoing) -> Value {
    serde_json::from_slice(&outgoing.body).unwrap()
}
