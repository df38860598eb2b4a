//! The stream of a chat completion.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use theazo_domain::Pico;
use theazo_domain::pricing::TokenUsage;

use super::calls::{Calls, WholeCall};
use super::chunk::{Choice, Chunk, Delta, text_of};
use crate::codec::{self, Answer, Transcript, malformed, object_or_empty, raw_array};
use crate::contract::{Finish, ModelError, ModelErrorKind, ToolCall};
use crate::openai_error::ErrorBody;
use crate::sse::SseEvent;

pub struct Decoder {
    mint: u64,
    id: Option<String>,
    model: Option<String>,
    text: String,
    refusal: String,
    reasoning_content: String,
    reasoning_details: Vec<Detail>,
    calls: Calls,
    finish_reason: Option<String>,
    usage: Option<TokenUsage>,
    charged: Option<Pico>,
    done: bool,
}

/// The model's turn as it goes back.
#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    refusal: &'a str,
    /// DeepSeek and its like demand it back when there are calls, and refuse it when not.
    #[serde(skip_serializing_if = "str::is_empty")]
    reasoning_content: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
}

#[derive(Serialize)]
pub(super) struct Call<'a> {
    id: Cow<'a, str>,
    r#type: &'static str,
    function: Function<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    /// A string that holds a JSON object.
    arguments: Cow<'a, str>,
}

impl<'a> Call<'a> {
    pub(super) fn new(id: Cow<'a, str>, call: &'a ToolCall) -> Self {
        let arguments = match codec::is_object(&call.arguments) {
            true => Cow::Borrowed(call.arguments.as_str()),
            false => Cow::Owned(object_or_empty(&call.arguments).get().to_owned()),
        };
        let function = Function { name: &call.name, arguments };
        Self { id, r#type: "function", function, extra_content: None }
    }

    fn of(whole: &'a WholeCall) -> Self {
        let call = Self::new(Cow::Borrowed(&whole.call.id), &whole.call);
        Self { extra_content: whole.extra_content.as_deref(), ..call }
    }
}

impl Decoder {
    /// `mint`: see [`codec::decoder`].
    pub fn new(mint: u64) -> Self {
        Self {
            mint,
            id: None,
            model: None,
            text: String::new(),
            refusal: String::new(),
            reasoning_content: String::new(),
            reasoning_details: Vec::new(),
            calls: Calls::default(),
            finish_reason: None,
            usage: None,
            charged: None,
            done: false,
        }
    }

    fn choice(&mut self, choice: Choice, out: &mut Transcript) -> Result<(), ModelError> {
        if choice.index.is_some_and(|index| index != 0) {
            return Ok(());
        }
        if let Some(delta) = choice.delta.or(choice.message) {
            self.delta(delta, out)?;
        }
        if let Some(error) = choice.error.filter(|e| !e.is_null()) {
            return Err(ErrorBody::from_value(error).into_error(None));
        }
        match choice.finish_reason.as_deref() {
            None | Some("") => {}
            Some("error") => {
                let message = "the vendor's model failed in the middle of its answer";
                return Err(ModelError::new(ModelErrorKind::Server, message));
            }
            Some(_) => self.finish_reason = choice.finish_reason,
        }
        Ok(())
    }

    fn delta(&mut self, delta: Delta, out: &mut Transcript) -> Result<(), ModelError> {
        // Some send the same reasoning under both names.
        let reasoning_content = delta.reasoning_content.as_ref().map(text_of).unwrap_or_default();
        let reasoning = match reasoning_content.is_empty() {
            true => delta.reasoning.as_ref().map(text_of).unwrap_or_default(),
            false => reasoning_content.clone(),
        };
        self.reasoning_content.push_str(&reasoning_content);
        out.reasoning(&reasoning);
        for detail in delta.reasoning_details {
            add_detail(&mut self.reasoning_details, detail);
        }
        let text = delta.content.as_ref().map(text_of).unwrap_or_default();
        self.text.push_str(&text);
        out.text(&text);
        self.refusal.push_str(delta.refusal.as_deref().unwrap_or_default());
        for call in delta.tool_calls {
            if !self.calls.add(call) {
                return Err(malformed("it has too many tool calls"));
            }
        }
        Ok(())
    }

