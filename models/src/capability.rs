//! What the models of a family take and give: only what is refused with a 400 when it is wrong.
//!
//! Read on the vendors' model pages (2026-11). A model that is not known here gets careful limits
//! and is sent nothing that it might refuse.

use crate::Wire;
use crate::route::{ANTHROPIC, OPENAI, Route};

/// How much a model takes and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelLimits {
    /// Tokens of prompt and answer together.
    pub context_window: u32,
    /// Tokens of an answer.
    pub max_output: u32,
}

/// What may be put into a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Capabilities {
    pub limits: ModelLimits,
    /// False where any but the default temperature is refused.
    pub temperature: bool,
    /// Anthropic: thinking is adaptive, and its summary must be asked for to be seen.
    pub summarized_thinking: bool,
    /// OpenAI: it reasons, and its reasoning can be had encrypted, to be sent back.
    pub encrypted_reasoning: bool,
}

const UNKNOWN: Capabilities = Capabilities {
    limits: ModelLimits { context_window: 128_000, max_output: 16_384 },
    temperature: true,
    summarized_thinking: false,
    encrypted_reasoning: false,
};

/// An answer that nobody limited: room for a whole file, and thinking before it.
const DEFAULT_MAX_TOKENS: u32 = 32_000;

impl Capabilities {
    pub fn of(route: &Route) -> Self {
        match route.wire {
            Wire::Mock => mock(),
            Wire::Anthropic | Wire::OpenaiChat | Wire::OpenaiResponses => {
                Self::of_model(&route.vendor, &route.model)
            }
        }
    }

    pub fn of_model(vendor: &str, model: &str) -> Self {
        match vendor {
            ANTHROPIC => anthropic(model),
            OPENAI => openai(model),
            _ => UNKNOWN,
        }
    }

    /// The `max_tokens` of a configuration that sets none.
    pub fn default_max_tokens(&self) -> u32 {
        self.limits.max_output.min(DEFAULT_MAX_TOKENS)
    }
}

fn mock() -> Capabilities {
    let limits = ModelLimits { context_window: 200_000, max_output: 32_000 };
    Capabilities { limits, ..UNKNOWN }
}

fn anthropic(model: &str) -> Capabilities {
    let version = claude_version(model);
    let (context_window, max_output) = match version {
        Some(v) if v >= (4, 6) => (1_000_000, 128_000),
        Some(v) if v >= (4, 5) => (200_000, 64_000),
        Some(v) if v >= (4, 0) => (200_000, 32_000),
        _ => (200_000, 8_192),
    };
    Capabilities {
        limits: ModelLimits { context_window, max_output },
        // Refused after Claude Opus 4.6.
        temperature: version.is_some_and(|v| v <= (4, 6)),
        summarized_thinking: version.is_some_and(|v| v >= (5, 0)),
        encrypted_reasoning: false,
    }
}

/// `claude-sonnet-5-5`, `claude-sonnet-4-5-20250929` and `claude-sonnet-4-20250514`, but also
/// `claude-3-5-sonnet-20241022`.
fn claude_version(model: &str) -> Option<(u32, u32)> {
    let mut numbers = model
        .split('-')
        .skip_while(|part| part.parse::<u32>().is_err())
        .map_while(|part| (part.len() <= 2).then(|| part.parse::<u32>().ok()).flatten());
    Some((numbers.next()?, numbers.next().unwrap_or(0)))
}

fn openai(model: &str) -> Capabilities {
    let is = |prefix: &str| model.starts_with(prefix);
    let chat = model.contains("-chat");
    let reasons = !chat && (is("gpt-5") || is("gpt-6") || is("o1") || is("o3") || is("o4"));
    let (context_window, max_output) = match model {
        _ if is("gpt-4o") || is("gpt-4-turbo") || chat => (128_000, 16_384),
        _ if is("gpt-4.1") => (1_000_000, 32_768),
        _ if is("gpt-4") => (8_192, 4_096),
        _ if is("o1") || is("o3") || is("o4") => (200_000, 100_000),
        _ if is("gpt-5.4-") || model == "gpt-5" || is("gpt-5-") => (400_000, 128_000),
        _ if is("gpt-5.4") || is("gpt-5.5") || is("gpt-5.6") => (1_000_000, 128_000),
        _ if is("gpt-5") => (400_000, 128_000),
        _ if is("gpt-6") => (1_000_000, 128_000),
        _ => (128_000, 16_384),
    };
    Capabilities {
        limits: ModelLimits { context_window, max_output },
        temperature: !reasons,
        summarized_thinking: false,
        encrypted_reasoning: reasons,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_claude_are_read_in_both_orders() {
        assert_eq!(claude_version("claude-sonnet-5-5"), Some((5, 5)));
        assert_eq!(claude_version("claude-fable-5"), Some((5, 0)));
        assert_eq!(claude_version("claude-sonnet-4-20250514"), Some((4, 0)));
        assert_eq!(claude_version("claude-haiku-4-5-20251001"), Some((4, 5)));
        assert_eq!(claude_version("claude-3-5-sonnet-20241022"), Some((3, 5)));
        assert_eq!(claude_version("claude-next"), None);
    }

    #[test]
    fn nothing_that_is_refused_is_sent() {
        let new = Capabilities::of_model(ANTHROPIC, "claude-opus-5-5");
        assert!(new.summarized_thinking && !new.temperature);
        let old = Capabilities::of_model(ANTHROPIC, "claude-3-5-sonnet-20241022");
        assert!(!old.summarized_thinking && old.temperature);
        assert_eq!(old.limits.max_output, 8_192);
        // A name that says nothing gets neither.
        let next = Capabilities::of_model(ANTHROPIC, "claude-next");
        assert!(!next.summarized_thinking && !next.temperature);
        assert!(Capabilities::of_model(OPENAI, "gpt-6.1-sol").encrypted_reasoning);
        assert!(!Capabilities::of_model(OPENAI, "gpt-4o").encrypted_reasoning);
        assert!(!Capabilities::of_model("vllm.local", "gpt-6.1-sol").encrypted_reasoning);
    }
}
