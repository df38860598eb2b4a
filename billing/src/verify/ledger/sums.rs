//! What a biller itself says of each customer, against what the ledger says that it acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use secrecy::SecretString;
use theazo_domain::agent::Failure;
use theazo_domain::export::{Biller, Exporter as Name};
use theazo_domain::{Mode, Pico, Timestamp};

use crate::Period;
use crate::push::{Billers, Exporter, Patience, is_live_key_in_test};
use crate::verify::VerifyError;
use crate::verify::report::{BILLER, Checked, Difference};
use crate::verify::run::Run;

/// A biller's sums are of whole minutes. Milliseconds.
const MINUTE: i64 = 60_000;
/// Customers that are asked for at the same time.
const AT_ONCE: usize = 8;
/// How often a call is made, at most.
const TRIES: u32 = 3;

const MORE: &str = "The biller has more than was acknowledged: events of this meter come from \
                    elsewhere, or one is there twice. Look through the customer's events at the \
                    biller; one of the last 24 hours can be cancelled, for an older one give \
                    credit.";
const LESS: &str = "The biller has less than it acknowledged. It adds up with a delay: verify \
                    again in some minutes. If it stays so, an event was cancelled at the biller, \
                    or `billing.stripe.meterId` of the settings is another meter than the events'.";
const UNTOLD: &str = "The biller does not tell this sum, or not exactly. See that \
                      `billing.stripe.meterId` of the settings is the meter's id (`mtr_…`), then \
                      verify a shorter time.";

/// A biller whose sums are to be compared.
pub struct Sums {
    pub biller: Box<dyn Exporter>,
    /// Customers that are asked for even when no record was sent to them.
    pub customers: BTreeSet<String>,
}

/// Why a biller cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSums {
    #[error(
        "Stripe's sums are of a meter, and its id is not set: set `billing.stripe.meterId` with \
         PATCH /v1/settings, then verify again."
    )]
    NoMeter,
    #[error(
        "The key for Stripe is not set: set the secret STRIPE_API_KEY with POST /v1/secrets, then \
         verify again."
    )]
    NoKey,
    #[error("The secret STRIPE_API_KEY of test mode is a live key; set a test key.")]
    LiveKey,
}

impl Sums {
    /// Stripe's, for an org with this key and these settings.
    pub fn of_stripe(
        billers: &Billers,
        mode: Mode,
        key: Option<SecretString>,
        biller: &Biller,
    ) -> Result<Self, NoSums> {
        if biller.meter_id.is_none() {
            return Err(NoSums::NoMeter);
        }
        let key = key.ok_or(NoSums::NoKey)?;
        if is_live_key_in_test(mode, &key) {
            return Err(NoSums::LiveKey);
        }
        // Somebody waits for the answer.
        let tries = billers.patience.tries.min(TRIES);
        let patience = Patience { tries, ..billers.patience };
        let billers = Billers { patience, ..billers.clone() };
        let customers: BTreeSet<String> = biller.customers.values().cloned().collect();
        Ok(Self { biller: billers.exporter(Name::Stripe, key, biller), customers })
    }
}

impl<P: FnMut(u64, u64) + Send> Run<'_, P> {
    /// Compares the sums of the whole minutes that the period touches. What is sent meanwhile, or
    /// is in doubt, may be in a sum or not.
    pub(in crate::verify) async fn compare_sums(&mut self, sums: &Sums) -> Result<(), VerifyError> {
        let (name, time) = (sums.biller.name(), minutes(&self.report.period));
        let mut before = self.ledgers.customers(name, time);
        for customer in &sums.customers {
            before.entry(customer.clone()).or_default();
        }
        let ask = |customer: String| async move {
            let total = total(&*sums.biller, &customer, time).await?;
            Ok::<_, Failure>((customer, total))
        };
        let customers: Vec<_> = before.keys().cloned().map(ask).collect();
        let told = stream::iter(customers).buffer_unordered(AT_ONCE);
        let told: BTreeMap<String, Option<Pico>> =
            told.try_collect().await.map_err(VerifyError::Biller)?;
        // What was sent until now is in the log before it.
        self.fold_on().await?;
        let after = self.ledgers.customers(name, time);
        let rows = u64::try_from(told.len()).unwrap_or(u64::MAX);
        self.report.checked.push(Checked { name: BILLER, rows, differences: 0 });
        for (customer, total) in told {
            let (least, _) = before.get(&customer).copied().unwrap_or_default();
            let (acknowledged, doubtful) = after.get(&customer).copied().unwrap_or_default();
            if let Some(difference) = judged(customer, total, least, acknowledged + doubtful) {
                self.report.add(difference);
            }
        }
        Ok(())
    }
}

fn judged(customer: String, total: Option<Pico>, least: Pico, most: Pico) -> Option<Difference> {
    let reason = match total {
        None => UNTOLD,
        Some(total) if total < least => LESS,
        Some(total) if total > most => MORE,
        Some(_) => return None,
    };
    let log = match least == most {
        true => least.0.to_string(),
        false => format!("{} to {}", least.0, most.0),
    };
    Some(Difference {
        name: BILLER,
        key: customer,
        field: "sum",
        log,
        found: total.map(|total| total.0.to_string()),
        reason: reason.to_owned(),
        events: Vec::new(),
    })
}

/// The whole minutes that `period` touches.
fn minutes(period: &Period) -> (Timestamp, Timestamp) {
    let from = period.from.as_millis().div_euclid(MINUTE).saturating_mul(MINUTE);
    let until = period.until.as_millis().saturating_add(MINUTE - 1).div_euclid(MINUTE);
    (Timestamp::from_millis(from), Timestamp::from_millis(until.saturating_mul(MINUTE)))
}

/// The sum of the time; day by day where it is too large to be told exactly at once.
async fn total(
    biller: &dyn Exporter,
    customer: &str,
    (from, until): (Timestamp, Timestamp),
) -> Result<Option<Pico>, Failure> {
    if let Some(total) = biller.total(customer, from, until).await? {
        return Ok(Some(total));
    }
    let (mut sum, mut from) = (Pico::ZERO, from);
    while from < until {
        let end = from.day().end().min(until);
        let Some(total) = biller.total(customer, from, end).await? else { return Ok(None) };
        sum += total;
        from = end;
    }
    Ok(Some(sum))
}
