//! What the run loop and the adapters say to each other.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use theazo_domain::Pico;
use theazo_domain::pricing::TokenUsage;

/// A wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// Anthropic's Messages API.
    Anthropic,
    /// OpenAI's Chat Completions API, which gateways speak too.
    OpenaiChat,
    /// OpenAI's Responses API.
    OpenaiResponses,
    Mock,
}

/// One call of a model.
#[derive(Debug, Clone)]
pub struct Prompt {
    pub system: Option<String>,
    /// Begins with a user's turn; the user's and the model's alternate.
    pub turns: Vec<Arc<Turn>>,
    pub tools: Arc<[ToolSchema]>,
    /// Tokens that the answer may have.
    pub max_tokens: u32,
    /// Sent only when the caller set it: newer models refuse any.
    pub temperature: Option<f64>,
    /// The same for all calls of a run: where a vendor caches by key.
    pub cache_key: Option<String>,
}

/// A part of a conversation.
#[derive(Debug, Clone)]
pub enum Turn {
    /// Results of the tool calls of the turn before, all of them and in their order, then text.
    User {
        results: Vec<ToolResult>,
        text: Option<String>,
    },
    Assistant(AssistantTurn),
}

/// What a model said, as it said it and as we understand it.
#[derive(Debug, Clone)]
pub struct AssistantTurn {
    pub wire: Wire,
    /// The vendor's content blocks (a JSON array), byte for byte: they are sent back to the same
    /// wire unchanged. Another wire gets `text` and `tool_calls` in its own words.
    pub raw: Box<RawValue>,
    pub text: String,
    pub tool_calls: Vec<ToolCall>,
}

/// A tool that the model asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Unique within its turn; the vendor's, or made up where it gave none.
    pub id: String,
    pub name: String,
    /// JSON text as the model wrote it: it may be anything but JSON.
    pub arguments: String,
}

/// What a tool answered, as the model is to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    pub call_id: String,
    pub name: String,
    pub output: String,
    pub is_error: bool,
}

/// A tool as the model sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolSchema {
    pub name: String,
    pub description: String,
    /// A JSON Schema of type `object`.
    pub input_schema: serde_json::Value,
}

/// What comes of a call, as it comes. The last one is [`ModelEvent::Done`]; a stream that ends
/// without it has ended with an error.
#[derive(Debug, Clone)]
pub enum ModelEvent {
    /// More of the answer's text.
    Text(String),
    /// More of the reasoning that the model shows.
    Reasoning(String),
    Done(Box<TurnResult>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentKind {
    Text,
    Reasoning,
}

/// A stretch of one kind, in the order in which the deltas came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub kind: SegmentKind,
    pub text: String,
}

/// Why the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It has said all.
    End,
    /// It waits for its tools.
    Tools,
    /// `max_tokens` was reached: the last block may be cut off, and no tool call of it may run.
    Length,
    /// It will not.
    Refusal,
    /// The vendor's content filter cut it off.
    Filter,
    /// Send the turn back as it is, and call again.
    Pause,
    /// The conversation no longer fits the model's window.
    ContextFull,
}

/// A finished call: what the log keeps of it, whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnResult {
    pub wire: Wire,
    /// The model that answered, by the vendor's word.
    pub model: String,
    /// The vendor's id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The content blocks, byte for byte (a JSON array).
    pub raw: Box<RawValue>,
    /// Text and shown reasoning in the order of their deltas: the deltas of each kind, joined, are
    /// exactly this.
    pub segments: Vec<Segment>,
    pub tool_calls: Vec<ToolCall>,
    pub finish: Finish,
    /// What the vendor says of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    pub usage: TokenUsage,
    /// What a gateway says that it charged (OpenRouter's `usage.cost`): it is the cost of record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged: Option<Pico>,
    /// Milliseconds until the first delta.
    pub first_delta_ms: u64,
    pub total_ms: u64,
    /// Which route answered: zero is the one that was asked for, `n` its `fallbacks[n - 1]`. See
    /// [`crate::Route::leg`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub leg: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(n: &u8) -> bool {
    *n == 0
}

impl TurnResult {
    /// The answer's text without the reasoning.
    pub fn text(&self) -> String {
        self.segments.iter().filter(|s| s.kind == SegmentKind::Text).map(|s| &*s.text).collect()
    }

    /// The turn as later prompts hold it.
    pub fn to_turn(&self) -> AssistantTurn {
        AssistantTurn {
            wire: self.wire,
            raw: self.raw.clone(),
            text: self.text(),
            tool_calls: self.tool_calls.clone(),
        }
    }
}

/// What kind of trouble a call ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelErrorKind {
    /// The key is wrong or may not do this.
    Auth,
    /// The account with the vendor has no credit.
    Billing,
    /// The request is wrong: the same one will fail again.
    Invalid,
    /// The vendor has no such model.
    NoModel,
    /// The conversation does not fit the model's window.
    ContextFull,
    RateLimited,
    Overloaded,
    /// The vendor failed.
    Server,
    /// Nothing came for too long.
    Timeout,
    /// The connection could not be made, or broke.
    Network,
    /// The vendor's answer is not what its API says.
    Malformed,
    /// The circuit breaker is open: the vendor failed often just now, and was not asked.
    Open,
}

impl ModelErrorKind {
    /// Whether the same call may succeed later.
    pub const fn is_transient(self) -> bool {
        use ModelErrorKind::*;
        match self {
            RateLimited | Overloaded | Server | Timeout | Network | Malformed | Open => true,
            Auth | Billing | Invalid | NoModel | ContextFull => false,
        }
    }
}

/// Why a call did not come to its end.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    pub kind: ModelErrorKind,
    /// For AgentCo: the vendor's own words where there are any, every key redacted.
    pub message: String,
    pub status: Option<u16>,
    /// Boxed to keep every `Result` with it small.
    pub request_id: Option<Box<str>>,
    /// When the vendor said to come back.
    pub retry_after: Option<Duration>,
    /// What the broken call had used by then, by the vendor's word or by our count of what it had
    /// written: it is billed.
    pub usage: Option<TokenUsage>,
    /// Which route failed, as in [`TurnResult::leg`].
    pub leg: u8,
}

impl ModelError {
    pub fn new(kind: ModelErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            status: None,
            request_id: None,
            retry_after: None,
            usage: None,
            leg: 0,
        }
    }
}
