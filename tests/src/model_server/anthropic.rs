//! Answers of Anthropic's Messages API.

use super::json::{Obj, is_object, raw};
use super::render::{Call, Events, split};
use super::reply::{Part, StopReason, Usage};
use super::sent::Block;

/// A client's tool call is one that the model makes directly.
const CALLER: &str = r#"{"type":"direct"}"#;

fn input(arguments: &str) -> &str {
    match arguments {
        text if is_object(text) => text,
        // Without streaming there is no way to say what is not JSON.
        _ => "{}",
    }
}

/// What must come back of this turn.
pub(super) fn blocks(call: &Call<'_>) -> Vec<Block> {
    let parts = call.turn.parts.iter().enumerate();
    parts
        .map(|(n, part)| match part {
            Part::Text(text) => Block::new()
                .text("type", "text")
                .text("text", text)
                .free(&["cache_control", "citations"]),
            Part::Thinking(text) => Block::new()
                .text("type", "thinking")
                .text("thinking", text)
                .text("signature", &call.seed.signature(n)),
            Part::RedactedThinking => {
                Block::new().text("type", "redacted_thinking").text("data", &call.seed.signature(n))
            }
            Part::ToolCall { name, arguments } => {
                let block = Block::new()
                    .text("type", "tool_use")
                    .text("id", &call.seed.tool_use(n))
                    .text("name", name)
                    .json("caller", CALLER)
                    .free(&["cache_control"]);
                match arguments.as_str() {
                    "" => block.json("input", "{}"),
                    text if is_object(text) => block.json("input", text),
                    // What was no object has to come back as some object.
                    _ => block.json("input", "{}").free(&["input"]),
                }
            }
        })
        .collect()
}

/// A block as it is in a whole message, or as it is when it is started.
fn block(call: &Call<'_>, n: usize, part: &Part, started: bool) -> Obj {
    let filled = |text: &str| if started { String::new() } else { text.to_owned() };
    let signature = call.seed.signature(n);
    match part {
        Part::Text(text) => Obj::of("text").put("text", filled(text)),
        Part::Thinking(text) => {
            Obj::of("thinking").put("thinking", filled(text)).put("signature", filled(&signature))
        }
        Part::RedactedThinking => Obj::of("redacted_thinking").put("data", signature),
        Part::ToolCall { name, arguments } => Obj::of("tool_use")
            .put("id", call.seed.tool_use(n))
            .put("name", name)
            .put_text("input", if started { "{}" } else { input(arguments) })
            .put_text("caller", CALLER),
    }
}

