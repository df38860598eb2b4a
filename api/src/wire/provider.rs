//! Compute providers as the API takes and shows them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use theazo_domain::Timestamp;
use theazo_domain::providers::ProviderKind;
use theazo_providers as contract;
use utoipa::{IntoParams, ToSchema};

use super::common;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigureProvider {
    #[schema(value_type = common::ProviderName)]
    pub provider: ProviderKind,
    /// What the provider needs (API keys, endpoints), `{}` for `local`. Encrypted at rest, never
    /// shown again.
    pub credentials: Credentials,
    /// Whether new agents run on it unless they say otherwise.
    #[serde(default)]
    pub is_default: bool,
}

/// A JSON object, as it was sent. What is in it is not for logs.
#[derive(Deserialize, ToSchema)]
#[serde(try_from = "Box<RawValue>")]
#[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>)]
pub struct Credentials(Box<RawValue>);

impl Credentials {
    pub fn bytes(&self) -> &[u8] {
        self.0.get().as_bytes()
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl TryFrom<Box<RawValue>> for Credentials {
    type Error = &'static str;

    fn try_from(raw: Box<RawValue>) -> Result<Self, &'static str> {
        if raw.get().starts_with('{') { Ok(Self(raw)) } else { Err("must be an object") }
    }
}

/// Whether a provider took work when it was last looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ProviderStatus)]
pub enum Status {
    Active,
    Unavailable,
}

/// A compute provider that is configured.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    #[schema(value_type = common::ProviderName)]
    provider: ProviderKind,
    is_default: bool,
    status: Status,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl Provider {
    pub fn new(
        provider: ProviderKind,
        is_default: bool,
        healthy: bool,
        created_at: Timestamp,
    ) -> Self {
        let status = if healthy { Status::Active } else { Status::Unavailable };
        Self { provider, is_default, status, created_at }
    }
}

/// What a live check of a provider found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderCheck {
    #[schema(value_type = common::ProviderName)]
    provider: ProviderKind,
    healthy: bool,
    /// What is wrong, or what was found.
    message: String,
}

impl ProviderCheck {
    pub fn new(provider: ProviderKind, health: contract::Health) -> Self {
        Self { provider, healthy: health.healthy, message: health.message }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListProviders {
    /// 1 to 100; 25 when absent.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}
