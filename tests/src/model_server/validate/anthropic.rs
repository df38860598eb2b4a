//! What Anthropic's Messages API wants of a conversation.

use std::collections::HashSet;

use serde_json::Value;

use super::{Allow, Check, Wire, raw};
use crate::model_server::sent::Block;

/// The vendor refuses more marks than these.
const CACHE_MARKS: usize = 4;

pub(super) fn check(check: &mut Check<'_>, counting: bool) {
    let body = check.body().clone();
    let max_tokens = body["max_tokens"].as_u64();
    check.must(counting || max_tokens.is_some(), "`max_tokens` is missing");
    if let (Some(budget), Some(max)) = (body["thinking"]["budget_tokens"].as_u64(), max_tokens) {
        check.must((1024..max).contains(&budget), "`budget_tokens` is not in 1024..max_tokens");
    }
    let marks = marks(&body);
    check.must(marks <= CACHE_MARKS, format!("{marks} cache marks, but {CACHE_MARKS} at most"));

    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    check.must(!messages.is_empty(), "there are no `messages`");
    for (n, message) in messages.iter().enumerate() {
        content(check, n, message);
    }
    let paused = turns(check);
    order(check, &messages, &paused);
    pairs(check, &messages);
    let used = messages.iter().any(|message| !ids(message, "tool_use", "id").is_empty());
    let offered = body["tools"].as_array().is_some_and(|tools| !tools.is_empty());
    check.must(!used || offered, "tools were used, but none are offered any more");
}

/// How many blocks are marked to be cached.
fn marks(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(marks).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| match name.as_str() {
                "cache_control" => usize::from(!value.is_null()),
                // What the model or a schema has in it is not ours to look into.
                "input" | "input_schema" => 0,
                _ => marks(value),
            })
            .sum(),
        _ => 0,
    }
}

fn content(check: &mut Check<'_>, n: usize, message: &Value) {
    let role = message["role"].as_str().unwrap_or_default();
    let known = matches!(role, "user" | "assistant" | "system");
    check.must(known, format!("message {n} has the role `{role}`"));
    let empty = match &message["content"] {
        Value::String(text) => text.is_empty(),
        Value::Array(blocks) => blocks.is_empty(),
        _ => true,
    };
    check.must(!empty, format!("message {n} has no content"));
    for block in message["content"].as_array().into_iter().flatten() {
        let kind = block["type"].as_str().unwrap_or_default();
        let blank = kind == "text" && block["text"].as_str().is_none_or(str::is_empty);
        check.must(!blank, format!("message {n} has an empty text block"));
        check.must(!kind.is_empty(), format!("message {n} has a block without a type"));
        let document = role == "assistant" && kind == "document";
        let cited = block["citations"].as_array().is_some_and(|list| !list.is_empty());
        let refused = document || (role == "user" && kind == "text" && cited);
        let newest = check.is_newest();
        check.must(!refused || !newest, format!("message {n}: a document or citations of no use"));
        if kind == "tool_use" {
            let object = block["input"].is_object();
            check.must(object, format!("message {n}: `input` is not an object: {block}"));
        }
    }
}

/// Roles alternate, from the user to the user; only a paused turn may stand last, or before more.
fn order(check: &mut Check<'_>, messages: &[Value], paused: &[bool]) {
    let roles: Vec<&str> =
        messages.iter().map(|m| m["role"].as_str().unwrap_or_default()).collect();
    let talk: Vec<&str> = roles.into_iter().filter(|role| *role != "system").collect();
    check.must(talk.first() == Some(&"user"), "the conversation does not begin with the user");
    let mut paused = paused.iter();
    for (n, role) in talk.iter().enumerate() {
        let goes_on = *role == "assistant" && *paused.next().unwrap_or(&false);
        let next = talk.get(n + 1);
        let fits = match next {
            Some(next) => next != role || goes_on,
            None => *role == "user" || goes_on || check.allows(Allow::ForeignTurns),
        };
        let otherwise = match next {
            Some(_) => format!("turns {n} and {} are both of the {role}", n + 1),
            None => "the conversation ends with an answer of the model".to_owned(),
        };
        check.must(fits, otherwise);
    }
}

/// Every answer of the model is one that it gave. Tells of each whether it was paused.
fn turns(check: &mut Check<'_>) -> Vec<bool> {
    let body = raw::fields(check.raw);
    let messages = body.get("messages").map(|m| raw::items(m.get())).unwrap_or_default();
    let mut turns = Vec::new();
    for message in messages {
        let fields = raw::fields(message.get());
        let (Some(role), Some(content)) = (fields.get("role"), fields.get("content")) else {
            continue;
        };
        if raw::string(role.get()).as_deref() == Some("assistant") {
            turns.push(match raw::string(content.get()) {
                Some(text) => vec![Block::new().text("type", "text").text("text", &text)],
                None => raw::items(content.get()).iter().map(|b| raw::block(b.get())).collect(),
            });
        }
    }
    let (wrong, paused) = check.sent.check(Wire::Anthropic, &turns);
    if check.knows_turns() {
        check.wrong.extend(wrong);
    }
    paused
}

fn ids(message: &Value, kind: &str, field: &str) -> Vec<String> {
    let blocks = message["content"].as_array().into_iter().flatten();
    let of_kind = blocks.filter(|block| block["type"] == kind);
    of_kind.map(|block| block[field].as_str().unwrap_or_default().to_owned()).collect()
}

/// Each tool call has one result, in the next turn, before anything else there.
fn pairs(check: &mut Check<'_>, messages: &[Value]) {
    let mut seen = HashSet::new();
    for (n, message) in messages.iter().enumerate() {
        let results = ids(message, "tool_result", "tool_use_id");
        let before = n.checked_sub(1).map(|n| ids(&messages[n], "tool_use", "id"));
        let called: HashSet<String> = before.unwrap_or_default().into_iter().collect();
        for id in &results {
            check.must(called.contains(id), format!("message {n}: no call for the result of {id}"));
        }
        let answered: HashSet<&String> = results.iter().collect();
        check.must(answered.len() == results.len(), format!("message {n} has a result twice"));
        for id in called.iter().filter(|id| !answered.contains(id)) {
            check.wrong.push(format!("message {n} lacks the result of {id}"));
        }
        let blocks = message["content"].as_array().into_iter().flatten();
        let first = blocks.take_while(|block| block["type"] == "tool_result").count();
        check.must(first == results.len(), format!("message {n} has results behind other blocks"));
        for id in ids(message, "tool_use", "id") {
            let last = n + 1 == messages.len();
            check.must(!last, format!("the call {id} has no result"));
            check.must(seen.insert(id.clone()), format!("the call {id} is there twice"));
        }
    }
}
