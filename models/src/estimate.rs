//! Token counts where nobody gave any: four characters are a token, near enough for English.

use theazo_domain::pricing::TokenUsage;

use crate::contract::{Prompt, ToolCall, Turn};

/// What each turn, call and result costs beside its text.
const OVERHEAD: u64 = 4;

/// The tokens of a text, at least one unless it is empty.
pub fn estimate_tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4)
}

/// The tokens of a whole prompt: its system text, its tools and its turns. Turns of a model count
/// as they are sent back, so with their reasoning.
pub fn estimate_prompt(prompt: &Prompt) -> u64 {
    let system = prompt.system.as_deref().map_or(0, estimate_tokens);
    let tools = prompt.tools.iter().map(|tool| {
        let schema = tool.input_schema.to_string();
        estimate_tokens(&tool.name) + estimate_tokens(&tool.description) + estimate_tokens(&schema)
    });
    let turns = prompt.turns.iter().map(|turn| OVERHEAD + estimate_turn(turn));
    system + tools.sum::<u64>() + turns.sum::<u64>()
}

/// The tokens of one turn.
pub fn estimate_turn(turn: &Turn) -> u64 {
    match turn {
        Turn::User { results, text } => {
            let results = results.iter().map(|r| OVERHEAD + estimate_tokens(&r.output));
            results.sum::<u64>() + text.as_deref().map_or(0, estimate_tokens)
        }
        Turn::Assistant(turn) => estimate_tokens(turn.raw.get()).max(estimate_tokens(&turn.text)),
    }
}

/// The usage of a call whose vendor gave none.
pub fn estimate_usage(input: u64, written: &str, calls: &[ToolCall]) -> TokenUsage {
    let calls =
        calls.iter().map(|c| OVERHEAD + estimate_tokens(&c.name) + estimate_tokens(&c.arguments));
    let output = estimate_tokens(written) + calls.sum::<u64>();
    TokenUsage { input, output, estimated: true, ..TokenUsage::default() }
}
