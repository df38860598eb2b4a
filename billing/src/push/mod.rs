//! Sending usage records to a biller.
//!
//! An [`Exporter`] keeps to its biller's rules (how many calls at once, how often, how late) and
//! says of each record what became of it. It keeps nothing: what was sent when, and what is to be
//! sent again, is the matter of whoever has the log.

mod call;
mod metronome;
mod stripe;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use theazo_domain::agent::Failure;
use theazo_domain::export::{Biller, ExportOutcome, ExportRecord, Exporter as Name};
use theazo_domain::{Mode, Pico, Timestamp};
use theazo_models::net::Client;

pub use call::Patience;
pub use metronome::Metronome;
pub use stripe::Stripe;

/// The code of usage that is too old for the biller.
pub const TOO_OLD: &str = "timestamp_too_far_in_past";
/// The code of usage that the biller's clock has not come to.
pub const IN_FUTURE: &str = "timestamp_in_future";

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// One of each record.
    pub outcomes: Vec<ExportOutcome>,
    /// Why no more should be sent for now.
    pub trouble: Option<Failure>,
}

/// A biller that takes usage records.
#[async_trait]
pub trait Exporter: Send + Sync {
    fn name(&self) -> Name;

    /// Why a record of this time would not be taken: a code.
    fn refuses(&self, used_at: Timestamp, now: Timestamp) -> Option<&'static str>;

    /// How long the biller knows an identifier again. A record that may have got there longer ago
    /// must not be sent without a look.
    fn remembers(&self) -> Duration;

    /// Sends these records, each to its customer. It may be called again with the same ones.
    async fn send(&self, records: &[ExportRecord]) -> Sent;

    /// What the biller has of a customer's usage from the minute `from` on and before the minute
    /// `until`; `None` where it does not say, or not exactly.
    async fn total(
        &self,
        customer: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Pico>, Failure>;
}

/// Where the billers are, and with what they are called.
#[derive(Clone)]
pub struct Billers {
    pub client: Client,
    /// `https://api.stripe.com`
    pub stripe_url: String,
    /// `https://api.metronome.com`
    pub metronome_url: String,
    pub patience: Patience,
}

impl Billers {
    pub const STRIPE: &'static str = "https://api.stripe.com";
    pub const METRONOME: &'static str = "https://api.metronome.com";

    /// The exporter of an org, with its own key and settings.
    pub fn exporter(&self, name: Name, key: SecretString, biller: &Biller) -> Box<dyn Exporter> {
        match name {
            Name::Stripe => Box::new(Stripe::new(self, key, biller)),
            Name::Metronome => Box::new(Metronome::new(self, key, biller)),
        }
    }
}

/// Whether this is a key for real money, and the mode is the one without.
pub fn is_live_key_in_test(mode: Mode, key: &SecretString) -> bool {
    let live = ["sk_live_", "rk_live_"];
    mode == Mode::Test && live.iter().any(|live| key.expose_secret().starts_with(live))
}

/// The records of each customer, in their order.
fn by_customer(records: &[ExportRecord]) -> Vec<Vec<&ExportRecord>> {
    let mut groups: BTreeMap<Option<&str>, Vec<&ExportRecord>> = BTreeMap::new();
    for record in records {
        groups.entry(record.customer.as_deref()).or_default().push(record);
    }
    groups.into_values().collect()
}

/// Why usage is refused by a biller that takes none older than `oldest`, nor further ahead of its
/// clock than `ahead`, both in milliseconds.
fn outside(
    (oldest, ahead): (i64, i64),
    used_at: Timestamp,
    now: Timestamp,
) -> Option<&'static str> {
    match now.as_millis().saturating_sub(used_at.as_millis()) {
        age if age > oldest => Some(TOO_OLD),
        age if age < -ahead => Some(IN_FUTURE),
        _ => None,
    }
}
