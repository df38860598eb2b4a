//! The stream of a message: <https://platform.claude.com/docs/en/build-with-claude/streaming>

use serde::Deserialize;
use serde_json::value::RawValue;
use theazo_domain::pricing::TokenUsage;

use super::block::Block;
use super::error::read_event;
use crate::codec::{self, Answer, Transcript, is_object, malformed, raw_array};
use crate::contract::{Finish, ModelError, ToolCall};
use crate::sse::SseEvent;

/// More blocks than any message has.
const MAX_BLOCKS: usize = 10_000;

#[derive(Default)]
pub struct Decoder {
    id: Option<String>,
    model: Option<String>,
    blocks: Vec<(u64, Block)>,
    usage: Option<Usage>,
    stop_reason: Option<String>,
    explanation: Option<String>,
    complete: bool,
}

/// Only what we know: new kinds of events may come at any time, and are ignored.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Message,
    },
    MessageDelta {
        delta: MessageDelta,
        usage: Option<Usage>,
    },
    MessageStop,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Message {
    id: Option<String>,
    model: Option<String>,
    usage: Option<Usage>,
}

/// Apart from [`Event`], because what is inside is kept raw, which serde cannot do below a tag.
#[derive(Deserialize)]
struct BlockStart {
    index: u64,
    content_block: Block,
}

#[derive(Deserialize)]
struct BlockDelta {
    index: u64,
    delta: Delta,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    partial_json: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    citation: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct MessageDelta {
    stop_reason: Option<String>,
    stop_details: Option<StopDetails>,
}

#[derive(Deserialize)]
struct StopDetails {
    category: Option<String>,
    explanation: Option<String>,
}

/// Counts are of the whole message so far: a later one replaces an earlier one.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct Usage {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Option<u64>,
    ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

impl Usage {
    fn overwrite(&mut self, newer: Usage) {
        self.input_tokens = newer.input_tokens.or(self.input_tokens);
        self.cache_creation_input_tokens =
            newer.cache_creation_input_tokens.or(self.cache_creation_input_tokens);
        self.cache_read_input_tokens =
            newer.cache_read_input_tokens.or(self.cache_read_input_tokens);
        self.cache_creation = newer.cache_creation.or(self.cache_creation);
        self.output_tokens = newer.output_tokens.or(self.output_tokens);
        self.output_tokens_details = newer.output_tokens_details.or(self.output_tokens_details);
    }

    /// Anthropic's buckets do not overlap: `input_tokens` has no cached token in it.
    fn tokens(&self) -> TokenUsage {
        let written = self.cache_creation_input_tokens.unwrap_or(0);
        let long = self.cache_creation.and_then(|c| c.ephemeral_1h_input_tokens).unwrap_or(0);
        let short = self.cache_creation.and_then(|c| c.ephemeral_5m_input_tokens).unwrap_or(0);
        let details = self.output_tokens_details;
        TokenUsage {
            input: self.input_tokens.unwrap_or(0),
            cache_read: self.cache_read_input_tokens.unwrap_or(0),
            // What is not said to be long is short.
            cache_write_short: written.saturating_sub(long).max(short),
            cache_write_long: long,
            output: self.output_tokens.unwrap_or(0),
            reasoning: details.and_then(|d| d.thinking_tokens).unwrap_or(0),
            estimated: false,
        }
    }
}

impl codec::Decoder for Decoder {
    fn feed(&mut self, event: &SseEvent, out: &mut Transcript) -> Result<bool, ModelError> {
        #[derive(Deserialize)]
        struct Tag<'a> {
            #[serde(rename = "type", borrow)]
            kind: Option<std::borrow::Cow<'a, str>>,
        }
        if event.data.is_empty() {
            return Ok(false);
        }
        let tag: Tag = serde_json::from_str(&event.data).map_err(malformed)?;
        match tag.kind.as_deref().unwrap_or(&event.name) {
            "error" => return Err(read_event(&event.data)),
            "content_block_start" => {
                let start: BlockStart = serde_json::from_str(&event.data).map_err(malformed)?;
                self.start(start, out)?;
            }
            "content_block_delta" => {
                let delta: BlockDelta = serde_json::from_str(&event.data).map_err(malformed)?;
                self.delta(delta, out)?;
            }
            _ => match serde_json::from_str(&event.data).map_err(malformed)? {
                Event::MessageStart { message } => {
                    self.id = message.id;
                    self.model = message.model;
                    self.count(message.usage);
                }
                Event::MessageDelta { delta, usage } => {
                    self.stop_reason = delta.stop_reason.or(self.stop_reason.take());
                    if let Some(details) = delta.stop_details {
                        self.explanation = details.explanation.or(details.category);
                    }
                    self.count(usage);
                }
                Event::MessageStop => {
                    self.complete = true;
                    return Ok(true);
                }
                Event::Other => {}
            },
        }
        Ok(false)
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn usage(&self) -> Option<TokenUsage> {
        self.usage.map(|usage| usage.tokens())
    }

