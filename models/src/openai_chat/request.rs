//! From a prompt to a request body.

use std::borrow::Cow;

use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::value::RawValue;

use super::stream::Call;
use crate::capability::Capabilities;
use crate::codec::{Outgoing, join, malformed, raw_items};
use crate::contract::{AssistantTurn, ModelError, Prompt, ToolSchema, Turn, Wire};
use crate::history::{complete, portable_id};
use crate::http::{key_header, user_agent};
use crate::route::{OPENAI, Route};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    stream: bool,
    stream_options: StreamOptions,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    /// The old name, the only one that many gateways know.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    /// OpenRouter: say what it cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<IncludeUsage>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
    /// Padding against listeners who count bytes; on by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    include_obfuscation: Option<bool>,
}

#[derive(Serialize)]
struct IncludeUsage {
    include: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Message<'a> {
    /// As the vendor gave it.
    Raw(&'a RawValue),
    Text {
        role: &'static str,
        content: &'a str,
    },
    Calls {
        role: &'static str,
        content: Option<&'a str>,
        tool_calls: Vec<Call<'a>>,
    },
    Result {
        role: &'static str,
        tool_call_id: String,
        content: &'a str,
    },
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a serde_json::Value,
}

pub fn encode(
    route: &Route,
    key: Option<&SecretString>,
    prompt: &Prompt,
) -> Result<Outgoing, ModelError> {
    let capabilities = Capabilities::of(route);
    let at_openai = route.vendor == OPENAI;
    let at_openrouter = route.vendor == "openrouter.ai" || route.vendor.ends_with(".openrouter.ai");
    let turns = complete(&prompt.turns);
    let limit = prompt.max_tokens.min(route.max_tokens);
    // The windows of a gateway's models are unknown here: a limit that nobody set may not fit.
    let said = !route.max_tokens_by_default || prompt.max_tokens < route.max_tokens;
    let body = Body {
        model: &route.model,
        stream: true,
        stream_options: StreamOptions {
            include_usage: true,
            include_obfuscation: at_openai.then_some(false),
        },
        messages: messages(prompt.system.as_deref(), &turns),
        tools: prompt.tools.iter().map(tool).collect(),
        max_completion_tokens: at_openai.then_some(limit),
        max_tokens: (!at_openai && said).then_some(limit),
        temperature: prompt.temperature.filter(|_| capabilities.temperature),
        prompt_cache_key: prompt.cache_key.as_deref().filter(|_| at_openai),
        usage: at_openrouter.then_some(IncludeUsage { include: true }),
    };
    Ok(Outgoing {
        url: join(&route.base_url, "/chat/completions"),
        headers: headers(key)?,
        body: serde_json::to_vec(&body).map_err(malformed)?,
    })
}

/// Of both APIs of OpenAI.
pub fn headers(key: Option<&SecretString>) -> Result<HeaderMap, ModelError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    user_agent(&mut headers);
    if let Some(key) = key {
        headers.insert(AUTHORIZATION, key_header("Bearer ", key)?);
    }
    Ok(headers)
}

fn messages<'a>(system: Option<&'a str>, turns: &'a [Turn]) -> Vec<Message<'a>> {
    let system = system.filter(|text| !text.is_empty());
    let system = system.map(|content| Message::Text { role: "system", content });
    let mut messages: Vec<Message> = system.into_iter().collect();
    let mut after_foreign = false;
    for turn in turns {
        match turn {
            Turn::User { results, text } => {
                messages.extend(results.iter().map(|result| Message::Result {
                    role: "tool",
                    tool_call_id: match after_foreign {
                        true => portable_id(&result.call_id),
                        false => result.call_id.clone(),
                    },
                    content: &result.output,
                }));
                let text = text.as_deref().filter(|text| !text.is_empty());
                messages.extend(text.map(|content| Message::Text { role: "user", content }));
            }
            Turn::Assistant(turn) if turn.wire == Wire::OpenaiChat => {
                after_foreign = false;
                messages.extend(raw_items(&turn.raw).into_iter().map(Message::Raw));
            }
            Turn::Assistant(turn) => {
                after_foreign = true;
                messages.extend(foreign(turn));
            }
        }
    }
    messages
}

fn foreign(turn: &AssistantTurn) -> Option<Message<'_>> {
    let text = Some(turn.text.as_str()).filter(|text| !text.is_empty());
    if turn.tool_calls.is_empty() {
        return text.map(|content| Message::Text { role: "assistant", content });
    }
    let calls = turn.tool_calls.iter();
    let tool_calls = calls.map(|call| Call::new(Cow::Owned(portable_id(&call.id)), call)).collect();
    Some(Message::Calls { role: "assistant", content: text, tool_calls })
}

fn tool(tool: &ToolSchema) -> Tool<'_> {
    let ToolSchema { name, description, input_schema } = tool;
    let function = Function { name, description, parameters: input_schema };
    Tool { r#type: "function", function }
}

#[cfg(test)]
#[path = "tests/request.rs"]
mod tests;
