//! Metronome's ingest: batches of events, which it takes as a whole or not at all.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use theazo_domain::agent::Failure;
use theazo_domain::export::{
    BATCH, Biller, ExportOutcome, ExportRecord, Exporter as Name, NO_CUSTOMER,
};
use theazo_domain::{Pico, SessionId, Timestamp};

use crate::EVENT_NAME;

use super::call::{Brake, Caller, Verdict};
use super::{Billers, Exporter, Sent, outside};

/// How old usage may be, and how long a `transaction_id` is known again. Milliseconds.
const WINDOW: i64 = 34 * 86_400_000;
/// How far its time may be ahead. Milliseconds.
const AHEAD: i64 = 86_400_000;
/// The window less an hour, for calls that take their time and for clocks.
const REMEMBERED: Duration = Duration::from_secs(34 * 86_400 - 3_600);

pub struct Metronome {
    caller: Caller,
    url: String,
    key: SecretString,
    event_type: String,
}

#[derive(Serialize)]
struct Ingested<'a> {
    transaction_id: &'a str,
    customer_id: &'a str,
    event_type: &'a str,
    timestamp: Timestamp,
    properties: Properties<'a>,
}

#[derive(Serialize)]
struct Properties<'a> {
    /// Picodollars, as a decimal.
    value: String,
    user_id: &'a str,
    session_id: SessionId,
}

impl Metronome {
    pub fn new(billers: &Billers, key: SecretString, biller: &Biller) -> Self {
        let (client, patience) = (billers.client.clone(), billers.patience);
        Self {
            caller: Caller { client, patience, name: "Metronome" },
            url: billers.metronome_url.trim_end_matches('/').to_owned(),
            key,
            event_type: biller.event_name.clone().unwrap_or_else(|| EVENT_NAME.to_owned()),
        }
    }

    fn request(&self, records: &[&ExportRecord]) -> Result<Request<Bytes>, String> {
        let event = |record: &&'_ ExportRecord| -> serde_json::Result<serde_json::Value> {
            serde_json::to_value(Ingested {
                transaction_id: &record.id,
                customer_id: record.customer.as_deref().unwrap_or_default(),
                event_type: &self.event_type,
                timestamp: record.at,
                properties: Properties {
                    value: record.cost.0.to_string(),
                    user_id: &record.user_id,
                    session_id: record.session_id,
                },
            })
        };
        let events: Result<Vec<_>, _> = records.iter().map(event).collect();
        let body = events.and_then(|events| serde_json::to_vec(&events));
        let body = body.map_err(|error| error.to_string())?;
        Request::post(format!("{}/v1/ingest", self.url))
            .header(AUTHORIZATION, format!("Bearer {}", self.key.expose_secret()))
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(body))
            .map_err(|_| "unauthorized".to_owned())
    }

    /// Sends these; where one of them is refused, all are, so each half is tried by itself.
    async fn ingest(&self, records: &[&ExportRecord], brake: &Brake) -> Vec<ExportOutcome> {
        let mut left: Vec<&[&ExportRecord]> = records.chunks(BATCH).rev().collect();
        let mut outcomes = Vec::with_capacity(records.len());
        while let Some(part) = left.pop() {
            let all = |outcome: &dyn Fn(&str) -> ExportOutcome| {
                part.iter().map(|record| outcome(&record.id)).collect::<Vec<_>>()
            };
            let verdict = match self.request(part) {
                Ok(request) => self.caller.call(brake, || request.clone()).await,
                Err(code) => {
                    outcomes.extend(all(&|id| ExportOutcome::unsent(id, &code)));
                    continue;
                }
            };
            match verdict {
                Verdict::Done(_) => outcomes.extend(all(&ExportOutcome::acknowledged)),
                Verdict::Refused(..) if part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    left.extend([second, first]);
                }
                Verdict::Refused(status, _) => {
                    let code = format!("http_{}", status.as_u16());
                    outcomes.extend(all(&|id| ExportOutcome::rejected(id, &code)));
                }
                Verdict::Open { maybe: true, failure } => {
                    outcomes.extend(all(&|id| ExportOutcome::unknown(id, &failure.code)));
                }
                Verdict::Open { maybe: false, failure } => {
                    outcomes.extend(all(&|id| ExportOutcome::unsent(id, &failure.code)));
                }
            }
        }
        outcomes
    }
}

#[async_trait]
impl Exporter for Metronome {
    fn name(&self) -> Name {
        Name::Metronome
    }

    fn refuses(&self, used_at: Timestamp, now: Timestamp) -> Option<&'static str> {
        outside((WINDOW, AHEAD), used_at, now)
    }

    fn remembers(&self) -> Duration {
        REMEMBERED
    }

    async fn send(&self, records: &[ExportRecord]) -> Sent {
        let brake = Brake::default();
        let (known, nameless): (Vec<_>, Vec<_>) =
            records.iter().partition(|record| record.customer.is_some());
        let mut outcomes = self.ingest(&known, &brake).await;
        let unsent = |record: &&ExportRecord| ExportOutcome::unsent(&record.id, NO_CUSTOMER);
        outcomes.extend(nameless.iter().map(unsent));
        Sent { outcomes, trouble: brake.into_trouble() }
    }

    /// It is never asked: what is older than an identifier is known for is too old to be sent.
    async fn total(&self, _: &str, _: Timestamp, _: Timestamp) -> Result<Option<Pico>, Failure> {
        Ok(None)
    }
}