    fn message(&self, calls: &[WholeCall]) -> Result<Box<RawValue>, ModelError> {
        let details = self.reasoning_details.iter().map(Detail::raw);
        let message = Message {
            role: "assistant",
            content: Some(self.text.as_str()).filter(|t| !t.is_empty() || calls.is_empty()),
            refusal: &self.refusal,
            reasoning_content: if calls.is_empty() { "" } else { &self.reasoning_content },
            reasoning_details: details.collect::<Result<_, _>>().map_err(malformed)?,
            tool_calls: calls.iter().map(Call::of).collect(),
        };
        to_raw_value(&message).map_err(malformed)
    }
}

impl codec::Decoder for Decoder {
    fn feed(&mut self, event: &SseEvent, out: &mut Transcript) -> Result<bool, ModelError> {
        match event.data.trim() {
            "" => return Ok(false),
            "[DONE]" => {
                self.done = true;
                return Ok(true);
            }
            _ => {}
        }
        if event.name == "error" {
            let value: Value = serde_json::from_str(&event.data).unwrap_or(Value::Null);
            let value = value.get("error").cloned().unwrap_or(value);
            return Err(ErrorBody::from_value(value).into_error(None));
        }
        let chunk: Chunk = serde_json::from_str(&event.data).map_err(malformed)?;
        self.id = self.id.take().or(chunk.id).filter(|id| !id.is_empty());
        self.model = chunk.model.filter(|m| !m.is_empty()).or(self.model.take());
        if let Some(usage) = chunk.usage {
            self.usage = usage.tokens().or(self.usage);
            self.charged = usage.charged().or(self.charged);
        }
        let said = chunk.choices.into_iter().try_for_each(|choice| self.choice(choice, out));
        // The error of the whole says more than that of a choice.
        match chunk.error.filter(|e| !e.is_null()) {
            Some(error) => Err(ErrorBody::from_value(error).into_error(None)),
            None => said.map(|()| false),
        }
    }

    fn is_complete(&self) -> bool {
        self.done || self.finish_reason.is_some()
    }

    fn usage(&self) -> Option<TokenUsage> {
        self.usage
    }

    fn finish(mut self: Box<Self>) -> Result<Answer, ModelError> {
        let cut_off = self.finish_reason.as_deref() == Some("length");
        let calls = std::mem::take(&mut self.calls).finish(cut_off, self.mint);
        let message = self.message(&calls)?;
        let tool_calls: Vec<ToolCall> = calls.into_iter().map(|whole| whole.call).collect();
        let said_nothing = self.text.is_empty() && tool_calls.is_empty();
        let finish = match self.finish_reason.as_deref() {
            Some("length") => Finish::Length,
            Some("content_filter") => Finish::Filter,
            _ if !self.refusal.is_empty() => Finish::Refusal,
            _ if tool_calls.is_empty() => Finish::End,
            // Whatever the reason says: several say `stop` with calls.
            _ => Finish::Tools,
        };
        Ok(Answer {
            model: self.model,
            request_id: self.id,
            // A turn of nothing is refused when it comes back.
            raw: raw_array((!said_nothing).then_some(&*message)),
            tool_calls,
            finish,
            explanation: Some(self.refusal).filter(|r| !r.is_empty()),
            usage: self.usage,
            charged: self.charged,
        })
    }
}

/// A piece of OpenRouter's `reasoning_details`.
struct Detail {
    /// What distinguishes it, and everything that is not text.
    first: Box<RawValue>,
    key: Option<DetailKey>,
    text: String,
    signature: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct DetailKey {
    r#type: String,
    index: Option<u64>,
    id: Option<String>,
}

/// The text of a detail comes in pieces of the same index; all else comes whole.
fn add_detail(details: &mut Vec<Detail>, raw: Box<RawValue>) {
    #[derive(Deserialize)]
    struct Piece {
        text: Option<String>,
        summary: Option<String>,
        signature: Option<String>,
    }
    let key = serde_json::from_str::<DetailKey>(raw.get()).ok();
    let piece = serde_json::from_str::<Piece>(raw.get()).ok();
    let (text, signature) = match piece {
        Some(piece) => (piece.text.or(piece.summary).unwrap_or_default(), piece.signature),
        None => (String::new(), None),
    };
    let in_pieces = key.as_ref().is_some_and(|key| key.text_field().is_some());
    match details.last_mut() {
        Some(last) if in_pieces && last.key == key => {
            last.text.push_str(&text);
            last.signature = signature.or(last.signature.take());
        }
        _ => details.push(Detail { first: raw, key, text, signature }),
    }
}

impl DetailKey {
    fn text_field(&self) -> Option<&'static str> {
        match self.r#type.as_str() {
            "reasoning.text" => Some("text"),
            "reasoning.summary" => Some("summary"),
            _ => None,
        }
    }
}

impl Detail {
    fn raw(&self) -> serde_json::Result<Box<RawValue>> {
        let Some(field) = self.key.as_ref().and_then(DetailKey::text_field) else {
            return Ok(self.first.clone());
        };
        let mut object: serde_json::Map<String, Value> = serde_json::from_str(self.first.get())?;
        object.insert(field.to_owned(), self.text.as_str().into());
        if let Some(signature) = &self.signature {
            object.insert("signature".to_owned(), signature.as_str().into());
        }
        to_raw_value(&object)
    }
}

#[cfg(test)]
#[path = "tests/stream.rs"]
mod tests;
