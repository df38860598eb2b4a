//! Errors in each vendor's words.

use super::json::Obj;
use super::render::{Call, Rendered};
use super::reply::StopReason;
use super::request::Wire;
use super::{Quirk, chat};

/// Anthropic's statuses and types.
const ANTHROPIC: &[(u16, &str, &str)] = &[
    (400, "invalid_request_error", "Invalid request"),
    (401, "authentication_error", "invalid x-api-key"),
    (402, "billing_error", "Your credit balance is too low to access the Anthropic API."),
    (403, "permission_error", "Your API key does not have permission to use this resource."),
    (404, "not_found_error", "model: not found"),
    (409, "conflict_error", "Conflict"),
    (413, "request_too_large", "Request exceeds the maximum size"),
    (429, "rate_limit_error", "This request would exceed your organization's rate limit."),
    (500, "api_error", "Internal server error"),
    (504, "timeout_error", "Request timed out"),
    (529, "overloaded_error", "Overloaded"),
];

/// OpenAI's statuses, types, codes.
const OPENAI: &[(u16, &str, Option<&str>, &str)] = &[
    (400, "invalid_request_error", None, "Invalid request"),
    (401, "invalid_request_error", Some("invalid_api_key"), "Incorrect API key provided."),
    (402, "insufficient_credits", None, "Insufficient credits"),
    (403, "invalid_request_error", Some("forbidden"), "You are not allowed to do this."),
    (404, "invalid_request_error", Some("model_not_found"), "The model does not exist."),
    (409, "conflict", None, "Conflict"),
    (413, "invalid_request_error", Some("request_too_large"), "Request too large"),
    (422, "invalid_request_error", None, "Unprocessable"),
    (429, "requests", Some("rate_limit_exceeded"), "Rate limit reached for requests"),
    (500, "server_error", None, "The server had an error processing your request."),
    (503, "server_error", Some("server_is_overloaded"), "The server is overloaded."),
];

const REQUEST_ID: &str = "req_011CTheazoModelServer";

/// The HTTP status that goes with a type or code of an error.
pub(super) fn status_of(kind: &str) -> u16 {
    let anthropic = ANTHROPIC.iter().find(|(_, name, _)| *name == kind).map(|row| row.0);
    let openai = || OPENAI.iter().find(|row| row.2 == Some(kind)).map(|row| row.0);
    anthropic.or_else(openai).unwrap_or(500)
}

fn anthropic(status: u16, kind: Option<&str>, message: Option<&str>) -> Obj {
    let usual = ANTHROPIC.iter().find(|(s, _, _)| *s == status);
    let (_, usual_kind, usual_message) = usual.unwrap_or(&(500, "api_error", "Error"));
    let error = Obj::of(kind.unwrap_or(usual_kind));
    let error = error.put("message", message.unwrap_or(usual_message));
    Obj::of("error").put("error", error).put("request_id", REQUEST_ID)
}

/// `kind` is OpenAI's code where there is one.
fn openai(status: u16, kind: Option<&str>, message: Option<&str>, numeric: bool) -> Obj {
    let by_code = kind.and_then(|kind| OPENAI.iter().find(|row| row.2 == Some(kind)));
    let usual = by_code.or_else(|| OPENAI.iter().find(|row| row.0 == status));
    let (_, usual_type, usual_code, usual_message) =
        usual.unwrap_or(&(500, "server_error", None, "Error"));
    let error = Obj::new().put("message", message.unwrap_or(usual_message));
    let error = match kind {
        Some("insufficient_quota") => error.put("type", "insufficient_quota"),
        _ => error.put("type", usual_type),
    };
    let error = error.null("param");
    match (numeric, kind) {
        (true, _) => error.put("code", status),
        (false, Some(code)) => error.put("code", code),
        (false, None) => error.put("code", usual_code),
    }
}

/// The body of a refusal.
pub(super) fn body(
    wire: Wire,
    status: u16,
    kind: Option<&str>,
    message: Option<&str>,
    numeric: bool,
) -> String {
    match wire {
        Wire::Anthropic => anthropic(status, kind, message).text(),
        Wire::Chat | Wire::Responses => {
            Obj::new().put("error", openai(status, kind, message, numeric)).text()
        }
    }
}

/// An error in a stream that began well.
pub(super) fn event(call: &Call<'_>, kind: &str, message: &str) -> String {
    let status = status_of(kind);
    match call.request.wire {
        Wire::Anthropic => {
            let data = anthropic(status, Some(kind), Some(message)).text();
            format!("event: error\ndata: {data}\n\n")
        }
        Wire::Chat => {
            let numeric = call.turn.quirks.contains(&Quirk::NumericErrorCode);
            chat::error(call, &openai(status, Some(kind), Some(message), numeric))
        }
        Wire::Responses => {
            let data = Obj::of("error")
                .put("code", kind)
                .put("message", message)
                .null("param")
                .put("sequence_number", 99);
            format!("event: error\ndata: {}\n\n", data.text())
        }
    }
}

/// The refusal that OpenAI gives where Anthropic has a stop reason.
pub(super) fn instead_of(call: &Call<'_>) -> Option<Rendered> {
    let full = call.turn.stop == Some(StopReason::ContextWindowExceeded);
    if !full || call.request.wire == Wire::Anthropic {
        return None;
    }
    let message = "This model's maximum context length is 128000 tokens. However, your messages \
                   resulted in more. Please reduce the length of the messages.";
    let kind = Some("context_length_exceeded");
    Some(Rendered::refusal(400, body(call.request.wire, 400, kind, Some(message), false)))
}
