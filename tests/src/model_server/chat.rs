//! Answers of OpenAI's Chat Completions, and of gateways that nearly speak it.

use super::Quirk;
use super::json::{Obj, is_object};
use super::render::{CREATED, Call, Events, split};
use super::reply::{Part, StopReason, Usage};
use super::sent::Block;

const FINGERPRINT: &str = "fp_theazo0001";
/// What the vendor calls a refusal's text.
const DECLINED: &str = "I'm sorry, but I can't help with that.";

fn has(call: &Call<'_>, quirk: Quirk) -> bool {
    call.turn.quirks.contains(&quirk)
}

/// All text of the turn: there is only one `content`.
fn content(call: &Call<'_>) -> Option<String> {
    let text = call.turn.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        _ => None,
    });
    text.fold(None, |all, text| Some(all.unwrap_or_default() + text))
}

fn thoughts(call: &Call<'_>) -> Option<(&'static str, String)> {
    let field = if has(call, Quirk::ReasoningContent) {
        "reasoning_content"
    } else if has(call, Quirk::Reasoning) {
        "reasoning"
    } else {
        return None;
    };
    let thoughts = call.turn.parts.iter().filter_map(|part| match part {
        Part::Thinking(text) => Some(text.as_str()),
        _ => None,
    });
    let text: String = thoughts.collect();
    (!text.is_empty()).then_some((field, text))
}

/// The calls, with their place among the parts, which makes their id.
fn calls<'a>(call: &'a Call<'_>) -> impl Iterator<Item = (usize, &'a str, &'a str)> {
    call.turn.parts.iter().enumerate().filter_map(|(n, part)| match part {
        Part::ToolCall { name, arguments } => Some((n, name.as_str(), arguments.as_str())),
        _ => None,
    })
}

/// What must come back: the text, then each call. Arguments that are no object may be mended: many
/// gateways refuse to have them back.
pub(super) fn blocks(call: &Call<'_>) -> Vec<Block> {
    let text = content(call).map(|text| Block::new().text("type", "text").text("text", &text));
    let tools = calls(call).map(|(n, name, arguments)| {
        let mut free = Vec::new();
        if has(call, Quirk::NoCallId) {
            free.push("id");
        }
        if !is_object(arguments) {
            free.push("arguments");
        }
        Block::new()
            .text("type", "function")
            .text("name", name)
            .text("arguments", arguments)
            .text("id", &call.seed.call(n))
            .free(&free)
    });
    text.into_iter().chain(tools).collect()
}

fn finish_reason(call: &Call<'_>) -> &'static str {
    match call.turn.stop {
        None if calls(call).next().is_some() => "tool_calls",
        Some(StopReason::MaxTokens) => "length",
        Some(StopReason::ContentFilter) => "content_filter",
        _ => "stop",
    }
}

fn usage(call: &Call<'_>, usage: Usage) -> Obj {
    let prompt = usage.prompt();
    let read = Obj::new()
        .put("cached_tokens", usage.cache_read)
        .put("cache_write_tokens", usage.cache_write + usage.cache_write_long)
        .put("audio_tokens", 0);
    let made = Obj::new()
        .put("reasoning_tokens", usage.reasoning)
        .put("audio_tokens", 0)
        .put("accepted_prediction_tokens", 0)
        .put("rejected_prediction_tokens", 0);
    Obj::new()
        .put("prompt_tokens", prompt)
        .put("completion_tokens", usage.output)
        .put("total_tokens", prompt + usage.output)
        .put("prompt_tokens_details", read)
        .put("completion_tokens_details", made)
        .put_if(has(call, Quirk::Cost), "cost", 0.0123)
}

fn function(name: &str, arguments: &str) -> Obj {
    Obj::new().put("name", name).put("arguments", arguments)
}

/// `id` and `type` of a call.
fn call_head(call: &Call<'_>, n: usize, object: Obj) -> Obj {
    object.put_if(!has(call, Quirk::NoCallId), "id", call.seed.call(n)).put_if(
        !has(call, Quirk::NoCallType),
        "type",
        "function",
    )
}

fn head(call: &Call<'_>, object: &str) -> Obj {
    Obj::new()
        .put("id", call.seed.chat_completion())
        .put("object", object)
        .put("created", CREATED)
        .put("model", call.model())
}

pub(super) fn whole(call: &Call<'_>) -> String {
    let tools = calls(call).map(|(n, name, arguments)| {
        call_head(call, n, Obj::new()).put("function", function(name, arguments))
    });
    let tools: Vec<Obj> = tools.collect();
    let refused = call.turn.stop == Some(StopReason::Refusal);
    let refusal = refused.then(|| content(call).unwrap_or_else(|| DECLINED.to_owned()));
    let text = if refused { None } else { content(call) };
    let mut message = Obj::new().put("role", "assistant").put("content", text);
    if let Some((field, text)) = thoughts(call) {
        message = message.put(field, text);
    }
    let message = message.put_if(!tools.is_empty(), "tool_calls", tools);
    let message = message.put("refusal", refusal).put_text("annotations", "[]");
    let choice = Obj::new()
        .put("index", 0)
        .put("message", message)
        .null("logprobs")
        .put("finish_reason", finish_reason(call));
    let answer = head(call, "chat.completion").put("choices", [choice]);
    let answer = match (has(call, Quirk::NoUsage), has(call, Quirk::NullUsage)) {
        (true, _) => answer,
        (false, true) => answer.null("usage"),
        (false, false) => answer.put("usage", usage(call, call.turn.usage)),
    };
    answer.put("service_tier", "default").put("system_fingerprint", FINGERPRINT).text()
}

/// Writes the chunks of one stream.
struct Writer<'a> {
    call: &'a Call<'a>,
    events: Events,
    /// Chunks so far.
    written: usize,
    asked_usage: bool,
    obfuscated: bool,
}

