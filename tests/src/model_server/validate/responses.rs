//! What OpenAI's Responses want of a conversation that is not stored there.

use std::collections::HashSet;

use serde_json::Value;

use super::{Allow, Check, Wire, raw};
use crate::model_server::sent::Block;

const ENCRYPTED: &str = "reasoning.encrypted_content";

pub(super) fn check(check: &mut Check<'_>) {
    let body = check.body().clone();
    if !check.allows(Allow::Stored) {
        check.must(body["store"] == false, "`store` is not false: the conversation stays there");
        let mut include = body["include"].as_array().into_iter().flatten();
        let asked = include.any(|what| what == ENCRYPTED);
        check.must(asked, format!("`include` lacks {ENCRYPTED}: reasoning is lost"));
        for name in ["previous_response_id", "conversation"] {
            let absent = body[name].is_null();
            check.must(absent, format!("`{name}` names what is not stored"));
        }
    }
    let input = match &body["input"] {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    check.must(input, "there is no `input`");
    let items = body["input"].as_array().cloned().unwrap_or_default();
    for (n, item) in items.iter().enumerate() {
        let known = item["type"].is_string() || item["role"].is_string();
        check.must(known, format!("item {n} has neither a type nor a role: {item}"));
    }
    turns(check);
    pairs(check, &items);
}

/// An item of the model's, or nothing.
fn block(item: &str) -> Option<Block> {
    let value: Value = serde_json::from_str(item).ok()?;
    match value["type"].as_str().unwrap_or("message") {
        "reasoning" | "function_call" => Some(raw::block(item)),
        "message" if value["role"] == "assistant" => Some(message(&value)),
        _ => None,
    }
}

/// A message by its text, whether it came as a string or as parts.
fn message(value: &Value) -> Block {
    let parts = value["content"].as_array().into_iter().flatten();
    let text: String = parts.clone().filter_map(|part| part["text"].as_str()).collect();
    let refusal: String = parts.filter_map(|part| part["refusal"].as_str()).collect();
    let block = Block::new().text("type", "message").text("role", "assistant");
    match value["content"].as_str() {
        Some(text) => block.text("text", text),
        None if refusal.is_empty() => block.text("text", &text),
        None => block.text("refusal", &refusal),
    }
}

/// Every item of the model's is one that it gave, reasoning included and unchanged.
fn turns(check: &mut Check<'_>) {
    if !check.knows_turns() {
        return;
    }
    let body = raw::fields(check.raw);
    let items = body.get("input").map(|input| raw::items(input.get())).unwrap_or_default();
    let mut turns: Vec<Vec<Block>> = Vec::new();
    let mut goes_on = false;
    for item in items {
        match block(item.get()) {
            Some(block) if goes_on => turns.last_mut().expect("it goes on").push(block),
            Some(block) => turns.push(vec![block]),
            None => {}
        }
        goes_on = block(item.get()).is_some();
    }
    let (wrong, _) = check.sent.check(Wire::Responses, &turns);
    check.wrong.extend(wrong);
}

/// Each call has one output behind it.
fn pairs(check: &mut Check<'_>, items: &[Value]) {
    let mut open: HashSet<String> = HashSet::new();
    let mut seen = HashSet::new();
    for (n, item) in items.iter().enumerate() {
        let id = item["call_id"].as_str().unwrap_or_default().to_owned();
        match item["type"].as_str() {
            Some("function_call") => {
                check.must(seen.insert(id.clone()), format!("the call {id} is there twice"));
                open.insert(id);
            }
            Some("function_call_output") => {
                check.must(
                    open.remove(&id),
                    format!("item {n}: no open call for the output of {id}"),
                );
                let output = item["output"].is_string() || item["output"].is_array();
                check.must(output, format!("item {n} has no output"));
            }
            _ => {}
        }
    }
    for id in open {
        check.wrong.push(format!("the call {id} has no output"));
    }
}
