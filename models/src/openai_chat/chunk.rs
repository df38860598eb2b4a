//! The shapes of a chunk, as far as anyone keeps to them.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use theazo_domain::Pico;
use theazo_domain::pricing::TokenUsage;

use crate::decimal;

#[derive(Deserialize)]
pub struct Chunk {
    #[serde(default, deserialize_with = "any_id")]
    pub id: Option<String>,
    pub model: Option<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub choices: Vec<Choice>,
    pub usage: Option<Usage>,
    pub error: Option<Value>,
}

#[derive(Deserialize)]
pub struct Choice {
    #[serde(default)]
    pub index: Option<u64>,
    pub delta: Option<Delta>,
    /// Of a whole completion.
    pub message: Option<Delta>,
    pub finish_reason: Option<String>,
    /// OpenRouter: the upstream failed.
    pub error: Option<Value>,
}

#[derive(Deserialize)]
pub struct Delta {
    /// A string, or (Mistral) a list of parts.
    pub content: Option<Value>,
    pub refusal: Option<String>,
    pub reasoning_content: Option<Value>,
    pub reasoning: Option<Value>,
    /// OpenRouter: to be sent back.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub reasoning_details: Vec<Box<RawValue>>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub tool_calls: Vec<CallDelta>,
}

#[derive(Deserialize)]
pub struct CallDelta {
    pub index: Option<u64>,
    #[serde(default, deserialize_with = "any_id")]
    pub id: Option<String>,
    pub function: Option<FunctionDelta>,
    /// Gemini: a signature that it demands back.
    pub extra_content: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
pub struct FunctionDelta {
    pub name: Option<String>,
    /// A string, or (Ollama) the object itself.
    pub arguments: Option<Box<RawValue>>,
}

/// OpenAI's prompt counts hold the cached tokens too.
#[derive(Debug, Deserialize)]
pub struct Usage {
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    pub prompt_tokens_details: Option<PromptDetails>,
    pub completion_tokens_details: Option<CompletionDetails>,
    /// OpenRouter: dollars, to be read without a float.
    pub cost: Option<Box<RawValue>>,
}

#[derive(Debug, Deserialize)]
pub struct PromptDetails {
    pub cached_tokens: Option<u64>,
    pub cache_write_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub struct CompletionDetails {
    pub reasoning_tokens: Option<u64>,
}

impl Usage {
    /// In buckets that do not overlap. A usage without a prompt is none (some send zeros first).
    pub fn tokens(&self) -> Option<TokenUsage> {
        let prompt = self.prompt_tokens?;
        let details = self.prompt_tokens_details.as_ref();
        let cache_read = details.and_then(|d| d.cached_tokens).unwrap_or(0);
        let cache_write = details.and_then(|d| d.cache_write_tokens).unwrap_or(0);
        let reasoning = self.completion_tokens_details.as_ref().and_then(|d| d.reasoning_tokens);
        Some(TokenUsage {
            input: prompt.saturating_sub(cache_read).saturating_sub(cache_write),
            cache_read,
            cache_write_short: cache_write,
            output: self.completion_tokens.unwrap_or(0),
            reasoning: reasoning.unwrap_or(0),
            ..TokenUsage::default()
        })
    }

    pub fn charged(&self) -> Option<Pico> {
        let text = self.cost.as_ref()?.get().trim_matches('"');
        let cost = decimal::parse(text, 12)?;
        (cost.value >= 0).then_some(Pico(cost.value))
    }
}

/// The text of a string or of a list of parts; reasoning parts are not text.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(part_text).collect(),
        _ => String::new(),
    }
}

fn part_text(part: &Value) -> Option<&str> {
    match part.get("type").and_then(Value::as_str) {
        Some("text" | "output_text") => part.get("text")?.as_str(),
        _ => None,
    }
}

/// Some number their calls.
fn any_id<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(d)? {
        Value::String(id) => Some(id),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    })
}

fn null_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(d)?.unwrap_or_default())
}
