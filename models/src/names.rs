//! From a model's name to the vendor that has it.

use crate::prices::PriceTable;
use crate::route::{ANTHROPIC, MOCK, OPENAI};

/// Families whose bare name stands for their newest model.
const CLAUDES: [&str; 4] = ["claude-sonnet", "claude-opus", "claude-haiku", "claude-fable"];
const GPTS: [&str; 4] = ["sol", "terra", "luna", "astra"];

/// How to name a model, for error messages.
pub const HOW: &str = "name one of Anthropic (`claude-sonnet`, `anthropic/claude-opus-5-5`), one \
    of OpenAI (`gpt-sol`, `openai/gpt-6.1-sol`), `mock`, or give `baseUrl`, `credentialRef` and \
    `name` for a gateway";

/// The vendor and its own id of a model that is named `vendor/id`, `id` or by its family.
pub fn parse(name: &str, prices: &PriceTable) -> Option<(&'static str, String)> {
    let (vendor, id) = match name.split_once('/') {
        Some((ANTHROPIC, id)) => (ANTHROPIC, id),
        Some((OPENAI, id)) => (OPENAI, id),
        Some((MOCK, id)) => (MOCK, id),
        Some(_) => return None,
        None => (vendor_of(name)?, name),
    };
    let id = id.trim();
    if id.is_empty() {
        return None;
    }
    let newest = match vendor {
        ANTHROPIC => newest_claude(id, prices),
        OPENAI => newest_gpt(id, prices),
        _ => None,
    };
    Some((vendor, newest.unwrap_or(id).to_owned()))
}

/// What a vendor's key is used for when nothing else is said.
pub fn default_model(vendor: &str) -> &'static str {
    match vendor {
        OPENAI => "gpt-sol",
        _ => "claude-sonnet",
    }
}

fn vendor_of(name: &str) -> Option<&'static str> {
    const OPENAIS: [&str; 6] = ["gpt-", "chatgpt-", "codex-", "o1", "o3", "o4"];
    match name {
        MOCK => Some(MOCK),
        _ if name.starts_with("claude-") => Some(ANTHROPIC),
        _ if OPENAIS.iter().any(|prefix| name.starts_with(prefix)) => Some(OPENAI),
        _ => None,
    }
}

fn newest_claude<'a>(id: &str, prices: &'a PriceTable) -> Option<&'a str> {
    let family = CLAUDES.iter().find(|family| **family == id)?;
    newest(prices.models(ANTHROPIC), |model| {
        version(model.strip_prefix(family)?.strip_prefix('-')?, '-')
    })
}

fn newest_gpt<'a>(id: &str, prices: &'a PriceTable) -> Option<&'a str> {
    let tier = GPTS.iter().find(|tier| id.strip_prefix("gpt-") == Some(tier))?;
    newest(prices.models(OPENAI), |model| {
        version(model.strip_prefix("gpt-")?.strip_suffix(tier)?.strip_suffix('-')?, '.')
    })
}

fn newest<'a>(
    models: impl Iterator<Item = &'a str>,
    version: impl Fn(&str) -> Option<Vec<u32>>,
) -> Option<&'a str> {
    models.filter_map(|m| Some((version(m)?, m))).max().map(|(_, model)| model)
}

fn version(text: &str, separator: char) -> Option<Vec<u32>> {
    text.split(separator).map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_families() {
        let prices = PriceTable::built_in();
        let parsed = |name: &str| parse(name, &prices).map(|(v, m)| format!("{v}:{m}"));
        for (name, expected) in [
            ("claude-sonnet", "anthropic:claude-sonnet-5-5"),
            ("anthropic/claude-sonnet", "anthropic:claude-sonnet-5-5"),
            ("anthropic/claude-opus", "anthropic:claude-opus-5-5"),
            ("claude-haiku", "anthropic:claude-haiku-5-5"),
            ("claude-fable", "anthropic:claude-fable-5-2"),
            ("claude-sonnet-4-5", "anthropic:claude-sonnet-4-5"),
            ("claude-3-5-sonnet-20241022", "anthropic:claude-3-5-sonnet-20241022"),
            ("gpt-4o", "openai:gpt-4o"),
            ("gpt-6.1-sol", "openai:gpt-6.1-sol"),
            ("openai/gpt-sol", "openai:gpt-6.1-sol"),
            ("gpt-luna", "openai:gpt-6-luna"),
            ("openai/ft:anything", "openai:ft:anything"),
            ("mock", "mock:mock"),
            ("mock/slow", "mock:slow"),
        ] {
            assert_eq!(parsed(name).as_deref(), Some(expected), "{name}");
        }
        for name in ["llama-9", "", "anthropic/", "google/gemini", "claude"] {
            assert_eq!(parsed(name), None, "{name}");
        }
    }
}
