//! Models and their prices as the API takes and shows them.

use serde::{Deserialize, Deserializer, Serialize};
use theazo_domain::pricing::{LongPrompt, ModelPrice, Rates};
use theazo_domain::{FieldError, Pico, Rejection};
use utoipa::ToSchema;

use crate::error::ApiError;

/// Decimals of a dollar for a million tokens: more would not be a whole number of picodollars for
/// one token.
const DECIMALS: usize = 6;
/// Digits before them: a million dollars for a million tokens.
const WHOLE_MAX: usize = 6;

/// A model that is known, with what it costs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KnownModel)]
pub struct Model {
    /// `vendor/model`: what `model` may be set to.
    #[schema(example = "anthropic/claude-sonnet-5-5")]
    pub id: String,
    #[schema(example = "anthropic")]
    pub vendor: String,
    /// The vendor's own id.
    #[schema(example = "claude-sonnet-5-5")]
    pub model: String,
    /// Tokens of prompt and answer together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u32>,
    /// Tokens of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output: Option<u32>,
    /// Whether the platform has a key for it; without one, give your own with `credentialRef`.
    pub available: bool,
    /// The vendor's price; absent when it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// Your own price, which goes before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_price: Option<Price>,
}

/// A price in US dollars for a million tokens, as decimals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// The row of the price table: usage records name it.
    #[schema(example = "anthropic/claude-sonnet-5-5@2026-10-07")]
    id: String,
    /// The date from which it holds; absent where it always did.
    #[schema(example = "2026-10-07")]
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[schema(example = "2")]
    input: String,
    #[schema(example = "10")]
    output: String,
    #[schema(example = "0.1")]
    cache_read: String,
    #[schema(example = "2.5")]
    cache_write: String,
    /// Of what is written to a cache that lasts an hour or longer.
    #[schema(example = "4")]
    cache_write_long: String,
    /// What holds for all tokens of a call with a longer prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    long_prompt: Option<LongPromptPrice>,
}

/// The same for long prompts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LongPromptPrice {
    /// Tokens of prompt, above which it holds.
    over: u64,
    input: String,
    output: String,
    cache_read: String,
    cache_write: String,
    cache_write_long: String,
}

impl From<&ModelPrice> for Price {
    fn from(price: &ModelPrice) -> Self {
        let since = price.id.rsplit_once('@').map(|(_, since)| since);
        // `start` in the table; the number of the setting among own prices.
        let is_date = |since: &&str| since.len() == 10 && since.as_bytes()[4] == b'-';
        let rates = &price.rates;
        Self {
            id: price.id.clone(),
            since: since.filter(is_date).map(str::to_owned),
            input: dollars(rates.input),
            output: dollars(rates.output),
            cache_read: dollars(rates.cache_read),
            cache_write: dollars(rates.cache_write_short),
            cache_write_long: dollars(rates.cache_write_long),
            long_prompt: price.long_prompt.as_ref().map(LongPromptPrice::from),
        }
    }
}

impl From<&LongPrompt> for LongPromptPrice {
    fn from(long: &LongPrompt) -> Self {
        Self {
            over: long.over,
            input: dollars(long.rates.input),
            output: dollars(long.rates.output),
            cache_read: dollars(long.rates.cache_read),
            cache_write: dollars(long.rates.cache_write_short),
            cache_write_long: dollars(long.rates.cache_write_long),
        }
    }
}

/// Picodollars for one token as dollars for a million.
fn dollars(rate: Pico) -> String {
    let (whole, rest) = (rate.0 / 1_000_000, (rate.0 % 1_000_000).abs());
    let text = format!("{whole}.{rest:06}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An own price of a model, in US dollars for a million tokens: decimals as strings, or numbers, of
/// at most six places.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetPrice {
    /// Of prompts.
    #[schema(value_type = String, example = "2.5")]
    input: Decimal,
    /// Of answers, their reasoning included.
    #[schema(value_type = String, example = "10")]
    output: Decimal,
    /// Of what is read from a cache. Default: `input`.
    #[schema(value_type = Option<String>)]
    cache_read: Option<Decimal>,
    /// Of what is written to a cache. Default: `input`.
    #[schema(value_type = Option<String>)]
    cache_write: Option<Decimal>,
    /// Of what is written to a cache that lasts an hour or longer. Default: `cacheWrite`.
    #[schema(value_type = Option<String>)]
    cache_write_long: Option<Decimal>,
}

/// A decimal as it was written.
#[derive(Debug)]
struct Decimal(String);

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(d)? {
            serde_json::Value::String(text) => Ok(Self(text)),
            serde_json::Value::Number(number) => Ok(Self(number.to_string())),
            _ => Err(serde::de::Error::custom("must be a decimal, as a string or a number")),
        }
    }
}

impl Decimal {
    /// Dollars for a million tokens as picodollars for one.
    fn rate(&self) -> Option<Pico> {
        let (whole, decimals) = self.0.split_once('.').unwrap_or((&self.0, "0"));
        let digits = |text: &str, max: usize| {
            (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
        };
        if !digits(whole, WHOLE_MAX) || !digits(decimals, DECIMALS) {
            return None;
        }
        format!("{whole}{decimals:0<DECIMALS$}").parse().ok().map(Pico)
    }
}

impl SetPrice {
    /// # Errors
    /// 422 that names each field which is not a decimal of at most six places.
    pub fn into_rates(self) -> Result<Rates, ApiError> {
        let mut errors = Vec::new();
        let mut rate = |field: &str, decimal: &Decimal| {
            decimal.rate().unwrap_or_else(|| {
                let message = format!(
                    "must be US dollars for a million tokens, such as \"2.5\": not negative, at \
                     most {DECIMALS} decimals, below a million"
                );
                errors.push(FieldError::new(field, message));
                Pico::ZERO
            })
        };
        let (input, output) = (rate("input", &self.input), rate("output", &self.output));
        let mut or = |field: &str, decimal: &Option<Decimal>, default: Pico| {
            decimal.as_ref().map_or(default, |decimal| rate(field, decimal))
        };
        let cache_read = or("cacheRead", &self.cache_read, input);
        let cache_write_short = or("cacheWrite", &self.cache_write, input);
        let cache_write_long = or("cacheWriteLong", &self.cache_write_long, cache_write_short);
        if errors.is_empty() {
            return Ok(Rates { input, cache_read, cache_write_short, cache_write_long, output });
        }
        Err(Rejection::Invalid(errors).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_both_ways() {
        for (text, pico, shown) in [
            ("2", 2_000_000, "2"),
            ("2.50", 2_500_000, "2.5"),
            ("0.000001", 1, "0.000001"),
            ("0", 0, "0"),
            ("100", 100_000_000, "100"),
            ("999999.999999", 999_999_999_999, "999999.999999"),
        ] {
            let rate = Decimal(text.to_owned()).rate();
            assert_eq!(rate, Some(Pico(pico)), "{text}");
            assert_eq!(dollars(Pico(pico)), shown);
        }
        for text in ["", ".", "1.", ".5", "-1", "1e3", "0.0000001", "1000000", "1,5", "NaN", " 1"] {
            assert_eq!(Decimal(text.to_owned()).rate(), None, "{text}");
        }
        let number: Decimal = serde_json::from_str("0.1").unwrap();
        assert_eq!(number.rate(), Some(Pico(100_000)));
    }
}
