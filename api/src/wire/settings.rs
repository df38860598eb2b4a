//! An org's settings as the API takes and shows them.

use serde::{Deserialize, Serialize};
use theazo_domain::Timestamp;
use theazo_domain::model::ModelConfig;
use theazo_domain::settings::{self, ComputeChoice, SettingsPatch};
use utoipa::ToSchema;

use super::common;

/// What holds where a session and an agent say nothing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<common::Model>)]
    model: Option<ModelConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<common::Compute>)]
    compute: Option<ComputeChoice>,
    /// Day of the month that a billing period starts on.
    #[schema(minimum = 1, maximum = 28, example = 1)]
    billing_day: u8,
    /// Absent before the first change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
}

impl From<&settings::Settings> for Settings {
    fn from(settings: &settings::Settings) -> Self {
        Self {
            model: settings.model.clone(),
            compute: settings.compute.clone(),
            billing_day: settings.billing_day,
            updated_at: settings.updated_at,
        }
    }
}

/// What to change; an absent field stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateSettings {
    #[schema(value_type = Option<common::Model>)]
    model: Option<ModelConfig>,
    #[schema(value_type = Option<common::Compute>)]
    compute: Option<ComputeChoice>,
    #[schema(minimum = 1, maximum = 28)]
    billing_day: Option<u8>,
}

impl UpdateSettings {
    pub fn model(&self) -> Option<&ModelConfig> {
        self.model.as_ref()
    }
}

/// What the webhooks of this org and mode are signed with.
#[derive(Serialize, ToSchema)]
pub struct WebhookSecret {
    /// For a library of Standard Webhooks, as it is.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub secret: String,
}

impl From<UpdateSettings> for SettingsPatch {
    fn from(body: UpdateSettings) -> Self {
        Self { model: body.model, compute: body.compute, billing_day: body.billing_day }
    }
}
