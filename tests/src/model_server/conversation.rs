//! Reading a conversation from each wire format. What is malformed is passed over here: it is
//! `validate` that complains.

use serde_json::Value;

use super::request::{Message, Role, ToolCall, ToolResult};

/// The turns so far; neighbours of one role become one, but each answer of the model's is a turn.
#[derive(Default)]
struct Turns(Vec<Message>);

impl Turns {
    fn of(&mut self, role: Role) -> &mut Message {
        if self.0.last().is_none_or(|last| last.role != role) {
            self.0.push(Message::new(role));
        }
        self.0.last_mut().expect("it was pushed")
    }

    fn begin(&mut self, role: Role) {
        self.0.push(Message::new(role));
    }

    fn say(&mut self, role: Role, content: &Value) {
        let text = text_of(content);
        let message = self.of(role);
        if !message.text.is_empty() && !text.is_empty() {
            message.text.push('\n');
        }
        message.text.push_str(&text);
    }
}

/// The text of a string, of a block, or of a list of blocks.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts: Vec<&str> = blocks.iter().filter_map(|b| b["text"].as_str()).collect();
            texts.join("\n")
        }
        Value::Object(block) => {
            block.get("text").and_then(Value::as_str).unwrap_or_default().to_owned()
        }
        _ => String::new(),
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn arguments(text: &Value) -> Value {
    let parsed = text.as_str().and_then(|text| serde_json::from_str(text).ok());
    parsed.unwrap_or_else(|| text.clone())
}

pub(super) fn anthropic(body: &Value) -> Vec<Message> {
    let mut turns = Turns::default();
    if !body["system"].is_null() {
        turns.say(Role::System, &body["system"]);
    }
    for message in items(&body["messages"]) {
        let role = match message["role"].as_str() {
            Some("assistant") => Role::Assistant,
            Some("system") => Role::System,
            _ => Role::User,
        };
        if role == Role::Assistant {
            turns.begin(role);
        }
        if message["content"].is_string() {
            turns.say(role, &message["content"]);
        }
        for block in items(&message["content"]) {
            anthropic_block(&mut turns, role, block);
        }
    }
    turns.0
}

fn anthropic_block(turns: &mut Turns, role: Role, block: &Value) {
    match block["type"].as_str() {
        Some("text") => turns.say(role, block),
        Some("tool_use") => turns.of(role).calls.push(ToolCall {
            id: string(&block["id"]),
            name: string(&block["name"]),
            arguments: block["input"].clone(),
        }),
        Some("tool_result") => turns.of(role).results.push(ToolResult {
            call_id: string(&block["tool_use_id"]),
            text: text_of(&block["content"]),
            is_error: block["is_error"] == true,
        }),
        _ => {
            turns.of(role);
        }
    }
}

pub(super) fn chat(body: &Value) -> Vec<Message> {
    let mut turns = Turns::default();
    for message in items(&body["messages"]) {
        match message["role"].as_str() {
            Some("system" | "developer") => turns.say(Role::System, &message["content"]),
            Some("assistant") => {
                turns.begin(Role::Assistant);
                turns.say(Role::Assistant, &message["content"]);
                for call in items(&message["tool_calls"]) {
                    turns.of(Role::Assistant).calls.push(ToolCall {
                        id: string(&call["id"]),
                        name: string(&call["function"]["name"]),
                        arguments: arguments(&call["function"]["arguments"]),
                    });
                }
            }
            Some("tool") => turns.of(Role::User).results.push(ToolResult {
                call_id: string(&message["tool_call_id"]),
                text: text_of(&message["content"]),
                is_error: false,
            }),
            _ => turns.say(Role::User, &message["content"]),
        }
    }
    turns.0
}

pub(super) fn responses(body: &Value) -> Vec<Message> {
    let mut turns = Turns::default();
    if body["instructions"].is_string() {
        turns.say(Role::System, &body["instructions"]);
    }
    if body["input"].is_string() {
        turns.say(Role::User, &body["input"]);
    }
    for item in items(&body["input"]) {
        match item["type"].as_str().unwrap_or("message") {
            "reasoning" => {
                turns.of(Role::Assistant);
            }
            "function_call" => turns.of(Role::Assistant).calls.push(ToolCall {
                id: string(&item["call_id"]),
                name: string(&item["name"]),
                arguments: arguments(&item["arguments"]),
            }),
            "function_call_output" => turns.of(Role::User).results.push(ToolResult {
                call_id: string(&item["call_id"]),
                text: text_of(&item["output"]),
                is_error: false,
            }),
            _ => match item["role"].as_str() {
                Some("assistant") => turns.say(Role::Assistant, &item["content"]),
                Some("system" | "developer") => turns.say(Role::System, &item["content"]),
                _ => turns.say(Role::User, &item["content"]),
            },
        }
    }
    turns.0
}
