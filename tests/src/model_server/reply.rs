//! What the model answers, in no vendor's words.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::Quirk;
use super::gate::Gate;

/// Tokens in buckets that do not overlap, whatever the vendor counts into what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Prompt tokens that were neither read from nor written to a cache.
    pub input: u64,
    pub cache_read: u64,
    /// Written to the short cache (5 minutes at Anthropic).
    pub cache_write: u64,
    /// Written to Anthropic's cache of one hour. Nobody else has it.
    pub cache_write_long: u64,
    /// All that was generated, reasoning included.
    pub output: u64,
    /// How many of `output` were reasoning.
    pub reasoning: u64,
}

impl Usage {
    pub const fn new(input: u64, cache_read: u64, cache_write: u64, output: u64) -> Self {
        Self { input, cache_read, cache_write, cache_write_long: 0, output, reasoning: 0 }
    }

    pub(super) const fn prompt(self) -> u64 {
        self.input + self.cache_read + self.cache_write + self.cache_write_long
    }
}

/// 100 in, 20 out.
impl Default for Usage {
    fn default() -> Self {
        Self::new(100, 0, 0, 20)
    }
}

/// Why the model stopped, where it is not because it was done or wants tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// Done, even if there are tool calls.
    End,
    StopSequence,
    MaxTokens,
    Refusal,
    /// Anthropic: to be sent back as it is, to go on. Elsewhere it is [`Self::End`].
    PauseTurn,
    /// At Anthropic a stop reason; at OpenAI the call is refused with `context_length_exceeded`.
    ContextWindowExceeded,
    /// OpenAI's. At Anthropic it is [`Self::Refusal`].
    ContentFilter,
}

/// A piece of the model's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Thinking(String),
    RedactedThinking,
    /// `arguments` is text that may not be JSON.
    ToolCall {
        name: String,
        arguments: String,
    },
}

/// What goes wrong after the answer has begun. Chunks are counted as [`Reply::gated_at`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    Cut { after: usize },
    CutBeforeEnd,
    Silence { after: usize },
    Error { after: usize, kind: String, message: String },
}

#[derive(Debug, Clone, Default)]
pub(super) struct Turn {
    pub parts: Vec<Part>,
    pub usage: Usage,
    pub stop: Option<StopReason>,
    /// Into how many deltas each part is split.
    pub deltas: usize,
    pub model: Option<String>,
    pub quirks: Vec<Quirk>,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Turn(Turn),
    /// Refused: `body` is the vendor's own, or made from the rest.
    Status {
        status: u16,
        kind: Option<String>,
        message: Option<String>,
        body: Option<String>,
    },
    Raw {
        chunks: Vec<Bytes>,
    },
    HangUp,
}

/// One answer. Begin with [`Self::text`], [`Self::call`], [`Self::empty`], [`Self::status`] or
/// [`Self::raw`], and go on with the methods.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) content: Content,
    pub(super) headers: Vec<(String, String)>,
    /// `None` holds back the whole answer, its head included.
    pub(super) gates: Vec<(Option<usize>, Gate)>,
    pub(super) fault: Option<Fault>,
    /// Before each chunk.
    pub(super) pause: Duration,
}

impl Reply {
    fn of(content: Content) -> Self {
        Self { content, headers: Vec::new(), gates: Vec::new(), fault: None, pause: Duration::ZERO }
    }

    /// A turn with nothing in it yet.
    pub fn empty() -> Self {
        Self::of(Content::Turn(Turn { deltas: 1, ..Turn::default() }))
    }

    /// A turn that says this.
    pub fn text(text: impl Into<String>) -> Self {
        Self::empty().and_text(text)
    }

    /// A turn that calls one tool.
    pub fn call(name: &str, arguments: Value) -> Self {
        Self::empty().tool_call(name, arguments)
    }

    /// An HTTP status with the vendor's usual error for it.
    pub fn status(status: u16) -> Self {
        Self::of(Content::Status { status, kind: None, message: None, body: None })
    }