impl Writer<'_> {
    fn chunk(&mut self, choices: &[Obj], usage: Option<Obj>) -> String {
        let data = head(self.call, "chat.completion.chunk")
            .put("service_tier", "default")
            .put("system_fingerprint", FINGERPRINT)
            .put("choices", choices);
        let data = match usage {
            Some(usage) => data.put("usage", usage),
            None => data.put_if(self.asked_usage, "usage", None::<()>),
        };
        self.written += 1;
        let padding = self.call.seed.obfuscation(self.written);
        frame(self.call, &data.put_if(self.obfuscated, "obfuscation", padding))
    }

    fn choice(&mut self, delta: Obj, finish: Option<&str>) -> String {
        let choice = Obj::new()
            .put("index", 0)
            .put("delta", delta)
            .null("logprobs")
            .put("finish_reason", finish);
        let growing = has(self.call, Quirk::UsageInEveryChunk).then(|| {
            let output = self.call.turn.usage.output.min(self.written as u64);
            usage(self.call, Usage { output, ..self.call.turn.usage })
        });
        self.chunk(&[choice], growing)
    }

    fn delta(&mut self, delta: Obj) {
        let text = self.choice(delta, None);
        self.events.delta(text);
    }

    fn texts(&mut self) {
        let deltas = self.call.turn.deltas;
        if let Some((field, text)) = thoughts(self.call) {
            for piece in split(&text, deltas) {
                self.delta(Obj::new().put(field, piece));
            }
        }
        let refused = self.call.turn.stop == Some(StopReason::Refusal);
        let (field, text) = match content(self.call) {
            text if refused => ("refusal", text.unwrap_or_else(|| DECLINED.to_owned())),
            text => ("content", text.unwrap_or_default()),
        };
        for piece in split(&text, deltas) {
            self.delta(Obj::new().put(field, piece));
        }
    }

    fn tools(&mut self) {
        let call = self.call;
        for (index, (n, name, arguments)) in calls(call).enumerate() {
            let index = if has(call, Quirk::IndexZero) { 0 } else { index };
            let item = || Obj::new().put_if(!has(call, Quirk::NoIndex), "index", index);
            let first = call_head(call, n, item()).put("function", function(name, ""));
            let text = self.choice(Obj::new().put("tool_calls", [first]), None);
            self.events.event(text);
            for piece in split(arguments, call.turn.deltas) {
                let more = item().put("function", Obj::new().put("arguments", piece));
                self.delta(Obj::new().put("tool_calls", [more]));
            }
        }
    }

    /// Everything in one delta, as some gateways give it when there are tools.
    fn at_once(&mut self) {
        let call = self.call;
        let calls = calls(call).enumerate().map(|(index, (n, name, arguments))| {
            let index = if has(call, Quirk::IndexZero) { 0 } else { index };
            let item = Obj::new().put_if(!has(call, Quirk::NoIndex), "index", index);
            call_head(call, n, item).put("function", function(name, arguments))
        });
        let calls: Vec<Obj> = calls.collect();
        let mut delta = Obj::new().put("role", "assistant");
        if let Some((field, text)) = thoughts(call) {
            delta = delta.put(field, text);
        }
        let delta = delta.put("content", content(call).unwrap_or_default());
        self.delta(delta.put_if(!calls.is_empty(), "tool_calls", calls));
    }

    fn end(&mut self) {
        let call = self.call;
        let finish = self.choice(Obj::new(), Some(finish_reason(call)));
        self.events.event(finish);
        if self.asked_usage && !has(call, Quirk::NoUsage) {
            let counted = usage(call, call.turn.usage);
            let null = has(call, Quirk::NullUsage);
            let text = self.chunk(&[], (!null).then_some(counted));
            self.events.event(text);
        }
        if !has(call, Quirk::NoDone) {
            self.events.event(frame_text(call, "[DONE]"));
        }
    }
}

/// An event of this stream.
fn frame(call: &Call<'_>, data: &Obj) -> String {
    frame_text(call, &data.text())
}

fn frame_text(call: &Call<'_>, data: &str) -> String {
    let comment = if has(call, Quirk::Comments) { ": OPENROUTER PROCESSING\n\n" } else { "" };
    let text = format!("{comment}data: {data}\n\n");
    if has(call, Quirk::CrLf) { text.replace('\n', "\r\n") } else { text }
}

pub(super) fn stream(call: &Call<'_>) -> Events {
    let options = &call.request.body["stream_options"];
    let mut writer = Writer {
        call,
        events: Events::default(),
        written: 0,
        asked_usage: options["include_usage"] == true,
        // The vendor pads unless it is told not to.
        obfuscated: options["include_obfuscation"] != false,
    };
    if has(call, Quirk::OneChunk) {
        writer.at_once();
    } else {
        let nothing = calls(call).next().is_some() && content(call).is_none();
        let opening = Obj::new().put("role", "assistant");
        let opening = opening.put("content", (!nothing).then_some("")).null("refusal");
        let text = writer.choice(opening, None);
        writer.events.event(text);
        writer.texts();
        writer.tools();
    }
    writer.end();
    writer.events
}

/// An error in place of the next chunk.
pub(super) fn error(call: &Call<'_>, error: &Obj) -> String {
    frame(call, &Obj::new().put("error", error))
}

/// `GET /v1/models`
pub(super) fn models(names: &[String]) -> String {
    let model = |name: &String| {
        Obj::new()
            .put("id", name)
            .put("object", "model")
            .put("created", CREATED)
            .put("owned_by", "theazo")
    };
    let data: Vec<Obj> = names.iter().map(model).collect();
    Obj::new().put("object", "list").put("data", data).text()
}
