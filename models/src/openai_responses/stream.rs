//! The stream of a response.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use theazo_domain::pricing::TokenUsage;

use crate::codec::{self, Answer, Transcript, is_object, malformed, raw_array};
use crate::contract::{Finish, ModelError, ModelErrorKind, ToolCall};
use crate::openai_error::ErrorBody;
use crate::sse::SseEvent;

#[derive(Default)]
pub struct Decoder {
    id: Option<String>,
    model: Option<String>,
    /// Whole items as they were given, by their place in the output.
    items: BTreeMap<u64, Box<RawValue>>,
    refusal: String,
    usage: Option<TokenUsage>,
    incomplete: Option<String>,
    complete: bool,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    delta: Option<Value>,
    output_index: Option<u64>,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Response {
    id: Option<String>,
    model: Option<String>,
    output: Option<Vec<Box<RawValue>>>,
    usage: Option<Usage>,
    error: Option<Value>,
    incomplete_details: Option<IncompleteDetails>,
}

#[derive(Deserialize)]
struct IncompleteDetails {
    reason: Option<String>,
}

/// OpenAI's input counts hold the cached tokens too.
#[derive(Deserialize)]
struct Usage {
    input_tokens: u64,
    input_tokens_details: Option<InputDetails>,
    output_tokens: u64,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize)]
struct InputDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

/// Of an item, what we look at.
#[derive(Deserialize)]
struct Item {
    r#type: String,
    call_id: Option<String>,
    name: Option<String>,
    arguments: Option<String>,
}

impl Usage {
    fn tokens(&self) -> TokenUsage {
        let details = self.input_tokens_details.as_ref();
        let cache_read = details.and_then(|d| d.cached_tokens).unwrap_or(0);
        let cache_write = details.and_then(|d| d.cache_write_tokens).unwrap_or(0);
        let reasoning = self.output_tokens_details.as_ref().and_then(|d| d.reasoning_tokens);
        TokenUsage {
            input: self.input_tokens.saturating_sub(cache_read).saturating_sub(cache_write),
            cache_read,
            cache_write_short: cache_write,
            output: self.output_tokens,
            reasoning: reasoning.unwrap_or(0),
            ..TokenUsage::default()
        }
    }
}

impl codec::Decoder for Decoder {
    fn feed(&mut self, event: &SseEvent, out: &mut Transcript) -> Result<bool, ModelError> {
        // Gateways that speak this API too end with it.
        if matches!(event.data.trim(), "" | "[DONE]") {
            return Ok(false);
        }
        let e: Event = serde_json::from_str(&event.data).map_err(malformed)?;
        let kind = e.kind.as_deref().unwrap_or(&event.name);
        let delta = || e.delta.as_ref().and_then(Value::as_str).unwrap_or_default();
        match kind {
            "response.output_text.delta" => out.text(delta()),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                out.reasoning(delta());
            }
            // Its parts are paragraphs.
            "response.reasoning_summary_part.added" if out.has_reasoning() => out.reasoning("\n\n"),
            "response.refusal.delta" => self.refusal.push_str(delta()),
            "response.output_item.done" => {
                if let (Some(index), Some(item)) = (e.output_index, e.item) {
                    self.items.insert(index, item.to_owned());
                }
            }
            "response.created" | "response.in_progress" => {
                self.response(e.response)?;
            }
            "response.completed" | "response.incomplete" => {
                let reason = self.response(e.response)?;
                let default = (kind == "response.incomplete").then(String::new);
                self.incomplete = reason.or(default);
                self.complete = true;
                return Ok(true);
            }
            "response.failed" | "response.cancelled" => return Err(self.failed(e.response)),
            "error" => {
                // The fields stand at the top, or in `error`.
                let value = match e.error.filter(|error| !error.is_null()) {
                    Some(error) => error,
                    None => serde_json::from_str(&event.data).map_err(malformed)?,
                };
                return Err(read_error(value));
            }
            _ if e.kind.is_none() && e.error.as_ref().is_some_and(|e| !e.is_null()) => {
                return Err(read_error(e.error.unwrap_or_default()));
            }
            _ => {}
        }
        Ok(false)
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn usage(&self) -> Option<TokenUsage> {
        self.usage
    }

