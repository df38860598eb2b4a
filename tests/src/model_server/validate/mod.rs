//! Whether a client behaves: what the vendors refuse, what they silently pay for, and what they do
//! not tell us because the model just gets worse.

mod anthropic;
mod chat;
mod fields;
mod headers;
mod raw;
mod responses;
mod tools;

use serde_json::Value;

use super::request::{Request, Wire};
use super::script::Allow;
use super::sent::Sent;

/// What one request is held against.
pub(super) struct Check<'a> {
    request: &'a Request,
    /// The body in its characters.
    raw: &'a str,
    sent: &'a Sent,
    allowed: &'a [Allow],
    wrong: Vec<String>,
}

impl Check<'_> {
    fn body(&self) -> &Value {
        &self.request.body
    }

    fn allows(&self, allow: Allow) -> bool {
        self.allowed.contains(&allow)
    }

    /// Whether it is asked for Anthropic's API of 2026-10-21, which refuses sampling parameters, and
    /// documents and citations where they are of no use.
    fn is_newest(&self) -> bool {
        self.request.headers.get("anthropic-version").is_some_and(|v| v == headers::NEWEST)
    }

    fn must(&mut self, holds: bool, otherwise: impl Into<String>) {
        if !holds {
            self.wrong.push(otherwise.into());
        }
    }

    /// Whether the model's turns need to be those that were sent.
    fn knows_turns(&self) -> bool {
        !self.allows(Allow::ForeignTurns) && !self.sent.is_opaque(self.request.conversation())
    }
}

/// What is wrong with this request; nothing when it is well formed.
pub(super) fn check(
    request: &Request,
    raw: &str,
    sent: &Sent,
    allowed: &[Allow],
    counting: bool,
) -> Vec<String> {
    let mut check = Check { request, raw, sent, allowed, wrong: Vec::new() };
    headers::check(&mut check);
    if !request.body.is_object() {
        check.wrong.push("the body is not a JSON object".to_owned());
        return check.wrong;
    }
    fields::check(&mut check, counting);
    tools::check(&mut check);
    match request.wire {
        Wire::Anthropic => anthropic::check(&mut check, counting),
        Wire::Chat => chat::check(&mut check),
        Wire::Responses => responses::check(&mut check),
    }
    check.wrong
}
