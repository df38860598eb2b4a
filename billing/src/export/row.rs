//! A usage record with all that is known of it, in one row.

use serde::Serialize;
use theazo_domain::pricing::{ComputeUsage, ModelUsage, StorageUsage, Usage};
use theazo_domain::{AgentId, Pico, SessionId, TaskId, Timestamp};

use super::Writer;
use crate::Owned;

/// The columns of a row, in order.
pub const COLUMNS: [&str; 23] = [
    "position",
    "id",
    "at",
    "until",
    "recordedAt",
    "adjustment",
    "userId",
    "sessionId",
    "agentId",
    "taskId",
    "meter",
    "model",
    "computeMs",
    "inputTokens",
    "cacheReadTokens",
    "cacheWriteTokens",
    "outputTokens",
    "byteSeconds",
    "priceId",
    "basis",
    "costPico",
    "waivedPico",
    "unbilledMs",
];

/// One row; what a meter does not have is absent. The fields are [`COLUMNS`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line<'a> {
    pub position: String,
    pub id: &'a str,
    /// When it was used, or began to be.
    pub at: Timestamp,
    /// Until when, where it took time. Not after the end of its day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    pub recorded_at: Timestamp,
    /// It was recorded after its period had been closed.
    pub adjustment: bool,
    pub user_id: &'a str,
    pub session_id: SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// `compute`, `model` or `storage`.
    pub meter: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<&'a str>,
    #[serde(flatten)]
    pub quantities: Quantities,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_id: Option<&'a str>,
    /// Where a model's cost comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<&'static str>,
    pub cost_pico: Pico,
    /// What a cap had no room for; it is not billed.
    pub waived_pico: Pico,
    /// The running time that is not billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unbilled_ms: Option<u64>,
}

/// What was metered, in the smallest units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quantities {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte_seconds: Option<u64>,
}

impl<'a> Line<'a> {
    pub fn of(owned: &'a Owned) -> Self {
        let record = owned.record();
        let line = Self {
            position: owned.place.to_string(),
            id: record.id(),
            at: record.at(),
            until: None,
            recorded_at: owned.recorded,
            adjustment: owned.adjustment,
            user_id: owned.user_id(),
            session_id: record.session,
            agent_id: record.agent,
            task_id: record.task,
            meter: meter(&record.usage),
            model: None,
            quantities: Quantities::default(),
            price_id: None,
            basis: None,
            cost_pico: record.cost(),
            waived_pico: waived(&record.usage),
            unbilled_ms: None,
        };
        match record.usage {
            Usage::Compute(usage) => line.with_compute(usage),
            Usage::Model(usage) => line.with_model(usage),
            Usage::Storage(usage) => line.with_storage(usage),
        }
    }

    fn with_compute(self, usage: &'a ComputeUsage) -> Self {
        let compute_ms = Some(usage.compute_millis);
        Self {
            until: Some(usage.until),
            quantities: Quantities { compute_ms, ..Quantities::default() },
            price_id: Some(&usage.price.id),
            unbilled_ms: (usage.unbilled_millis > 0).then_some(usage.unbilled_millis),
            ..self
        }
    }

    fn with_model(self, usage: &'a ModelUsage) -> Self {
        let tokens = &usage.tokens;
        let written = tokens.cache_write_short.saturating_add(tokens.cache_write_long);
        let fee = usage.fee.as_ref().map(|fee| &*fee.id);
        Self {
            model: Some(&usage.model),
            quantities: Quantities {
                input_tokens: Some(tokens.input),
                cache_read_tokens: Some(tokens.cache_read),
                cache_write_tokens: Some(written),
                output_tokens: Some(tokens.output),
                ..Quantities::default()
            },
            price_id: fee.or(usage.price.as_ref().map(|price| &*price.id)),
            basis: Some(basis(usage)),
            ..self
        }
    }

    fn with_storage(self, usage: &'a StorageUsage) -> Self {
        let byte_seconds = Some(usage.byte_seconds);
        Self {
            until: Some(usage.day.end()),
            quantities: Quantities { byte_seconds, ..Quantities::default() },
            price_id: Some(&usage.price.id),
            ..self
        }
    }
}

pub(crate) fn meter(usage: &Usage<'_>) -> &'static str {
    match usage {
        Usage::Compute(_) => "compute",
        Usage::Model(_) => "model",
        Usage::Storage(_) => "storage",
    }
}

/// What a cap kept from being billed.
pub(crate) fn waived(usage: &Usage<'_>) -> Pico {
    match usage {
        Usage::Compute(usage) => {
            let ran = usage.compute_millis.saturating_add(usage.unbilled_millis);
            usage.price.cost(ran).minus(usage.cost)
        }
        Usage::Model(usage) => usage.waived,
        Usage::Storage(usage) => usage.waived,
    }
}

fn basis(usage: &ModelUsage) -> &'static str {
    use theazo_domain::pricing::PriceBasis;
    match usage.basis {
        PriceBasis::Table => "table",
        PriceBasis::Reported => "reported",
        PriceBasis::Byoi => "byoi",
        PriceBasis::Unpriced => "unpriced",
        PriceBasis::Mock => "mock",
    }
}

/// JSON lines.
pub(super) struct Json;

impl Writer for Json {
    fn row(&mut self, record: &Owned, out: &mut Vec<u8>) {
        json_line(&Line::of(record), out);
    }
}

/// `value` and a line's end. A value is of texts and numbers, which always are JSON.
pub(super) fn json_line(value: &impl Serialize, out: &mut Vec<u8>) {
    serde_json::to_writer(&mut *out, value).expect("texts and numbers are JSON");
    out.push(b'\n');
}