    fn finish(self: Box<Self>) -> Result<Answer, ModelError> {
        let cut_off = self.incomplete.is_some();
        let mut items: Vec<(Item, &RawValue)> = Vec::with_capacity(self.items.len());
        for raw in self.items.values() {
            let item: Item = serde_json::from_str(raw.get()).map_err(malformed)?;
            let arguments = item.arguments.as_deref().unwrap_or_default();
            // Half a call cannot be answered, so it must not go back.
            if !(cut_off && item.r#type == "function_call" && !is_object(arguments)) {
                items.push((item, raw));
            }
        }
        // Reasoning goes back only together with what it led to.
        while cut_off && items.last().is_some_and(|(item, _)| item.r#type == "reasoning") {
            items.pop();
        }
        let raw = raw_array(items.iter().map(|(_, raw)| *raw));
        let calls = items.into_iter().filter(|(item, _)| item.r#type == "function_call");
        let call = |(item, _): (Item, _)| ToolCall {
            id: item.call_id.unwrap_or_default(),
            name: item.name.unwrap_or_default(),
            arguments: item.arguments.filter(|a| !a.is_empty()).unwrap_or_else(|| "{}".to_owned()),
        };
        let tool_calls: Vec<ToolCall> = calls.map(call).collect();
        let finish = match self.incomplete.as_deref() {
            Some("content_filter") => Finish::Filter,
            Some(_) => Finish::Length,
            None if !tool_calls.is_empty() => Finish::Tools,
            None if !self.refusal.is_empty() => Finish::Refusal,
            None => Finish::End,
        };
        Ok(Answer {
            model: self.model,
            request_id: self.id,
            raw,
            tool_calls,
            finish,
            explanation: Some(self.refusal).filter(|r| !r.is_empty()),
            usage: self.usage,
            charged: None,
        })
    }
}

impl Decoder {
    /// Takes what a response object says; answers why it is incomplete, if it is.
    fn response(&mut self, raw: Option<&RawValue>) -> Result<Option<String>, ModelError> {
        let Some(raw) = raw else { return Ok(None) };
        let response: Response = serde_json::from_str(raw.get()).map_err(malformed)?;
        self.id = response.id.or(self.id.take());
        self.model = response.model.or(self.model.take());
        self.usage = response.usage.map(|usage| usage.tokens()).or(self.usage);
        // Who does not send items one by one sends them here.
        if self.items.is_empty()
            && let Some(output) = response.output
        {
            self.items = (0..).zip(output).collect();
        }
        Ok(response.incomplete_details.and_then(|details| details.reason))
    }

    fn failed(&mut self, raw: Option<&RawValue>) -> ModelError {
        let response = raw.and_then(|raw| serde_json::from_str::<Response>(raw.get()).ok());
        let Some(response) = response else {
            return ModelError::new(ModelErrorKind::Server, "the vendor's model failed");
        };
        self.usage = response.usage.map(|usage| usage.tokens()).or(self.usage);
        let error = match response.error.filter(|error| !error.is_null()) {
            Some(error) => read_error(error),
            None => ModelError::new(ModelErrorKind::Server, "the vendor's model failed"),
        };
        ModelError { request_id: response.id.map(Into::into), ..error }
    }
}

fn read_error(value: Value) -> ModelError {
    let mut body = ErrorBody::from_value(value);
    // The type of the event, not of the error.
    if body.kind.as_ref().and_then(Value::as_str) == Some("error") {
        body.kind = None;
    }
    body.into_error(None)
}

#[cfg(test)]
#[path = "tests/stream.rs"]
mod tests;
