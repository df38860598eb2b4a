//! From a prompt to a request body.

use secrecy::SecretString;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::capability::Capabilities;
use crate::codec::{Outgoing, join, malformed, object_or_empty, raw_items};
use crate::contract::{AssistantTurn, ModelError, Prompt, ToolSchema, Turn, Wire};
use crate::history::{complete, portable_id};
use crate::openai_chat;
use crate::route::Route;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    stream: bool,
    stream_options: StreamOptions,
    store: bool,
    /// What cannot be looked up at OpenAI has to come along.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    max_output_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_obfuscation: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Item<'a> {
    /// As the vendor gave it.
    Raw(&'a RawValue),
    Message {
        role: &'static str,
        content: &'a str,
    },
    Call {
        r#type: &'static str,
        call_id: String,
        name: &'a str,
        arguments: String,
    },
    Output {
        r#type: &'static str,
        call_id: String,
        output: &'a str,
    },
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    name: &'a str,
    description: &'a str,
    parameters: &'a serde_json::Value,
    /// On by default, which only takes a subset of JSON Schema.
    strict: bool,
}

pub fn encode(
    route: &Route,
    key: Option<&SecretString>,
    prompt: &Prompt,
) -> Result<Outgoing, ModelError> {
    let capabilities = Capabilities::of(route);
    let turns = complete(&prompt.turns);
    let include = match capabilities.encrypted_reasoning {
        true => vec!["reasoning.encrypted_content"],
        false => Vec::new(),
    };
    let body = Body {
        model: &route.model,
        stream: true,
        stream_options: StreamOptions { include_obfuscation: false },
        store: false,
        include,
        instructions: prompt.system.as_deref().filter(|s| !s.is_empty()),
        input: input(&turns),
        tools: prompt.tools.iter().map(tool).collect(),
        max_output_tokens: prompt.max_tokens.min(route.max_tokens).max(MIN_OUTPUT),
        temperature: prompt.temperature.filter(|_| capabilities.temperature),
        prompt_cache_key: prompt.cache_key.as_deref(),
    };
    Ok(Outgoing {
        url: join(&route.base_url, "/responses"),
        headers: openai_chat::headers(key)?,
        body: serde_json::to_vec(&body).map_err(malformed)?,
    })
}

/// Less is refused.
const MIN_OUTPUT: u32 = 16;

fn input(turns: &[Turn]) -> Vec<Item<'_>> {
    let mut items = Vec::with_capacity(turns.len());
    let mut after_foreign = false;
    for turn in turns {
        match turn {
            Turn::User { results, text } => {
                items.extend(results.iter().map(|result| Item::Output {
                    r#type: "function_call_output",
                    call_id: match after_foreign {
                        true => portable_id(&result.call_id),
                        false => result.call_id.clone(),
                    },
                    output: &result.output,
                }));
                let text = text.as_deref().filter(|text| !text.is_empty());
                items.extend(text.map(|content| Item::Message { role: "user", content }));
            }
            Turn::Assistant(turn) if turn.wire == Wire::OpenaiResponses => {
                after_foreign = false;
                items.extend(raw_items(&turn.raw).into_iter().map(Item::Raw));
            }
            Turn::Assistant(turn) => {
                after_foreign = true;
                foreign(turn, &mut items);
            }
        }
    }
    items
}

fn foreign<'a>(turn: &'a AssistantTurn, items: &mut Vec<Item<'a>>) {
    if !turn.text.is_empty() {
        items.push(Item::Message { role: "assistant", content: &turn.text });
    }
    items.extend(turn.tool_calls.iter().map(|call| Item::Call {
        r#type: "function_call",
        call_id: portable_id(&call.id),
        name: &call.name,
        arguments: object_or_empty(&call.arguments).get().to_owned(),
    }));
}

fn tool(tool: &ToolSchema) -> Tool<'_> {
    let ToolSchema { name, description, input_schema } = tool;
    Tool { r#type: "function", name, description, parameters: input_schema, strict: false }
}

#[cfg(test)]
#[path = "tests/request.rs"]
mod tests;
