//! Answers of OpenAI's Responses API.

use super::json::{Obj, is_object};
use super::render::{CREATED, Call, Events, split};
use super::reply::{Part, StopReason, Usage};
use super::sent::Block;

fn refused(call: &Call<'_>) -> bool {
    call.turn.stop == Some(StopReason::Refusal)
}

/// What must come back: each item. Ids of messages and calls may be left out, as nothing is stored,
/// and arguments that are no object may be mended.
pub(super) fn blocks(call: &Call<'_>) -> Vec<Block> {
    let parts = call.turn.parts.iter().enumerate();
    parts
        .map(|(n, part)| match part {
            Part::Thinking(_) | Part::RedactedThinking => Block::new()
                .text("type", "reasoning")
                .text("id", &call.seed.item("rs", n))
                .json("summary", &serde_json::to_string(&summary(part)).expect("it is JSON"))
                .text("encrypted_content", &call.seed.encrypted_content(n))
                .free(&["status", "content"]),
            Part::Text(text) => {
                let name = if refused(call) { "refusal" } else { "text" };
                Block::new()
                    .text("type", "message")
                    .text("role", "assistant")
                    .text(name, text)
                    .text("id", &call.seed.item("msg", n))
                    .free(&["id", "status", "phase"])
            }
            Part::ToolCall { name, arguments } => Block::new()
                .text("type", "function_call")
                .text("call_id", &call.seed.call(n))
                .text("name", name)
                .text("arguments", arguments)
                .text("id", &call.seed.item("fc", n))
                .free(if is_object(arguments) {
                    &["id", "status"]
                } else {
                    &["id", "status", "arguments"]
                }),
        })
        .collect()
}

fn summary(part: &Part) -> Vec<Obj> {
    match part {
        Part::Thinking(text) => vec![Obj::of("summary_text").put("text", text)],
        _ => Vec::new(),
    }
}

/// Encrypted content is only for those who asked for it.
fn encrypted(call: &Call<'_>, n: usize) -> Option<String> {
    let include = call.request.body["include"].as_array().into_iter().flatten();
    let asked = include.into_iter().any(|what| what == "reasoning.encrypted_content");
    asked.then(|| call.seed.encrypted_content(n))
}

fn content_part(call: &Call<'_>, text: &str) -> Obj {
    if refused(call) {
        Obj::of("refusal").put("refusal", text)
    } else {
        Obj::of("output_text")
            .put_text("annotations", "[]")
            .put_text("logprobs", "[]")
            .put("text", text)
    }
}

fn item_id(call: &Call<'_>, n: usize, part: &Part) -> String {
    let kind = match part {
        Part::Thinking(_) | Part::RedactedThinking => "rs",
        Part::Text(_) => "msg",
        Part::ToolCall { .. } => "fc",
    };
    call.seed.item(kind, n)
}

/// An item as it is when it is added, or when it is done.
fn item(call: &Call<'_>, n: usize, part: &Part, done: bool) -> Obj {
    let status = if done { "completed" } else { "in_progress" };
    let id = item_id(call, n, part);
    match part {
        Part::Thinking(_) | Part::RedactedThinking => {
            let encrypted = encrypted(call, n);
            let summary = if done { summary(part) } else { Vec::new() };
            Obj::new()
                .put("id", id)
                .put("type", "reasoning")
                .put_if(encrypted.is_some(), "encrypted_content", encrypted)
                .put("summary", summary)
        }
        Part::Text(text) => {
            let content = if done { vec![content_part(call, text)] } else { Vec::new() };
            Obj::new()
                .put("id", id)
                .put("type", "message")
                .put("status", status)
                .put("content", content)
                .put("role", "assistant")
        }
        Part::ToolCall { name, arguments } => Obj::new()
            .put("id", id)
            .put("type", "function_call")
            .put("status", status)
            .put("arguments", if done { arguments.as_str() } else { "" })
            .put("call_id", call.seed.call(n))
            .put("name", name),
    }
}

fn usage(usage: Usage) -> Obj {
    let read = Obj::new()
        .put("cached_tokens", usage.cache_read)
        .put("cache_write_tokens", usage.cache_write + usage.cache_write_long);
    Obj::new()
        .put("input_tokens", usage.prompt())
        .put("input_tokens_details", read)
        .put("output_tokens", usage.output)
        .put("output_tokens_details", Obj::new().put("reasoning_tokens", usage.reasoning))
        .put("total_tokens", usage.prompt() + usage.output)
}

