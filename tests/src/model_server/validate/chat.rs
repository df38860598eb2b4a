//! What OpenAI's Chat Completions want of a conversation.

use std::collections::HashSet;

use serde_json::Value;

use super::{Allow, Check, Wire};
use crate::model_server::sent::Block;

const ROLES: &[&str] = &["developer", "system", "user", "assistant", "tool"];

pub(super) fn check(check: &mut Check<'_>) {
    let body = check.body().clone();
    let options = &body["stream_options"];
    if body["stream"] == true {
        let asked = options["include_usage"] == true || check.allows(Allow::NoUsage);
        check.must(asked, "a stream without `stream_options.include_usage`: nobody will be billed");
    } else {
        check.must(options.is_null(), "`stream_options` without `stream`");
    }
    let both = !body["max_tokens"].is_null() && !body["max_completion_tokens"].is_null();
    check.must(!both, "`max_tokens` and `max_completion_tokens` at once");
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    check.must(!messages.is_empty(), "there are no `messages`");
    for (n, message) in messages.iter().enumerate() {
        content(check, n, message);
    }
    let last = messages.last().map(|message| message["role"] == "assistant");
    let fits = last != Some(true) || check.allows(Allow::ForeignTurns);
    check.must(fits, "the conversation ends with an answer of the model");
    turns(check, &messages);
    pairs(check, &messages);
}

fn content(check: &mut Check<'_>, n: usize, message: &Value) {
    let role = message["role"].as_str().unwrap_or_default();
    check.must(ROLES.contains(&role), format!("message {n} has the role `{role}`"));
    let called = message["tool_calls"].as_array().is_some_and(|calls| !calls.is_empty());
    let there = match &message["content"] {
        Value::String(_) => true,
        Value::Array(parts) => !parts.is_empty(),
        _ => role == "assistant" && (called || message["refusal"].is_string()),
    };
    check.must(there, format!("message {n} has no content"));
    let list = message["tool_calls"].is_null() || called;
    check.must(list, format!("message {n}: `tool_calls` is an empty list"));
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let whole = call["type"] == "function"
            && call["id"].as_str().is_some_and(|id| !id.is_empty())
            && call["function"]["name"].is_string()
            && call["function"]["arguments"].is_string();
        check.must(whole, format!("message {n} has a call that is not whole: {call}"));
    }
}

/// The text of `content` or of `refusal`.
fn text(message: &Value) -> Option<String> {
    let content = match &message["content"] {
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            texts.concat()
        }
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    let refusal = message["refusal"].as_str().unwrap_or_default();
    Some(content + refusal).filter(|text| !text.is_empty())
}

fn blocks(message: &Value) -> Vec<Block> {
    let text = text(message).map(|text| Block::new().text("type", "text").text("text", &text));
    let calls = message["tool_calls"].as_array().into_iter().flatten().map(|call| {
        let field = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Block::new()
            .text("type", &field(&call["type"]))
            .text("name", &field(&call["function"]["name"]))
            .text("arguments", &field(&call["function"]["arguments"]))
            .text("id", &field(&call["id"]))
    });
    text.into_iter().chain(calls).collect()
}

fn turns(check: &mut Check<'_>, messages: &[Value]) {
    if check.knows_turns() {
        let own = messages.iter().filter(|message| message["role"] == "assistant");
        let turns: Vec<Vec<Block>> = own.map(blocks).collect();
        let (wrong, _) = check.sent.check(Wire::Chat, &turns);
        check.wrong.extend(wrong);
    }
}

/// Each call has one `tool` message, before anything else comes.
fn pairs(check: &mut Check<'_>, messages: &[Value]) {
    let mut open: HashSet<String> = HashSet::new();
    let mut seen = HashSet::new();
    for (n, message) in messages.iter().enumerate() {
        if message["role"] == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            check
                .must(open.remove(id), format!("message {n}: no open call for the result of {id}"));
            continue;
        }
        for id in open.drain() {
            check.wrong.push(format!("message {n} comes before the result of {id}"));
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let id = call["id"].as_str().unwrap_or_default().to_owned();
            check.must(seen.insert(id.clone()), format!("the call {id} is there twice"));
            open.insert(id);
        }
    }
    for id in open {
        check.wrong.push(format!("the call {id} has no result"));
    }
}