    /// These bytes, with status 200, as an event stream.
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        Self::raw_chunks([bytes])
    }

    /// These bytes, each a chunk for gates and faults.
    pub fn raw_chunks<B: Into<Bytes>>(chunks: impl IntoIterator<Item = B>) -> Self {
        Self::of(Content::Raw { chunks: chunks.into_iter().map(Into::into).collect() })
    }

    /// Closes the connection without a byte of an answer.
    pub fn hang_up() -> Self {
        Self::of(Content::HangUp)
    }

    #[track_caller]
    fn turn(&mut self) -> &mut Turn {
        match &mut self.content {
            Content::Turn(turn) => turn,
            other => panic!("only for a turn of the model: {other:?}"),
        }
    }

    #[track_caller]
    fn with(mut self, change: impl FnOnce(&mut Turn)) -> Self {
        change(self.turn());
        self
    }

    /// Thinks first: before all that is in the turn but other thoughts at its beginning.
    #[track_caller]
    pub fn thinking(self, text: impl Into<String>) -> Self {
        let thought = Part::Thinking(text.into());
        self.with(|turn| {
            let first = turn.parts.iter().position(|part| !matches!(part, Part::Thinking(_)));
            turn.parts.insert(first.unwrap_or(turn.parts.len()), thought);
        })
    }

    /// Thinks here, after what is in the turn.
    #[track_caller]
    pub fn and_thinking(self, text: impl Into<String>) -> Self {
        self.with(|turn| turn.parts.push(Part::Thinking(text.into())))
    }

    /// A thought that is only ciphertext (Anthropic); elsewhere a thought without a summary.
    #[track_caller]
    pub fn redacted_thinking(self) -> Self {
        self.with(|turn| turn.parts.push(Part::RedactedThinking))
    }

    #[track_caller]
    pub fn and_text(self, text: impl Into<String>) -> Self {
        self.with(|turn| turn.parts.push(Part::Text(text.into())))
    }

    /// Calls a tool; several of these in a turn are parallel calls.
    #[track_caller]
    pub fn tool_call(self, name: &str, arguments: Value) -> Self {
        self.tool_call_raw(name, arguments.to_string())
    }

    /// Calls a tool with arguments in exactly these characters: another order of keys, spaces,
    /// what is not JSON.
    #[track_caller]
    pub fn tool_call_raw(self, name: &str, arguments: impl Into<String>) -> Self {
        let call = Part::ToolCall { name: name.to_owned(), arguments: arguments.into() };
        self.with(|turn| turn.parts.push(call))
    }

    #[track_caller]
    pub fn usage(self, usage: Usage) -> Self {
        self.with(|turn| turn.usage = usage)
    }

    #[track_caller]
    pub fn stop(self, reason: StopReason) -> Self {
        self.with(|turn| turn.stop = Some(reason))
    }

    /// Splits each text, thought and arguments into this many deltas.
    #[track_caller]
    pub fn chunked(self, deltas: usize) -> Self {
        self.with(|turn| turn.deltas = deltas.max(1))
    }

    /// The model that says it has answered; without this it is the one that was asked for.
    #[track_caller]
    pub fn served_by(self, model: &str) -> Self {
        self.with(|turn| turn.model = Some(model.to_owned()))
    }

    /// Deviates from OpenAI's Chat Completions as some gateway does.
    #[track_caller]
    pub fn quirk(self, quirk: Quirk) -> Self {
        self.with(|turn| turn.quirks.push(quirk))
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// `retry-after`, in seconds or as an HTTP date.
    pub fn retry_after(self, value: impl Into<String>) -> Self {
        self.header("retry-after", value)
    }

    /// `retry-after-ms`, which the vendors' own clients prefer.
    pub fn retry_after_ms(self, wait: Duration) -> Self {
        self.header("retry-after-ms", wait.as_millis().to_string())
    }

    /// The error's type (`rate_limit_error`) and message, in the vendor's envelope.
    #[track_caller]
    pub fn error(mut self, kind: &str, message: &str) -> Self {
        let Content::Status { kind: k, message: m, .. } = &mut self.content else {
            panic!("only for Reply::status");
        };
        (*k, *m) = (Some(kind.to_owned()), Some(message.to_owned()));
        self
    }

    /// The body of a refusal as it is, JSON or not.
    #[track_caller]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        let Content::Status { body: b, .. } = &mut self.content else {
            panic!("only for Reply::status");
        };
        *b = Some(body.into());
        self
    }

    fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// After so many chunks comes an error in the stream, with status 200 long sent.
    pub fn error_mid_stream(self, after: usize, kind: &str, message: &str) -> Self {
        let (kind, message) = (kind.to_owned(), message.to_owned());
        self.fault(Fault::Error { after, kind, message })
    }

    /// After so many chunks the connection is closed, without the end of the answer.
    pub fn cut_after(self, chunks: usize) -> Self {
        self.fault(Fault::Cut { after: chunks })
    }

    /// All comes but the event that proves that it is all (`message_stop`, `[DONE]`,
    /// `response.completed`); then the connection is closed.
    pub fn cut_before_end(self) -> Self {
        self.fault(Fault::CutBeforeEnd)
    }

    /// After so many chunks nothing comes any more; the connection stays open.
    pub fn silence_after(self, chunks: usize) -> Self {
        self.fault(Fault::Silence { after: chunks })
    }

    /// Takes its time: so long before each chunk.
    pub fn paced(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Holds back the whole answer, its status included, until the gate opens.
    pub fn gated(mut self, gate: &Gate) -> Self {
        self.gates.push((None, gate.clone()));
        self
    }

    /// Holds back chunk `k` and all after it. Chunk 0 is the head of the answer with its first
    /// delta of text, thought or arguments; each delta after that is a chunk; so is all that comes
    /// after the last one. Of a whole (not streamed) answer each half is a chunk.
    pub fn gated_at(mut self, k: usize, gate: &Gate) -> Self {
        self.gates.push((Some(k), gate.clone()));
        self
    }
}
