//! What it knows, and its rules.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::StripeServer;
use super::answer::Answer;

/// Seconds: identifiers and idempotency keys are remembered for a day, usage may be 35 days old or
/// 5 minutes ahead, and a day is what an event can be cancelled in.
const DAY: i64 = 86_400;
const OLDEST: i64 = 35 * DAY;
const AHEAD: i64 = 300;

/// A meter event as it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterEvent {
    pub identifier: String,
    pub customer: String,
    pub value: i128,
    /// Unix seconds.
    pub timestamp: i64,
    pub created: i64,
    pub cancelled: bool,
}

pub(super) struct Book {
    pub event_name: String,
    pub customers: BTreeSet<String>,
    pub events: Vec<MeterEvent>,
    /// By key: the request and its answer.
    pub answered: BTreeMap<String, (String, Answer, i64)>,
    pub calls: u64,
    pub requests: u64,
    pub violations: Vec<String>,
    /// Seconds that its clock is ahead.
    pub ahead: i64,
}

/// The fields of a form, in brackets as they were written.
pub(super) type Form = BTreeMap<String, String>;

impl Book {
    pub fn new(event_name: &str) -> Self {
        Self {
            event_name: event_name.to_owned(),
            customers: BTreeSet::new(),
            events: Vec::new(),
            answered: BTreeMap::new(),
            calls: 0,
            requests: 0,
            violations: Vec::new(),
            ahead: 0,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "it stands for another company's clock")]
    pub fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(since.as_secs()).unwrap() + self.ahead
    }

    /// What was answered to this key within a day.
    pub fn answer_of(&self, key: &str, request: &str) -> Option<Answer> {
        let (before, answer, at) = self.answered.get(key)?;
        if self.now() - at >= DAY {
            return None;
        }
        if before != request {
            let message = "Keys for idempotent requests can only be used with the same parameters \
                           they were first used with.";
            return Some(Answer::error(400, "idempotency_key_in_use", message, ""));
        }
        Some(answer.clone().with("idempotent-replayed", "true"))
    }

    pub fn create(&mut self, form: &Form) -> Answer {
        match self.examined(form) {
            Ok(event) => {
                let answer = json!({
                    "object": "billing.meter_event",
                    "created": event.created,
                    "event_name": self.event_name,
                    "identifier": event.identifier,
                    "livemode": false,
                    "payload": {
                        "stripe_customer_id": event.customer,
                        "value": event.value.to_string(),
                    },
                    "timestamp": event.timestamp,
                });
                self.events.push(event);
                Answer::ok(answer)
            }
            Err(refusal) => refusal,
        }
    }

    fn examined(&self, form: &Form) -> Result<MeterEvent, Answer> {
        let now = self.now();
        let known = ["event_name", "identifier", "timestamp"];
        for name in form.keys() {
            if !known.contains(&name.as_str()) && !name.starts_with("payload[") {
                let message = format!("Received unknown parameter: {name}");
                return Err(Answer::error(400, "parameter_unknown", &message, name));
            }
        }
        let event_name = field(form, "event_name")?;
        if event_name != self.event_name {
            let message = format!("No active meter found for event name {event_name}.");
            return Err(Answer::error(400, "no_meter", &message, "event_name"));
        }
        let customer = field(form, "payload[stripe_customer_id]").map_err(|_| {
            let message = "The payload has no customer.";
            Answer::error(400, "meter_event_no_customer_defined", message, "payload")
        })?;
        if !self.customers.contains(&customer) {
            let message = format!("No such customer: '{customer}'");
            return Err(Answer::error(400, "meter_event_customer_not_found", &message, "payload"));
        }
        let value = whole(&field(form, "payload[value]")?)?;
        let timestamp = match form.get("timestamp") {
            None => now,
            Some(text) => text.parse().map_err(|_| {
                let message = format!("Invalid integer: {text}");
                Answer::error(400, "parameter_invalid_integer", &message, "timestamp")
            })?,
        };
        if timestamp < now - OLDEST {
            let message = "The timestamp must be within the past 35 calendar days.";
            return Err(Answer::error(400, "timestamp_too_far_in_past", message, "timestamp"));
        }
        if timestamp > now + AHEAD {
            let message = "The timestamp must be at most 5 minutes in the future.";
            return Err(Answer::error(400, "timestamp_in_future", message, "timestamp"));
        }
        let made = || format!("evt_loopback_{}", self.requests);
        let identifier = form.get("identifier").cloned().unwrap_or_else(made);
        if identifier.len() > 100 {
            let message = "Invalid string: must be at most 100 characters";
            return Err(Answer::error(400, "parameter_invalid_string", message, "identifier"));
        }
        let twice =
            |event: &MeterEvent| event.identifier == identifier && now - event.created < DAY;
        if self.events.iter().any(twice) {
            let message = format!("An event already exists with identifier {identifier}.");
            return Err(Answer::error(400, "", &message, ""));
        }
        Ok(MeterEvent { identifier, customer, value, timestamp, created: now, cancelled: false })
    }

    pub fn adjust(&mut self, form: &Form) -> Answer {
        let asked = field(form, "event_name").and_then(|_| {
            let kind = field(form, "type")?;
            if kind != "cancel" {
                let message = format!("Invalid type: must be cancel, not {kind}");
                return Err(Answer::error(400, "", &message, "type"));
            }
            field(form, "cancel[identifier]")
        });
        let identifier = match asked {
            Ok(identifier) => identifier,
            Err(refusal) => return refusal,
        };
        let now = self.now();
        let found = self.events.iter_mut().find(|event| event.identifier == identifier);
        match found {
            Some(event) if now - event.created < DAY => {
                event.cancelled = true;
                Answer::ok(json!({
                    "object": "billing.meter_event_adjustment",
                    "cancel": { "identifier": identifier },
                    "event_name": self.event_name,
                    "livemode": false,
                    "status": "pending",
                    "type": "cancel",
                }))
            }
            Some(_) => {
                let message = "The event is older than 24 hours and cannot be cancelled.";
                Answer::error(400, "", message, "cancel[identifier]")
            }
            None => {
                let message = format!("No such meter event: '{identifier}'");
                Answer::error(404, "resource_missing", &message, "cancel[identifier]")
            }
        }
    }

    /// The sum of a customer's events in a time of whole minutes.
    pub fn summaries(&self, meter: &str, query: &Form) -> Answer {
        if meter != StripeServer::METER {
            let message = format!("No such meter: '{meter}'");
            return Answer::error(404, "resource_missing", &message, "id");
        }
        let time = |name: &str| -> Result<i64, Answer> {
            let text = field(query, name)?;
            let aligned = text.parse().ok().filter(|seconds: &i64| seconds % 60 == 0);
            aligned.ok_or_else(|| {
                let message = format!("{name} must be aligned with minute boundaries");
                Answer::error(400, "", &message, name)
            })
        };
        let asked = field(query, "customer")
            .and_then(|customer| Ok((customer, time("start_time")?, time("end_time")?)));
        let (customer, from, until) = match asked {
            Ok(asked) => asked,
            Err(refusal) => return refusal,
        };
        let counts = |event: &&MeterEvent| {
            let within = from <= event.timestamp && event.timestamp < until;
            event.customer == customer && within && !event.cancelled
        };
        let events: Vec<&MeterEvent> = self.events.iter().filter(counts).collect();
        let sum: i128 = events.iter().map(|event| event.value).sum();
        let summary = json!({
            "id": "mtrusg_loopback",
            "object": "billing.meter_event_summary",
            "aggregated_value": sum as f64,
            "start_time": from,
            "end_time": until,
            "livemode": false,
            "meter": meter,
        });
        let data = if events.is_empty() { vec![] } else { vec![summary] };
        Answer::ok(json!({
            "object": "list",
            "data": data,
            "has_more": false,
            "url": format!("/v1/billing/meters/{meter}/event_summaries"),
        }))
    }
}

fn field(form: &Form, name: &str) -> Result<String, Answer> {
    let found = form.get(name).filter(|value| !value.is_empty()).cloned();
    found.ok_or_else(|| {
        let message = format!("Missing required param: {name}.");
        Answer::error(400, "parameter_missing", &message, name)
    })
}

fn whole(text: &str) -> Result<i128, Answer> {
    let digits = text.trim_start_matches('-');
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = format!("Invalid value: {text} is not a whole number");
        return Err(Answer::error(400, "meter_event_invalid_value", &message, "payload"));
    }
    if digits.len() > 15 {
        let message = format!("Invalid value: {text} has more than 15 digits");
        return Err(Answer::error(400, "meter_event_value_too_many_digits", &message, "payload"));
    }
    Ok(text.parse().unwrap())
}

/// A form, or the query of a URL.
pub(super) fn read_form(text: &str) -> Form {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let hex = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                let hex = std::str::from_utf8(&hex).unwrap_or("00");
                u8::from_str_radix(hex, 16).unwrap_or(b'?')
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// For the violations.
pub(super) fn shown(form: &Form) -> Value {
    json!(form)
}
