//! The top-level fields that each vendor knows (as in their clients of 2026-11).

use serde_json::Value;

use super::{Allow, Check, Wire};

const ANTHROPIC: &[&str] = &[
    "cache_control",
    "container",
    "diagnostics",
    "inference_geo",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "thinking",
    "tool_choice",
    "tools",
    "user_profile_id",
    "workspace_id",
];

/// Of `POST /v1/messages/count_tokens`.
const ANTHROPIC_COUNT: &[&str] = &[
    "cache_control",
    "messages",
    "model",
    "output_config",
    "speed",
    "system",
    "thinking",
    "tool_choice",
    "tools",
    "user_profile_id",
    "workspace_id",
];

const CHAT: &[&str] = &[
    "audio",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "tool_choice",
    "tools",
    "top_logprobs",
    "user",
    "verbosity",
    "web_search_options",
];

const RESPONSES: &[&str] = &[
    "access_programs",
    "background",
    "context_management",
    "conversation",
    "image",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "truncation",
    "user",
];

/// Deprecated by both vendors, and refused by the newest models.
const SAMPLING: &[&str] = &["temperature", "top_p", "top_k"];

pub(super) fn check(check: &mut Check<'_>, counting: bool) {
    let known = match check.request.wire {
        Wire::Anthropic if counting => ANTHROPIC_COUNT,
        Wire::Anthropic => ANTHROPIC,
        Wire::Chat => CHAT,
        Wire::Responses => RESPONSES,
    };
    let names: Vec<String> =
        check.body().as_object().into_iter().flatten().map(|f| f.0.clone()).collect();
    for name in names {
        let field = name.as_str();
        if SAMPLING.contains(&field) {
            let allowed = check.allows(Allow::Sampling) && !check.is_newest();
            check.must(allowed, format!("`{name}` is sent although nobody asked for it"));
        } else if !known.contains(&field) && !check.allows(Allow::UnknownFields) {
            check.wrong.push(format!("the vendor does not know the field `{name}`"));
        }
    }
    let model = check.body()["model"].as_str().is_some_and(|model| !model.is_empty());
    check.must(model, "there is no `model`");
    let stream = matches!(check.body()["stream"], Value::Null | Value::Bool(_));
    check.must(stream, "`stream` is not a boolean");
}
