//! The billers that usage is pushed to, and what an org has set for each.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{FieldError, validate};

/// Customers that can be mapped in the settings. More are mapped by the metadata of sessions.
const MAX_CUSTOMERS: usize = 1_000;
/// Of them in one change, so that an event stays small.
const MAX_CHANGED: usize = 250;

/// Who is told of usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exporter {
    Stripe,
    Metronome,
}

impl Exporter {
    pub const ALL: &'static [Exporter] = &[Exporter::Stripe, Exporter::Metronome];

    pub const fn as_str(self) -> &'static str {
        match self {
            Exporter::Stripe => "stripe",
            Exporter::Metronome => "metronome",
        }
    }

    /// The name of the org's secret that holds its key.
    pub const fn secret(self) -> &'static str {
        match self {
            Exporter::Stripe => "STRIPE_API_KEY",
            Exporter::Metronome => "METRONOME_API_KEY",
        }
    }

    /// The field of a session's metadata that names its user's customer.
    pub const fn metadata_key(self) -> &'static str {
        match self {
            Exporter::Stripe => "stripeCustomerId",
            Exporter::Metronome => "metronomeCustomerId",
        }
    }
}

impl fmt::Display for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Exporter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Exporter::ALL.iter().find(|exporter| exporter.as_str() == text);
        found.copied().ok_or_else(|| "must be `stripe` or `metronome`".to_owned())
    }
}

/// What an org has set for one biller.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Biller {
    /// What the events of its meter are called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_name: Option<String>,
    /// The meter's id, whose sums outcomes are looked up in that are not known otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter_id: Option<String>,
    /// The biller's customer of each of the org's users.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub customers: BTreeMap<String, String>,
}

/// What to change of a [`Biller`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BillerPatch {
    pub event_name: Option<String>,
    pub meter_id: Option<String>,
    /// Those that change; without a value: the user is no longer mapped.
    pub customers: BTreeMap<String, Option<String>>,
}

impl Biller {
    /// With what `patch` changes.
    pub fn with(mut self, patch: &BillerPatch) -> Self {
        self.event_name = patch.event_name.clone().or(self.event_name);
        self.meter_id = patch.meter_id.clone().or(self.meter_id);
        for (user, customer) in &patch.customers {
            match customer {
                Some(customer) => self.customers.insert(user.clone(), customer.clone()),
                None => self.customers.remove(user),
            };
        }
        self
    }

    /// The part of `patch` that changes something.
    pub fn news(&self, patch: &BillerPatch) -> Option<BillerPatch> {
        let event_name = patch.event_name.clone().filter(|n| Some(n) != self.event_name.as_ref());
        let meter_id = patch.meter_id.clone().filter(|m| Some(m) != self.meter_id.as_ref());
        let mut customers = patch.customers.clone();
        customers.retain(|user, customer| customer.as_ref() != self.customers.get(user));
        let news = BillerPatch { event_name, meter_id, customers };
        (news != BillerPatch::default()).then_some(news)
    }

    /// What is wrong with `patch`; `path` is where it came from.
    pub fn check(&self, patch: &BillerPatch, path: &str, errors: &mut Vec<FieldError>) {
        let names = [("eventName", &patch.event_name), ("meterId", &patch.meter_id)];
        for (field, value) in names {
            if let Some(value) = value {
                validate::text(&format!("{path}.{field}"), value, 100, errors);
            }
        }
        for (user, customer) in &patch.customers {
            let path = format!("{path}.customers.{user}");
            validate::text(&path, user, 200, errors);
            if let Some(customer) = customer {
                validate::text(&path, customer, 100, errors);
            }
        }
        let path = format!("{path}.customers");
        if patch.customers.len() > MAX_CHANGED {
            let message = format!("must change at most {MAX_CHANGED} customers at a time");
            errors.push(FieldError::new(path, message));
        } else if self.clone().with(patch).customers.len() > MAX_CUSTOMERS {
            let message = format!(
                "must come to at most {MAX_CUSTOMERS} customers; name others in the metadata of \
                 their sessions"
            );
            errors.push(FieldError::new(path, message));
        }
    }
}