fn stop_reason(call: &Call<'_>) -> &'static str {
    let tools = call.turn.parts.iter().any(|part| matches!(part, Part::ToolCall { .. }));
    match call.turn.stop {
        None if tools => "tool_use",
        None | Some(StopReason::End) => "end_turn",
        Some(StopReason::StopSequence) => "stop_sequence",
        Some(StopReason::MaxTokens) => "max_tokens",
        Some(StopReason::Refusal | StopReason::ContentFilter) => "refusal",
        Some(StopReason::PauseTurn) => "pause_turn",
        Some(StopReason::ContextWindowExceeded) => "model_context_window_exceeded",
    }
}

/// `stop_reason` and what belongs to it.
fn stop(call: &Call<'_>, object: Obj) -> Obj {
    let reason = stop_reason(call);
    let object = object.put("stop_reason", reason).null("stop_sequence");
    if reason != "refusal" {
        return object.null("stop_details");
    }
    let explanation = "This request was declined.";
    let details = Obj::of("refusal").put("category", "cyber").put("explanation", explanation);
    object.put("stop_details", details)
}

fn usage(usage: Usage, output: u64) -> Obj {
    let written = Obj::new()
        .put("ephemeral_5m_input_tokens", usage.cache_write)
        .put("ephemeral_1h_input_tokens", usage.cache_write_long);
    Obj::new()
        .put("input_tokens", usage.input)
        .put("cache_creation_input_tokens", usage.cache_write + usage.cache_write_long)
        .put("cache_read_input_tokens", usage.cache_read)
        .put("cache_creation", written)
        .put("output_tokens", output)
        .put("service_tier", "standard")
        .put("inference_geo", "not_available")
}

/// The usage at the end counts from the beginning.
fn cumulative(usage: Usage) -> Obj {
    Obj::new()
        .put("input_tokens", usage.input)
        .put("cache_creation_input_tokens", usage.cache_write + usage.cache_write_long)
        .put("cache_read_input_tokens", usage.cache_read)
        .put("output_tokens", usage.output)
        .put("output_tokens_details", Obj::new().put("thinking_tokens", usage.reasoning))
}

fn message(call: &Call<'_>) -> Obj {
    Obj::new()
        .put("model", call.model())
        .put("id", call.seed.message())
        .put("type", "message")
        .put("role", "assistant")
}

pub(super) fn whole(call: &Call<'_>) -> String {
    let parts = call.turn.parts.iter().enumerate();
    let content: Vec<Obj> = parts.map(|(n, part)| block(call, n, part, false)).collect();
    let details = Obj::new().put("thinking_tokens", call.turn.usage.reasoning);
    let counted = usage(call.turn.usage, call.turn.usage.output);
    stop(call, message(call).put("content", content))
        .put("usage", counted.put("output_tokens_details", details))
        .text()
}

fn event(name: &str, data: &Obj) -> String {
    format!("event: {name}\ndata: {}\n\n", data.text())
}

pub(super) fn stream(call: &Call<'_>) -> Events {
    let mut events = Events::default();
    let open = message(call)
        .put_text("content", "[]")
        .null("stop_reason")
        .null("stop_sequence")
        .null("stop_details")
        .put("usage", usage(call.turn.usage, 1));
    events.event(event("message_start", &Obj::of("message_start").put("message", open)));
    for (n, part) in call.turn.parts.iter().enumerate() {
        let start = Obj::of("content_block_start").put("index", n);
        let start = start.put("content_block", block(call, n, part, true));
        events.event(event("content_block_start", &start));
        if n == 0 {
            events.event(event("ping", &Obj::of("ping")));
        }
        deltas(call, n, part, &mut events);
        let stop = Obj::of("content_block_stop").put("index", n);
        events.event(event("content_block_stop", &stop));
    }
    let end = Obj::of("message_delta").put("delta", stop(call, Obj::new()));
    let end = end.put("usage", cumulative(call.turn.usage));
    events.event(event("message_delta", &end));
    events.event(event("message_stop", &Obj::of("message_stop")));
    events
}

fn deltas(call: &Call<'_>, n: usize, part: &Part, events: &mut Events) {
    let delta = |delta: Obj| {
        let data = Obj::of("content_block_delta").put("index", n).put("delta", delta);
        event("content_block_delta", &data)
    };
    let pieces = |text: &str| split(text, call.turn.deltas);
    match part {
        Part::Text(text) => {
            for piece in pieces(text) {
                events.delta(delta(Obj::of("text_delta").put("text", piece)));
            }
        }
        Part::Thinking(text) => {
            for piece in pieces(text) {
                events.delta(delta(Obj::of("thinking_delta").put("thinking", piece)));
            }
            let signature = Obj::of("signature_delta").put("signature", call.seed.signature(n));
            events.event(delta(signature));
        }
        Part::RedactedThinking => {}
        Part::ToolCall { arguments, .. } => {
            let json = |piece: &str| delta(Obj::of("input_json_delta").put("partial_json", piece));
            // The vendor always begins with an empty one.
            events.event(json(""));
            for piece in pieces(arguments) {
                events.delta(json(&piece));
            }
        }
    }
}

/// `GET /v1/models`
pub(super) fn models(names: &[String]) -> String {
    let model = |name: &String| {
        Obj::of("model")
            .put("id", name)
            .put("display_name", name)
            .put("created_at", "2026-01-01T00:00:00Z")
    };
    let data: Vec<Obj> = names.iter().map(model).collect();
    Obj::new()
        .put("data", data)
        .put("has_more", false)
        .put("first_id", names.first())
        .put("last_id", names.last())
        .text()
}

/// `POST /v1/messages/count_tokens`: four bytes of the prompt are a token.
pub(super) fn token_count(body: &serde_json::Value) -> String {
    let length = |part: &str| body.get(part).map_or(0, |value| value.to_string().len());
    let bytes = length("system") + length("messages") + length("tools");
    Obj::new().put("input_tokens", raw((bytes / 4).max(1).to_string())).text()
}
