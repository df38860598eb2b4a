//! What several resources have in common, as OpenAPI sees it: domain types whose JSON is exactly
//! the API's are used as they are, and described here.
#![allow(dead_code, reason = "these only describe the domain types that are on the wire")]

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use theazo_domain::Timestamp;
use utoipa::ToSchema;

/// An amount of money.
#[derive(ToSchema)]
#[schema(example = json!({ "amount": 42, "currency": "usd" }))]
pub struct Money {
    /// Cents.
    pub amount: i64,
    pub currency: Currency,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Currency {
    Usd,
}

/// What a session may spend and hold. An absent limit is no limit.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Limits {
    pub max_cost: Option<MaxCost>,
    /// Agents at the same time.
    #[schema(maximum = 100_000, example = 3)]
    pub max_agents: Option<u32>,
    /// Minutes of compute over the session's life.
    #[schema(maximum = 1_000_000_000, example = 600)]
    pub max_compute_minutes: Option<u64>,
}

#[derive(ToSchema)]
#[schema(example = json!({ "amount": 500, "currency": "usd", "period": "day" }))]
pub struct MaxCost {
    /// Cents.
    #[schema(minimum = 0)]
    pub amount: i64,
    pub currency: Currency,
    /// What the amount is for, in UTC; `session` when absent.
    pub period: Option<Period>,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Period {
    Session,
    Day,
    Month,
}

/// A model: its name, or an object with its settings. The most specific of platform, session and
/// agent wins.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(example = "anthropic/claude-sonnet")]
pub enum Model {
    /// `anthropic/claude-sonnet`, `gpt-4o`: with the platform's own credentials.
    Name(String),
    Settings(ModelSettings),
}

/// `{ id, maxTokens, temperature }`, `{ provider, credentialRef, id? }` or
/// `{ baseUrl, credentialRef, name }`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelSettings {
    pub id: Option<String>,
    #[schema(minimum = 1)]
    pub max_tokens: Option<u32>,
    #[schema(minimum = 0, maximum = 2)]
    pub temperature: Option<f64>,
    /// `anthropic` or `openai`, with your own key.
    pub provider: Option<String>,
    /// The name of a secret that holds the key.
    pub credential_ref: Option<String>,
    /// A compatible gateway.
    pub base_url: Option<String>,
    /// The model's name at the gateway.
    pub name: Option<String>,
}

/// What a task is asked to do: a text, or an object that the model sees as JSON.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(example = json!({ "query": "analyze competitor pricing for Q2 2025" }))]
pub enum Input {
    Text(String),
    Object(BTreeMap<String, serde_json::Value>),
}

/// Where agents run.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Compute {
    pub provider: Option<ProviderName>,
    /// The name of a secret with the provider's credentials.
    pub credential_ref: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum ProviderName {
    Local,
    Docker,
    E2b,
    Fly,
    Webhook,
    Mock,
}

/// Your own key-value pairs: at most 50, 16 KiB as JSON.
#[derive(ToSchema)]
#[schema(example = json!({ "plan": "pro" }))]
pub struct Metadata(pub BTreeMap<String, serde_json::Value>);

/// A time as callers write it: RFC 3339, or a date, which is its beginning in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When(pub Timestamp);

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let whole = text.len() == "2026-05-01".len();
        let time = if whole { format!("{text}T00:00:00Z").parse() } else { text.parse() };
        time.map(When).map_err(|_: String| {
            "must be an RFC 3339 time such as 2026-05-01T00:00:00Z, or a date".to_owned()
        })
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Minutes of compute, to a thousandth.
pub fn minutes(millis: u64) -> f64 {
    // Exact up to 2⁵³ ms, which is 285,000 years.
    (millis as f64 / 60.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::When;

    #[test]
    fn a_date_is_its_beginning() {
        let time = |text: &str| text.parse::<When>();
        assert_eq!(time("2026-05-01"), time("2026-05-01T00:00:00Z"));
        assert_eq!(time("2026-05-01T02:00:00+02:00"), time("2026-05-01"));
        for text in ["", "yesterday", "2026-13-01", "2026-5-1", "01.05.2026"] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn minutes_have_three_decimals() {
        for (millis, minutes) in [(0, 0.0), (60_000, 1.0), (90_000, 1.5), (1_234, 0.021)] {
            assert_eq!(super::minutes(millis), minutes);
        }
    }
}