fn incomplete(call: &Call<'_>) -> Option<&'static str> {
    match call.turn.stop {
        Some(StopReason::MaxTokens) => Some("max_output_tokens"),
        Some(StopReason::ContentFilter) => Some("content_filter"),
        _ => None,
    }
}

/// The response itself, as it is at the beginning or at the end.
fn response(call: &Call<'_>, done: bool) -> Obj {
    let status = match (done, incomplete(call)) {
        (false, _) => "in_progress",
        (true, Some(_)) => "incomplete",
        (true, None) => "completed",
    };
    let parts = call.turn.parts.iter().enumerate().filter(|_| done);
    let output: Vec<Obj> = parts.map(|(n, part)| item(call, n, part, true)).collect();
    let reason = incomplete(call).filter(|_| done).map(|reason| Obj::new().put("reason", reason));
    let body = &call.request.body;
    Obj::new()
        .put("id", call.seed.response())
        .put("object", "response")
        .put("created_at", CREATED)
        .put("status", status)
        .put("background", false)
        .null("error")
        .put("incomplete_details", reason)
        .put("instructions", &body["instructions"])
        .put("max_output_tokens", &body["max_output_tokens"])
        .put("model", call.model())
        .put("output", output)
        .put("parallel_tool_calls", body["parallel_tool_calls"] != false)
        .null("previous_response_id")
        .put("reasoning", &body["reasoning"])
        .put("service_tier", if done { "default" } else { "auto" })
        .put("store", body["store"] != false)
        .put("temperature", 1.0)
        .put("text", Obj::new().put("format", Obj::of("text")).put("verbosity", "medium"))
        .put("tool_choice", "auto")
        .put("tools", body["tools"].as_array().cloned().unwrap_or_default())
        .put("top_p", 1.0)
        .put("truncation", "disabled")
        .put("usage", done.then(|| usage(call.turn.usage)))
        .put_text("metadata", "{}")
}

pub(super) fn whole(call: &Call<'_>) -> String {
    response(call, true).text()
}

/// Numbers the events of one stream.
struct Writer<'a> {
    call: &'a Call<'a>,
    events: Events,
    sequence: usize,
}

impl Writer<'_> {
    fn write(&mut self, kind: &str, fields: impl FnOnce(Obj) -> Obj) -> String {
        let data = fields(Obj::of(kind).put("sequence_number", self.sequence));
        self.sequence += 1;
        format!("event: {kind}\ndata: {}\n\n", data.text())
    }

    fn event(&mut self, kind: &str, fields: impl FnOnce(Obj) -> Obj) {
        let text = self.write(kind, fields);
        self.events.event(text);
    }

    fn delta(&mut self, kind: &str, fields: impl FnOnce(Obj) -> Obj) {
        let text = self.write(kind, fields);
        self.events.delta(text);
    }

    fn part(&mut self, n: usize, part: &Part) {
        let call = self.call;
        let added = item(call, n, part, false);
        self.event("response.output_item.added", |o| o.put("output_index", n).put("item", added));
        let id = item_id(call, n, part);
        match part {
            Part::Thinking(text) => self.thinking(n, &id, text),
            Part::RedactedThinking => {}
            Part::Text(text) => self.text(n, &id, text),
            Part::ToolCall { name, arguments } => self.arguments(n, &id, name, arguments),
        }
        let done = item(call, n, part, true);
        self.event("response.output_item.done", |o| o.put("output_index", n).put("item", done));
    }

    fn thinking(&mut self, n: usize, id: &str, text: &str) {
        let at = |o: Obj| o.put("item_id", id).put("output_index", n).put("summary_index", 0);
        let part = |text: &str| Obj::of("summary_text").put("text", text);
        self.event("response.reasoning_summary_part.added", |o| at(o).put("part", part("")));
        for piece in split(text, self.call.turn.deltas) {
            self.delta("response.reasoning_summary_text.delta", |o| at(o).put("delta", piece));
        }
        self.event("response.reasoning_summary_text.done", |o| at(o).put("text", text));
        self.event("response.reasoning_summary_part.done", |o| at(o).put("part", part(text)));
    }

    fn text(&mut self, n: usize, id: &str, text: &str) {
        let call = self.call;
        let at = |o: Obj| o.put("item_id", id).put("output_index", n).put("content_index", 0);
        let refused = refused(call);
        let kind = if refused { "response.refusal" } else { "response.output_text" };
        // A refusal has no log probabilities.
        let whole = |o: Obj, name: &str, text: &str| {
            let o = at(o).put(name, text);
            if refused { o } else { o.put_text("logprobs", "[]") }
        };
        let empty = content_part(call, "");
        self.event("response.content_part.added", |o| at(o).put("part", empty));
        for piece in split(text, call.turn.deltas) {
            self.delta(&format!("{kind}.delta"), |o| whole(o, "delta", &piece));
        }
        let name = if refused { "refusal" } else { "text" };
        self.event(&format!("{kind}.done"), |o| whole(o, name, text));
        let part = content_part(call, text);
        self.event("response.content_part.done", |o| at(o).put("part", part));
    }

    fn arguments(&mut self, n: usize, id: &str, name: &str, arguments: &str) {
        let at = |o: Obj| o.put("item_id", id).put("output_index", n);
        for piece in split(arguments, self.call.turn.deltas) {
            self.delta("response.function_call_arguments.delta", |o| at(o).put("delta", piece));
        }
        self.event("response.function_call_arguments.done", |o| {
            at(o).put("name", name).put("arguments", arguments)
        });
    }
}

pub(super) fn stream(call: &Call<'_>) -> Events {
    let mut writer = Writer { call, events: Events::default(), sequence: 0 };
    writer.event("response.created", |o| o.put("response", response(call, false)));
    writer.event("response.in_progress", |o| o.put("response", response(call, false)));
    for (n, part) in call.turn.parts.iter().enumerate() {
        writer.part(n, part);
    }
    let end = match incomplete(call) {
        Some(_) => "response.incomplete",
        None => "response.completed",
    };
    writer.event(end, |o| o.put("response", response(call, true)));
    writer.events
}
