use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::money::Pico;

/// The tokens of one model call, in buckets that do not overlap: each is billed at its own rate,
/// and none twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenUsage {
    /// Of the prompt, neither read from a cache nor written to one.
    pub input: u64,
    pub cache_read: u64,
    /// Written to a cache that lasts minutes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write_short: u64,
    /// Written to a cache that lasts an hour or longer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write_long: u64,
    /// Everything the model wrote, its reasoning included.
    pub output: u64,
    /// How much of `output` was reasoning. For information: it is billed as output.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning: u64,
    /// The vendor did not say; counted by us.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl TokenUsage {
    /// The whole prompt, as the vendors' tiers count it.
    pub const fn prompt(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write_short)
            .saturating_add(self.cache_write_long)
    }

    /// Both together, bucket by bucket.
    pub const fn plus(self, other: TokenUsage) -> TokenUsage {
        TokenUsage {
            input: self.input.saturating_add(other.input),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write_short: self.cache_write_short.saturating_add(other.cache_write_short),
            cache_write_long: self.cache_write_long.saturating_add(other.cache_write_long),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
            estimated: self.estimated || other.estimated,
        }
    }
}

/// Picodollars for one token of each bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rates {
    pub input: Pico,
    pub cache_read: Pico,
    pub cache_write_short: Pico,
    pub cache_write_long: Pico,
    pub output: Pico,
}

impl Rates {
    pub fn has_negative(&self) -> bool {
        [self.input, self.cache_read, self.cache_write_short, self.cache_write_long, self.output]
            .iter()
            .any(|rate| rate.0 < 0)
    }

    /// Exact: every rate is a whole number of picodollars for a token.
    pub fn cost(&self, tokens: &TokenUsage) -> Pico {
        let of = |count: u64, rate: Pico| Pico(i128::from(count).saturating_mul(rate.0));
        of(tokens.input, self.input)
            + of(tokens.cache_read, self.cache_read)
            + of(tokens.cache_write_short, self.cache_write_short)
            + of(tokens.cache_write_long, self.cache_write_long)
            + of(tokens.output, self.output)
    }
}

/// Rates for *all* tokens of a call whose prompt is longer than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LongPrompt {
    /// Tokens.
    pub over: u64,
    pub rates: Rates,
}

/// A price of a model's tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelPrice {
    /// Names the row for ever: `anthropic/claude-sonnet-5-5@2026-10-07`, `own/NAME@2`.
    pub id: String,
    pub rates: Rates,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_prompt: Option<LongPrompt>,
}

impl ModelPrice {
    /// The cost of one call. Tiers hold for a whole request, so only a request can be priced,
    /// never a sum of several.
    pub fn cost(&self, tokens: &TokenUsage) -> Pico {
        match &self.long_prompt {
            Some(long) if tokens.prompt() > long.over => long.rates.cost(tokens),
            _ => self.rates.cost(tokens),
        }
    }

    /// The cost of a call that comes to `worst`, whatever of its prompt is cached.
    pub fn worst(&self, worst: Worst) -> Pico {
        let of = |rates: &Rates| {
            let prompt =
                [rates.input, rates.cache_read, rates.cache_write_short, rates.cache_write_long];
            let dearest = prompt.into_iter().max().unwrap_or_default();
            let of = |count: u64, rate: Pico| Pico(i128::from(count).saturating_mul(rate.0));
            of(worst.prompt, dearest) + of(worst.output, rates.output)
        };
        match &self.long_prompt {
            Some(long) if worst.prompt > long.over => of(&long.rates).max(of(&self.rates)),
            _ => of(&self.rates),
        }
    }
}

/// Where the cost of a model call comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PriceBasis {
    /// A row of the price table, or of the org's own prices.
    Table,
    /// The gateway said what it charged.
    Reported,
    /// The caller's own credentials: the vendor bills the caller. We count the tokens, and take
    /// the fee for the orchestration.
    Byoi,
    /// No price is known for the model. Its cost here is zero *and wrong*: it says so.
    Unpriced,
    /// The mock model of test keys costs nothing.
    Mock,
}

/// One model call as the bill sees it, with its price and cost as they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelUsage {
    /// Derived from the task and the step: unique for ever.
    pub id: String,
    /// The model that answered, by the vendor's word.
    pub model: String,
    pub at: Timestamp,
    pub tokens: TokenUsage,
    pub basis: PriceBasis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<ModelPrice>,
    /// What the cost is of, where the caller's own credentials were used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<CallFee>,
    pub cost: Pico,
    /// What was not reserved, and so is not billed: the vendor counted more than was foreseen.
    #[serde(default, skip_serializing_if = "Pico::is_zero")]
    pub waived: Pico,
}

/// The orchestration fee for a model call that its caller pays the vendor for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallFee {
    /// Names the row for ever: `orchestration.model.2026-11`.
    pub id: String,
    pub pico_per_call: Pico,
}

impl CallFee {
    /// The fee today: a cent for a hundred calls.
    pub fn now() -> CallFee {
        let id = "orchestration.model.2026-11".to_owned();
        CallFee { id, pico_per_call: Pico(100_000_000) }
    }
}

/// The most that a call can come to, as far as can be told before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worst {
    /// Tokens of the prompt.
    pub prompt: u64,
    /// Tokens that the model may write.
    pub output: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(each: i128) -> Rates {
        let each = Pico(each);
        Rates {
            input: each,
            cache_read: each,
            cache_write_short: each,
            cache_write_long: each,
            output: each,
        }
    }

    #[test]
    fn a_long_prompt_is_dearer_as_a_whole() {
        let long_prompt = Some(LongPrompt { over: 100, rates: rates(5) });
        let price = ModelPrice { id: "m@1".to_owned(), rates: rates(1), long_prompt };
        let at = TokenUsage { input: 60, cache_read: 40, output: 7, ..TokenUsage::default() };
        let over = TokenUsage { cache_read: 41, ..at };
        assert_eq!(price.cost(&at), Pico(107));
        assert_eq!(price.cost(&over), Pico(5 * 108));
    }

    #[test]
    fn reasoning_is_not_billed_twice() {
        let price = ModelPrice { id: "m@1".to_owned(), rates: rates(2), long_prompt: None };
        let tokens = TokenUsage { output: 10, reasoning: 8, ..TokenUsage::default() };
        assert_eq!(price.cost(&tokens), Pico(20));
    }
}
