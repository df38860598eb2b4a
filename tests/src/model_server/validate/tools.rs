//! The tools that are offered to the model.

use std::collections::HashSet;

use serde_json::Value;

use super::{Allow, Check, Wire};

pub(super) fn check(check: &mut Check<'_>) {
    let tools = check.body()["tools"].clone();
    let mut names = HashSet::new();
    check.must(tools.is_null() || tools.is_array(), "`tools` is not a list");
    for (n, tool) in tools.as_array().into_iter().flatten().enumerate() {
        let Some((name, schema)) = parts(check.request.wire, tool) else { continue };
        let Some(name) = name.as_str() else {
            check.wrong.push(format!("tool {n} has no name: {tool}"));
            continue;
        };
        let longest = if check.request.wire == Wire::Anthropic { 128 } else { 64 };
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let named = (1..=longest).contains(&name.len()) && name.chars().all(fits);
        check.must(named, format!("`{name}` is no name for a tool"));
        check.must(names.insert(name.to_owned()), format!("there are two tools `{name}`"));
        // Without parameters OpenAI takes an empty list of them.
        let absent = schema.is_null() && check.request.wire != Wire::Anthropic;
        let object = schema["type"] == "object";
        check.must(absent || object, format!("the schema of `{name}` is not an object: {schema}"));
        let properties = matches!(schema["properties"], Value::Null | Value::Object(_));
        check.must(properties, format!("`properties` of `{name}` is not an object"));
    }
    choice(check, &names);
}

/// Name and schema of a tool that the client itself runs.
fn parts(wire: Wire, tool: &Value) -> Option<(&Value, &Value)> {
    let kind = tool["type"].as_str();
    match wire {
        Wire::Anthropic if kind.is_none_or(|kind| kind == "custom") => {
            Some((&tool["name"], &tool["input_schema"]))
        }
        Wire::Chat if kind == Some("function") => {
            Some((&tool["function"]["name"], &tool["function"]["parameters"]))
        }
        Wire::Chat if kind != Some("custom") => Some((&Value::Null, &Value::Null)),
        Wire::Responses if kind == Some("function") => Some((&tool["name"], &tool["parameters"])),
        _ => None,
    }
}

/// A forced tool is refused by the newest models.
fn choice(check: &mut Check<'_>, names: &HashSet<String>) {
    let choice = check.body()["tool_choice"].clone();
    if choice.is_null() {
        return;
    }
    check.must(!names.is_empty(), "`tool_choice` without tools");
    let kind = choice.as_str().or_else(|| choice["type"].as_str()).unwrap_or_default().to_owned();
    let forced = matches!(kind.as_str(), "any" | "tool" | "required" | "function");
    let allowed = check.allows(Allow::ForcedTools);
    check.must(!forced || allowed, format!("`tool_choice` forces a tool: {choice}"));
}
