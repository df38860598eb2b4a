//! An org's platform defaults: what holds where a session or an agent says nothing.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::export::{Biller, BillerPatch, Exporter};
use crate::model::ModelConfig;
use crate::providers::ProviderKind;
use crate::{Aggregate, Ctx, Event, FieldError, Kind, Rejection, Timestamp, validate};

/// Where an agent is to run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ComputeChoice {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderKind>,
    /// The name of a secret with the provider's credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_ref: Option<String>,
}

impl ComputeChoice {
    pub fn check(&self, path: &str, errors: &mut Vec<FieldError>) {
        if let Some(name) = &self.credential_ref {
            validate::secret_name(&format!("{path}.credentialRef"), name, errors);
        }
    }
}

events! {
    SettingsEvent {
        /// The fields that changed, whole.
        Updated = "settings.updated" {
            #[serde(default, skip_serializing_if = "Option::is_none")]
            model: Option<ModelConfig>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            compute: Option<ComputeChoice>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            billing_day: Option<u8>,
        }
        /// What usage is pushed to a biller with; only what changed.
        BillingUpdated = "settings.billing_updated" {
            exporter: Exporter,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            event_name: Option<String>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            meter_id: Option<String>,
            /// The biller's customer of each user; null: none any more.
            #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            customers: BTreeMap<String, Option<String>>,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct SettingsPatch {
    pub model: Option<ModelConfig>,
    pub compute: Option<ComputeChoice>,
    /// Day of the month that a billing period starts on, 1 to 28.
    pub billing_day: Option<u8>,
    /// By whom usage is billed on.
    pub billing: BTreeMap<Exporter, BillerPatch>,
}

/// An org's settings. Before the first change they are [`Settings::default`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    pub model: Option<ModelConfig>,
    pub compute: Option<ComputeChoice>,
    pub billing_day: u8,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub billing: BTreeMap<Exporter, Biller>,
    pub updated_at: Option<Timestamp>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            model: None,
            compute: None,
            billing_day: 1,
            billing: BTreeMap::new(),
            updated_at: None,
        }
    }
}

impl Aggregate for Settings {
    const KIND: Kind = Kind::Settings;
    type Command = SettingsPatch;
    type Event = SettingsEvent;

    fn decide(
        state: Option<&Self>,
        patch: &SettingsPatch,
        _: Ctx,
    ) -> Result<Vec<SettingsEvent>, Rejection> {
        let mut errors = Vec::new();
        if let Some(model) = &patch.model {
            model.check("model", &mut errors);
        }
        if let Some(compute) = &patch.compute {
            compute.check("compute", &mut errors);
        }
        if patch.billing_day.is_some_and(|day| !(1..=28).contains(&day)) {
            errors.push(FieldError::new("billingDay", "must be 1 to 28"));
        }
        let now = state.cloned().unwrap_or_default();
        for (exporter, biller) in &patch.billing {
            now.biller(*exporter).check(biller, &format!("billing.{exporter}"), &mut errors);
        }
        if !errors.is_empty() {
            return Err(Rejection::Invalid(errors));
        }
        let model = patch.model.clone().filter(|m| Some(m) != now.model.as_ref());
        let compute = patch.compute.clone().filter(|c| Some(c) != now.compute.as_ref());
        let billing_day = patch.billing_day.filter(|day| *day != now.billing_day);
        let mut events = Vec::new();
        if model.is_some() || compute.is_some() || billing_day.is_some() {
            events.push(SettingsEvent::Updated { model, compute, billing_day });
        }
        for (exporter, biller) in &patch.billing {
            let news = now.biller(*exporter).news(biller);
            events.extend(news.map(|news| SettingsEvent::BillingUpdated {
                exporter: *exporter,
                event_name: news.event_name,
                meter_id: news.meter_id,
                customers: news.customers,
            }));
        }
        Ok(events)
    }

    fn evolve(state: Option<Self>, event: &SettingsEvent, at: Timestamp) -> Option<Self> {
        let mut now = state.unwrap_or_default();
        match event {
            SettingsEvent::Updated { model, compute, billing_day } => {
                now.model = model.clone().or(now.model);
                now.compute = compute.clone().or(now.compute);
                now.billing_day = billing_day.unwrap_or(now.billing_day);
            }
            SettingsEvent::BillingUpdated { exporter, event_name, meter_id, customers } => {
                let patch = BillerPatch {
                    event_name: event_name.clone(),
                    meter_id: meter_id.clone(),
                    customers: customers.clone(),
                };
                let biller = now.billing.remove(exporter).unwrap_or_default();
                now.billing.insert(*exporter, biller.with(&patch));
            }
        }
        now.updated_at = Some(at);
        Some(now)
    }

    fn own(event: &Event) -> Option<&SettingsEvent> {
        if let Event::Settings(e) = event { Some(e) } else { None }
    }
}

impl Settings {
    /// What is set for a biller.
    pub fn biller(&self, exporter: Exporter) -> Biller {
        self.billing.get(&exporter).cloned().unwrap_or_default()
    }
}
