//! API keys as the API takes and shows them.

use serde::{Deserialize, Serialize};
use theazo_domain::{ApiKeyId, Mode, Timestamp, api_key};
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateApiKey {
    /// What it is for.
    #[schema(min_length = 1, max_length = 200, example = "production backend")]
    pub name: String,
}

/// An API key. Its secret is not in it: we only have its hash.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey<'a> {
    #[schema(value_type = String, example = "key_01KAMQ7W7DXK8Q9S8XJ0V3T5RB")]
    id: ApiKeyId,
    name: &'a str,
    /// `live` or `test`: the mode of the key that created it.
    #[schema(value_type = String, example = "live")]
    mode: Mode,
    /// Its beginning and end, to recognise it by.
    #[schema(example = "th_live_…x7Qk")]
    hint: &'a str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    rotated_at: Option<Timestamp>,
    /// Since when it no longer works.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
    /// The whole key. Shown this once: keep it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "th_live_…")]
    key: Option<&'a str>,
}

impl<'a> ApiKey<'a> {
    pub fn of(key: &'a api_key::ApiKey, mode: Mode) -> Self {
        Self {
            id: key.id,
            name: &key.name,
            mode,
            hint: &key.digest.hint,
            created_at: key.created_at,
            rotated_at: key.rotated_at,
            revoked_at: key.revoked_at,
            key: None,
        }
    }

    /// With its secret.
    pub fn showing(self, secret: &'a str) -> Self {
        Self { key: Some(secret), ..self }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListApiKeys {
    /// 1 to 100; 25 when absent.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}
