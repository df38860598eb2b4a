//! From a prompt to a request body.

use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::capability::Capabilities;
use crate::codec::{Outgoing, join, malformed, object_or_empty, raw_items};
use crate::contract::{AssistantTurn, ModelError, Prompt, ToolResult, ToolSchema, Turn, Wire};
use crate::history::{complete, portable_id};
use crate::http::{key_header, user_agent};
use crate::route::{ANTHROPIC, Route};

const VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'a str>,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    /// Marks the last block that can be cached; all before it is then read from the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
}

#[derive(Serialize)]
struct CacheControl {
    r#type: &'static str,
}

#[derive(Serialize)]
struct Thinking {
    r#type: &'static str,
    display: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Block<'a> {
    /// As the vendor gave it.
    Raw(&'a RawValue),
    Ours(Ours<'a>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Ours<'a> {
    Text {
        text: &'a str,
    },
    ToolResult {
        tool_use_id: String,
        content: &'a str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

/// Not in [`Ours`], because raw JSON cannot be written below a tag.
#[derive(Serialize)]
struct ToolUse<'a> {
    r#type: &'static str,
    id: String,
    name: &'a str,
    input: Box<RawValue>,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    description: &'a str,
    input_schema: &'a serde_json::Value,
}

pub fn encode(
    route: &Route,
    key: Option<&SecretString>,
    prompt: &Prompt,
) -> Result<Outgoing, ModelError> {
    let capabilities = Capabilities::of(route);
    let turns = complete(&prompt.turns);
    let foreign = foreign_blocks(&turns)?;
    let body = Body {
        model: &route.model,
        // A fallback has its own limit.
        max_tokens: prompt.max_tokens.min(route.max_tokens),
        stream: true,
        system: prompt.system.as_deref().filter(|s| !s.is_empty()),
        messages: messages(&turns, &foreign),
        tools: prompt.tools.iter().map(tool).collect(),
        // Others who speak this API may not know it at this place.
        cache_control: (route.vendor == ANTHROPIC).then_some(CacheControl { r#type: "ephemeral" }),
        thinking: capabilities
            .summarized_thinking
            .then_some(Thinking { r#type: "adaptive", display: "summarized" }),
        temperature: prompt.temperature.filter(|_| capabilities.temperature),
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("anthropic-version", VERSION);
    user_agent(&mut headers);
    if let Some(key) = key {
        headers.insert(HeaderName::from_static("x-api-key"), key_header("", key)?);
    }
    Ok(Outgoing {
        url: join(&route.base_url, "/v1/messages"),
        headers,
        body: serde_json::to_vec(&body).map_err(malformed)?,
    })
}

/// The calls of other wires' turns, in this wire's words, turn by turn.
fn foreign_blocks(turns: &[Turn]) -> Result<Vec<Vec<Box<RawValue>>>, ModelError> {
    let blocks = |turn: &Turn| match turn {
        Turn::Assistant(turn) if turn.wire != Wire::Anthropic => {
            let calls = turn.tool_calls.iter().map(|call| {
                serde_json::value::to_raw_value(&ToolUse {
                    r#type: "tool_use",
                    id: portable_id(&call.id),
                    name: &call.name,
                    input: object_or_empty(&call.arguments),
                })
            });
            calls.collect::<Result<Vec<_>, _>>().map_err(malformed)
        }
        _ => Ok(Vec::new()),
    };
    turns.iter().map(blocks).collect()
}

fn messages<'a>(turns: &'a [Turn], foreign: &'a [Vec<Box<RawValue>>]) -> Vec<Message<'a>> {
    let mut after_foreign = false;
    let mut messages: Vec<Message> = Vec::with_capacity(turns.len());
    for (turn, foreign) in turns.iter().zip(foreign) {
        let (role, content) = match turn {
            Turn::User { results, text } => ("user", user(results, text.as_deref(), after_foreign)),
            Turn::Assistant(turn) => {
                after_foreign = turn.wire != Wire::Anthropic;
                ("assistant", assistant(turn, foreign))
            }
        };
        match messages.last_mut() {
            // A turn without content is refused.
            _ if content.is_empty() => {}
            // What stood on both sides of one is one turn then.
            Some(Message { role: "user", content: before }) if role == "user" => {
                before.extend(content);
            }
            _ => messages.push(Message { role, content }),
        }
    }
    messages
}

fn user<'a>(
    results: &'a [ToolResult],
    text: Option<&'a str>,
    after_foreign: bool,
) -> Vec<Block<'a>> {
    let results = results.iter().map(|result| {
        let id = &result.call_id;
        Block::Ours(Ours::ToolResult {
            tool_use_id: if after_foreign { portable_id(id) } else { id.clone() },
            content: &result.output,
            is_error: result.is_error,
        })
    });
    let text = text.filter(|text| !text.is_empty()).map(|text| Block::Ours(Ours::Text { text }));
    results.chain(text).collect()
}

fn assistant<'a>(turn: &'a AssistantTurn, foreign: &'a [Box<RawValue>]) -> Vec<Block<'a>> {
    if turn.wire == Wire::Anthropic {
        let items = raw_items(&turn.raw).into_iter();
        return items.filter(|block| !is_empty_text(block)).map(Block::Raw).collect();
    }
    let text = Some(turn.text.as_str()).filter(|text| !text.trim().is_empty());
    let text = text.map(|text| Block::Ours(Ours::Text { text }));
    text.into_iter().chain(foreign.iter().map(|block| Block::Raw(block))).collect()
}

/// The vendor gives such blocks now and then, and refuses to have them back.
fn is_empty_text(block: &RawValue) -> bool {
    #[derive(serde::Deserialize)]
    struct Text<'a> {
        r#type: &'a str,
        text: &'a str,
    }
    serde_json::from_str::<Text>(block.get())
        .is_ok_and(|block| block.r#type == "text" && block.text.is_empty())
}

fn tool(tool: &ToolSchema) -> Tool<'_> {
    Tool { name: &tool.name, description: &tool.description, input_schema: &tool.input_schema }
}

#[cfg(test)]
#[path = "tests/request.rs"]
mod tests;