    fn finish(mut self: Box<Self>) -> Result<Answer, ModelError> {
        self.blocks.sort_by_key(|(index, _)| *index);
        let cut_off = self.stop_reason.as_deref() == Some("max_tokens");
        // Half a block cannot be sent back: half a call has no result, and thinking without its
        // signature is refused.
        let is_whole = |block: &Block| {
            let half_call = block.is("tool_use") && !is_object(&block.input());
            let half_thought = block.is("thinking") && block.text("signature").is_empty();
            !cut_off || !(half_call || half_thought)
        };
        let blocks: Vec<&Block> =
            self.blocks.iter().map(|(_, block)| block).filter(|block| is_whole(block)).collect();
        let raw: Result<Vec<_>, _> = blocks.iter().map(|block| block.raw()).collect();
        let raw = raw.map_err(malformed)?;
        let calls = blocks.iter().filter(|block| block.is("tool_use")).map(|block| ToolCall {
            id: block.text("id"),
            name: block.text("name"),
            arguments: block.input(),
        });
        let tool_calls: Vec<ToolCall> = calls.collect();
        let finish = match self.stop_reason.as_deref() {
            Some("max_tokens") => Finish::Length,
            Some("pause_turn") => Finish::Pause,
            Some("refusal") => Finish::Refusal,
            Some("model_context_window_exceeded") => Finish::ContextFull,
            _ if tool_calls.is_empty() => Finish::End,
            _ => Finish::Tools,
        };
        Ok(Answer {
            usage: codec::Decoder::usage(&*self),
            model: self.model,
            request_id: self.id,
            raw: raw_array(raw.iter().map(|block| &**block)),
            tool_calls,
            finish,
            explanation: self.explanation,
            charged: None,
        })
    }
}

impl Decoder {
    fn start(&mut self, start: BlockStart, out: &mut Transcript) -> Result<(), ModelError> {
        let BlockStart { index, content_block: block } = start;
        if self.blocks.len() >= MAX_BLOCKS || self.blocks.iter().any(|(i, _)| *i == index) {
            return Err(malformed(format!("content block {index} begins twice")));
        }
        // Servers that only speak like Anthropic may begin with the whole text.
        if block.is("text") {
            out.text(&block.text("text"));
        } else if block.is("thinking") {
            out.reasoning(&block.text("thinking"));
        }
        self.blocks.push((index, block));
        Ok(())
    }

    fn delta(&mut self, delta: BlockDelta, out: &mut Transcript) -> Result<(), ModelError> {
        let BlockDelta { index, delta } = delta;
        let block = self.block(index)?;
        match delta.kind.as_str() {
            "text_delta" => {
                let text = delta.text.unwrap_or_default();
                block.append("text", &text);
                out.text(&text);
            }
            "thinking_delta" => {
                let thinking = delta.thinking.unwrap_or_default();
                block.append("thinking", &thinking);
                out.reasoning(&thinking);
            }
            "input_json_delta" => block.append_input(&delta.partial_json.unwrap_or_default()),
            "signature_delta" => {
                block.replace("signature", &delta.signature.unwrap_or_default());
            }
            "citations_delta" => {
                if let Some(citation) = delta.citation {
                    block.cite(citation);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn block(&mut self, index: u64) -> Result<&mut Block, ModelError> {
        let block = self.blocks.iter_mut().rev().find(|(i, _)| *i == index);
        block.map(|(_, block)| block).ok_or_else(|| {
            malformed(format!("something was said of content block {index}, which never began"))
        })
    }

    fn count(&mut self, usage: Option<Usage>) {
        if let Some(usage) = usage {
            self.usage.get_or_insert_default().overwrite(usage);
        }
    }
}

#[cfg(test)]
#[path = "tests/stream.rs"]
mod tests;
