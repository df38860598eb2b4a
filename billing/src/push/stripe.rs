//! Stripe's meter events: one call for each record, one at a time for each customer.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use theazo_domain::agent::Failure;
use theazo_domain::export::{Biller, ExportOutcome, ExportRecord, Exporter as Name};
use theazo_domain::{Pico, Timestamp};
use url::form_urlencoded::Serializer;

use crate::EVENT_NAME;
use crate::export::parts;

use super::call::{Brake, Caller, Verdict};
use super::{Billers, Exporter, Sent, by_customer, outside};

/// The version of the API that this is written to.
const VERSION: &str = "2025-03-31.basil";
/// How old usage may be. Milliseconds.
const OLDEST: i64 = 35 * 86_400_000;
/// How far its time may be ahead. Milliseconds.
const AHEAD: i64 = 300_000;
/// How long identifiers are unique for, by Stripe's word at least 24 hours; less an hour for calls
/// that take their time, and for clocks.
const REMEMBERED: Duration = Duration::from_secs(23 * 3_600);
/// Customers that are told of at the same time.
const CUSTOMERS: usize = 8;
/// The largest whole number up to which Stripe's JSON says every one.
const EXACT: f64 = 9_007_199_254_740_992.0;

pub struct Stripe {
    caller: Caller,
    url: String,
    key: SecretString,
    event_name: String,
    meter: Option<String>,
}

impl Stripe {
    pub fn new(billers: &Billers, key: SecretString, biller: &Biller) -> Self {
        let (client, patience) = (billers.client.clone(), billers.patience);
        Self {
            caller: Caller { client, patience, name: "Stripe" },
            url: billers.stripe_url.trim_end_matches('/').to_owned(),
            key,
            event_name: biller.event_name.clone().unwrap_or_else(|| EVENT_NAME.to_owned()),
            meter: biller.meter_id.clone(),
        }
    }

    fn request(&self, request: http::request::Builder) -> http::request::Builder {
        let key = format!("Bearer {}", self.key.expose_secret());
        request.header(AUTHORIZATION, key).header("stripe-version", VERSION)
    }

    /// The records of one customer, one after the other: Stripe takes one call at a time for each.
    async fn customer(&self, records: Vec<&ExportRecord>, brake: &Brake) -> Vec<ExportOutcome> {
        let mut outcomes = Vec::with_capacity(records.len());
        for record in records {
            outcomes.push(self.record(record, brake).await);
        }
        outcomes
    }

    /// All parts of a record, one after the other.
    async fn record(&self, record: &ExportRecord, brake: &Brake) -> ExportOutcome {
        let id = &record.id;
        let Some(customer) = &record.customer else {
            return ExportOutcome::unsent(id, theazo_domain::export::NO_CUSTOMER);
        };
        // What of it the biller may have: all parts have to be there.
        let mut taken = false;
        for (identifier, value) in parts(id, record.cost) {
            let form = self.form(record, customer, &identifier, value);
            let key = format!("{identifier}:{}", record.rejections);
            let url = format!("{}/v1/billing/meter_events", self.url);
            let built = self
                .request(Request::post(url))
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("idempotency-key", key)
                .body(Bytes::from(form));
            let Ok(request) = built else {
                return ExportOutcome::unsent(id, "unauthorized");
            };
            match self.caller.call(brake, || request.clone()).await {
                Verdict::Done(_) => taken = true,
                Verdict::Refused(status, body) if is_known(status, &body) => taken = true,
                Verdict::Refused(status, body) if !taken => {
                    return ExportOutcome::rejected(id, &code(status, &body));
                }
                Verdict::Refused(..) => return ExportOutcome::unknown(id, "partly_taken"),
                Verdict::Open { maybe, failure } if maybe || taken => {
                    return ExportOutcome::unknown(id, &failure.code);
                }
                Verdict::Open { failure, .. } => return ExportOutcome::unsent(id, &failure.code),
            }
        }
        ExportOutcome::acknowledged(id)
    }

    fn form(&self, record: &ExportRecord, customer: &str, identifier: &str, value: i128) -> String {
        let seconds = record.at.as_millis().div_euclid(1_000);
        Serializer::new(String::new())
            .append_pair("event_name", &self.event_name)
            .append_pair("identifier", identifier)
            .append_pair("timestamp", &seconds.to_string())
            .append_pair("payload[stripe_customer_id]", customer)
            .append_pair("payload[value]", &value.to_string())
            .finish()
    }
}

/// Whether Stripe refused a meter event because it has it: nobody else's has its identifier.
fn is_known(status: StatusCode, body: &Value) -> bool {
    let message = body["error"]["message"].as_str().unwrap_or_default();
    status == StatusCode::BAD_REQUEST && message.contains("already exists with identifier")
}

fn code(status: StatusCode, body: &Value) -> String {
    let error = &body["error"];
    let said = error["code"].as_str().or_else(|| error["type"].as_str());
    let said = said.filter(|code| !code.is_empty() && code.len() <= 100);
    said.map_or_else(|| format!("http_{}", status.as_u16()), str::to_owned)
}

#[async_trait]
impl Exporter for Stripe {
    fn name(&self) -> Name {
        Name::Stripe
    }

    fn refuses(&self, used_at: Timestamp, now: Timestamp) -> Option<&'static str> {
        outside((OLDEST, AHEAD), used_at, now)
    }

    fn remembers(&self) -> Duration {
        REMEMBERED
    }

    async fn send(&self, records: &[ExportRecord]) -> Sent {
        let brake = Brake::default();
        let mut customers = Vec::new();
        for records in by_customer(records) {
            customers.push(self.customer(records, &brake));
        }
        let told = stream::iter(customers).buffer_unordered(CUSTOMERS);
        let outcomes = told.flat_map(stream::iter).collect().await;
        Sent { outcomes, trouble: brake.into_trouble() }
    }

    async fn total(
        &self,
        customer: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Pico>, Failure> {
        let Some(meter) = &self.meter else { return Ok(None) };
        let seconds = |at: Timestamp| at.as_millis().div_euclid(1_000).to_string();
        let query = Serializer::new(String::new())
            .append_pair("customer", customer)
            .append_pair("start_time", &seconds(from))
            .append_pair("end_time", &seconds(until))
            .append_pair("limit", "100")
            .finish();
        let url = format!("{}/v1/billing/meters/{meter}/event_summaries?{query}", self.url);
        let invalid = |_| Failure {
            code: "unauthorized".to_owned(),
            message: "The meter's id or the key cannot be sent to Stripe.".to_owned(),
        };
        let request = self.request(Request::get(url)).body(Bytes::new()).map_err(invalid)?;
        match self.caller.call(&Brake::default(), || request.clone()).await {
            Verdict::Done(body) => Ok(sum(&body)),
            // The meter is not there, or not for this customer.
            Verdict::Refused(..) => Ok(None),
            Verdict::Open { failure, .. } => Err(failure),
        }
    }
}

/// The sum of a page of summaries, if it is all of them and exact.
fn sum(page: &Value) -> Option<Pico> {
    let whole = page["has_more"].as_bool() == Some(false);
    let summaries = page["data"].as_array().filter(|_| whole)?;
    summaries.iter().try_fold(Pico::ZERO, |sum, summary| {
        let value = summary["aggregated_value"].as_f64()?;
        let exact = value.fract() == 0.0 && (0.0..=EXACT).contains(&value);
        // Exact, as was just seen.
        exact.then(|| sum + Pico(value as i128))
    })
}
