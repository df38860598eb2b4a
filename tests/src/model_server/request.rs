//! A request as a script sees it: the same for all three wire formats.

use std::hash::{Hash, Hasher};

use axum::http::HeaderMap;
use serde_json::Value;

use super::conversation;
use super::ids::fingerprint;

/// In which format a model is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wire {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Chat Completions.
    Chat,
    /// OpenAI Responses.
    Responses,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    System,
    User,
    Assistant,
}

/// A tool call that the model made earlier.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// A string where it was not JSON.
    pub arguments: Value,
}

/// What a tool gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    pub call_id: String,
    pub text: String,
    /// Only Anthropic has a word for it.
    pub is_error: bool,
}

/// A turn of the conversation. What the user, tools and so on say in a row is one turn, and each
/// answer of the model is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub role: Role,
    pub text: String,
    pub calls: Vec<ToolCall>,
    pub results: Vec<ToolResult>,
}

impl Message {
    pub(super) const fn new(role: Role) -> Self {
        Self { role, text: String::new(), calls: Vec::new(), results: Vec::new() }
    }
}

/// A call of the model.
#[derive(Debug, Clone)]
pub struct Request {
    pub wire: Wire,
    pub path: String,
    pub model: String,
    pub stream: bool,
    pub headers: HeaderMap,
    pub body: Value,
    /// The conversation so far, system prompt first where there is one.
    pub messages: Vec<Message>,
}

impl Request {
    pub(super) fn new(wire: Wire, path: &str, headers: HeaderMap, body: Value) -> Self {
        let messages = match wire {
            Wire::Anthropic => conversation::anthropic(&body),
            Wire::Chat => conversation::chat(&body),
            Wire::Responses => conversation::responses(&body),
        };
        Self {
            wire,
            path: path.to_owned(),
            model: body["model"].as_str().unwrap_or_default().to_owned(),
            stream: body["stream"] == true,
            headers,
            body,
            messages,
        }
    }

    /// The text of the system prompt, or nothing.
    pub fn system(&self) -> &str {
        self.messages.iter().find(|m| m.role == Role::System).map_or("", |m| &m.text)
    }

    /// What the conversation began with.
    pub fn first_user_text(&self) -> &str {
        self.messages.iter().find(|m| m.role == Role::User).map_or("", |m| &m.text)
    }

    /// What the user said last; nothing when the last turn is only tool results.
    pub fn last_user_text(&self) -> &str {
        self.messages.iter().rfind(|m| m.role == Role::User).map_or("", |m| &m.text)
    }

    /// How many answers of the model the conversation holds: the number of this call in it.
    pub fn answers(&self) -> usize {
        self.messages.iter().filter(|m| m.role == Role::Assistant).count()
    }

    /// Every tool call of the conversation, in order.
    pub fn tool_calls(&self) -> Vec<&ToolCall> {
        self.messages.iter().flat_map(|m| &m.calls).collect()
    }

    /// Every tool result of the conversation, in order.
    pub fn tool_results(&self) -> Vec<&ToolResult> {
        self.messages.iter().flat_map(|m| &m.results).collect()
    }

    /// The result of the last call of this tool.
    pub fn result_of(&self, tool: &str) -> Option<&ToolResult> {
        let calls = self.tool_calls();
        let last = calls.iter().rfind(|call| call.name == tool)?;
        self.tool_results().into_iter().find(|result| result.call_id == last.id)
    }

    /// The names of the tools that are offered.
    pub fn tools(&self) -> Vec<&str> {
        let tools = self.body["tools"].as_array().into_iter().flatten();
        let names = tools.map(|tool| [&tool["name"], &tool["function"]["name"]]);
        names.filter_map(|[flat, nested]| flat.as_str().or_else(|| nested.as_str())).collect()
    }

    /// Whether this is anywhere in what the request says.
    pub fn mentions(&self, text: &str) -> bool {
        self.messages.iter().any(|message| {
            message.text.contains(text) || message.results.iter().any(|r| r.text.contains(text))
        })
    }

    /// The key it came with, without `Bearer`.
    pub fn api_key(&self) -> &str {
        let header = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = || header("authorization")?.strip_prefix("Bearer ");
        header("x-api-key").or_else(bearer).unwrap_or_default()
    }

    /// The conversation's fingerprint: how it began.
    pub(super) fn conversation(&self) -> u64 {
        fingerprint(self.first_user_text())
    }

    /// The call's fingerprint: calls with the same one ask the same. Marks for caches are left out,
    /// and so are the tools.
    pub(super) fn call(&self) -> u64 {
        struct Unmarked<'a>(&'a Value);
        impl Hash for Unmarked<'_> {
            fn hash<H: Hasher>(&self, state: &mut H) {
                match self.0 {
                    Value::Object(fields) => {
                        for (key, value) in fields.iter().filter(|(k, _)| *k != "cache_control") {
                            key.hash(state);
                            Unmarked(value).hash(state);
                        }
                        "}".hash(state);
                    }
                    Value::Array(items) => {
                        items.iter().for_each(|item| Unmarked(item).hash(state));
                        "]".hash(state);
                    }
                    other => other.to_string().hash(state),
                }
            }
        }
        let body = &self.body;
        let parts = ["system", "messages", "instructions", "input"];
        fingerprint((self.wire, &self.path, &self.model, parts.map(|part| Unmarked(&body[part]))))
    }
}
