//! Usage records as the meter events of Stripe, as far as it can be said without Stripe.
//!
//! A record whose user has no customer cannot be a meter event. It is a line all the same, with
//! `error` in place of the event, so that nothing is dropped; and the last line, `summary`, counts
//! both. A download without that line is not whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use theazo_domain::Pico;

use super::Writer;
use super::row::json_line;
use crate::{Customers, Owned, Place};

/// The meter's `event_name`. Its value is picodollars, summed.
pub const EVENT_NAME: &str = "theazo_usage_picodollars";
/// Stripe takes 15 digits.
pub const MAX_VALUE: i128 = 999_999_999_999_999;
/// Users without a customer that the last line names.
const NAMED: usize = 100;

/// One meter event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeterEvent {
    pub event_name: &'static str,
    /// The usage record's id; `…#2` and on for the further parts of one that is too dear for one
    /// event.
    pub identifier: String,
    /// Unix seconds. Of an adjustment, when it was recorded: its own time is in a closed period.
    pub timestamp: i64,
    pub payload: Payload,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payload {
    pub stripe_customer_id: String,
    /// A whole number, as text: so Stripe's API has it.
    pub value: String,
}

/// The meter events of `record`, which `customer` pays: one, but for a record of a thousand dollars
/// and more.
pub fn meter_events(record: &Owned, customer: &str) -> Vec<MeterEvent> {
    let usage = record.record();
    let time = if record.adjustment { record.recorded } else { usage.at() };
    let event = |(identifier, value): (String, i128)| MeterEvent {
        event_name: EVENT_NAME,
        identifier,
        timestamp: time.as_millis().div_euclid(1_000),
        payload: Payload { stripe_customer_id: customer.to_owned(), value: value.to_string() },
    };
    parts(usage.id(), usage.cost()).into_iter().map(event).collect()
}

/// The meter events that a usage record comes to: their identifiers and values. Several, when its
/// cost is more than one value holds.
pub(crate) fn parts(id: &str, cost: Pico) -> Vec<(String, i128)> {
    let (mut left, mut parts) = (cost.0, Vec::new());
    while left > MAX_VALUE {
        parts.push(MAX_VALUE);
        left -= MAX_VALUE;
    }
    parts.push(left);
    let name = |number: usize| if number == 1 { id.to_owned() } else { format!("{id}#{number}") };
    (1..).map(name).zip(parts).collect()
}

pub(super) struct Stripe {
    customers: Arc<dyn Customers>,
    summary: Summary,
    nameless: BTreeSet<String>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    records: u64,
    events: u64,
    records_without_customer: u64,
    /// The first hundred of them that there are, in the order of their names.
    users_without_customer: Vec<String>,
    /// There are more than are named.
    more_users: bool,
    /// Of the last record: to go on after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<String>,
}

/// An event of the file: with where it is, which Stripe is not to be sent.
#[derive(Serialize)]
struct Event {
    /// On the last event of a record only: who goes on after it has the whole record.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<String>,
    #[serde(flatten)]
    event: MeterEvent,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refused<'a> {
    position: String,
    identifier: &'a str,
    error: Reason<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reason<'a> {
    code: &'static str,
    user_id: &'a str,
    cost_pico: Pico,
    message: &'static str,
}

impl Stripe {
    pub(super) fn new(customers: Arc<dyn Customers>) -> Self {
        Self { customers, summary: Summary::default(), nameless: BTreeSet::new() }
    }

    fn refuse(&mut self, record: &Owned, out: &mut Vec<u8>) {
        let (usage, user_id) = (record.record(), record.user_id());
        self.summary.records_without_customer += 1;
        if self.nameless.len() < NAMED {
            self.nameless.insert(user_id.to_owned());
        } else if !self.nameless.contains(user_id) {
            self.summary.more_users = true;
        }
        let error = Reason {
            code: "no_customer",
            user_id,
            cost_pico: usage.cost(),
            message: "The user has no Stripe customer: set `stripeCustomerId` in the metadata of \
                      the session, or map the user in the settings, then export again.",
        };
        let position = record.place.to_string();
        json_line(&Refused { position, identifier: usage.id(), error }, out);
    }
}

impl Writer for Stripe {
    fn row(&mut self, record: &Owned, out: &mut Vec<u8>) {
        self.summary.records += 1;
        self.summary.position = Some(Place::to_string(&record.place));
        let events = match record.billed.customer(&*self.customers) {
            Some(customer) => meter_events(record, &customer),
            None => return self.refuse(record, out),
        };
        let last = events.len();
        for (event, number) in events.into_iter().zip(1..) {
            self.summary.events += 1;
            let position = (number == last).then(|| record.place.to_string());
            json_line(&Event { position, event }, out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        #[derive(Serialize)]
        struct Last<'a> {
            summary: &'a Summary,
        }
        self.summary.users_without_customer =
            std::mem::take(&mut self.nameless).into_iter().collect();
        json_line(&Last { summary: &self.summary }, out);
    }
}
