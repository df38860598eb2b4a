//! An org's settings as the API takes and shows them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use theazo_domain::Timestamp;
use theazo_domain::export::{Biller, BillerPatch, Exporter};
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
    /// What usage is pushed to each biller with.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, BillerSettings>)]
    billing: BTreeMap<Exporter, Biller>,
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
            billing: settings.billing.clone(),
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
    /// What usage is pushed to billers with.
    billing: Option<Billing>,
}

/// What to change of how usage is pushed to billers.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Billing {
    stripe: Option<UpdateBiller>,
    metronome: Option<UpdateBiller>,
}

/// What to change for one biller; an absent field stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateBiller {
    /// What the events of its meter are called.
    #[schema(max_length = 100)]
    event_name: Option<String>,
    /// The meter's id, whose sums settle what is in doubt.
    #[schema(max_length = 100)]
    meter_id: Option<String>,
    /// The biller's customer of each of these users; null: none any more. At most 250 at a time,
    /// and 1,000 in all: `stripeCustomerId` in the metadata of sessions knows no limit.
    #[serde(default)]
    #[schema(example = json!({ "user_123": "cus_123" }))]
    customers: BTreeMap<String, Option<String>>,
}

/// What usage is pushed to a biller with.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it describes a domain type that is on the wire")]
pub struct BillerSettings {
    event_name: Option<String>,
    meter_id: Option<String>,
    /// The biller's customer of each user.
    customers: Option<BTreeMap<String, String>>,
}

impl From<Billing> for BTreeMap<Exporter, BillerPatch> {
    fn from(billing: Billing) -> Self {
        let patches =
            [(Exporter::Stripe, billing.stripe), (Exporter::Metronome, billing.metronome)];
        let patch = |(exporter, patch): (Exporter, Option<UpdateBiller>)| {
            let UpdateBiller { event_name, meter_id, customers } = patch?;
            Some((exporter, BillerPatch { event_name, meter_id, customers }))
        };
        patches.into_iter().filter_map(patch).collect()
    }
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
        Self {
            model: body.model,
            compute: body.compute,
            billing_day: body.billing_day,
            billing: body.billing.unwrap_or_default().into(),
        }
    }
}
