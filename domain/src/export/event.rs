use serde::{Deserialize, Serialize};

use crate::agent::Failure;
use crate::event::events;
use crate::{ExportId, Pico, SessionId, Timestamp};

use super::Exporter;

events! {
    ExportEvent {
        Started = "export.started" {
            export_id: ExportId,
            exporter: Exporter,
            /// Of the tenant's pushes to this biller, from 1.
            number: u32,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            from: Option<Timestamp>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            until: Option<Timestamp>,
            retry_rejected: bool,
            /// Every record of the log up to here has been looked at by an earlier push.
            after: u64,
            /// The last position of the log that this one looks at.
            upto: u64,
        }
        /// These records are about to be sent, but for those that are refused here.
        BatchStarted = "export.batch_started" {
            exporter: Exporter,
            /// From 1.
            batch: u32,
            records: Vec<ExportRecord>,
            /// The log's records up to here are in this batch, or in those before it.
            replayed: u64,
            /// Records that cost nothing, since the last batch.
            skipped: u64,
        }
        BatchCompleted = "export.batch_completed" {
            exporter: Exporter,
            batch: u32,
            outcomes: Vec<ExportOutcome>,
        }
        /// What became of records that earlier pushes had sent, as the biller's own sums tell.
        /// `unsent`: they never got there.
        Reconciled = "export.reconciled" {
            exporter: Exporter,
            outcomes: Vec<ExportOutcome>,
        }
        Finished = "export.finished" {
            /// Records that cost nothing, since the last batch.
            skipped: u64,
        }
        /// It was given up. What was not sent goes out with the next push.
        Failed = "export.failed" {
            failure: Failure,
        }
    }
}

/// A usage record on its way to a biller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportRecord {
    /// The usage record's id, which the biller knows it by.
    pub id: String,
    /// Where it is in the log: its commit, and the event's place there.
    pub position: u64,
    pub ordinal: u32,
    pub session_id: SessionId,
    pub user_id: String,
    /// When it was used.
    pub at: Timestamp,
    pub cost: Pico,
    /// The biller's customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// How often it was rejected before: another attempt is not the same request again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rejections: u32,
    /// Why it is not sent: a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What came of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportOutcome {
    /// The usage record's id.
    pub id: String,
    pub outcome: Outcome,
    /// Why, unless it was acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The biller has it.
    Acknowledged,
    /// The biller does not want it.
    Rejected,
    /// The biller may have it.
    Unknown,
    /// The biller does not have it, and no fault was found with it.
    Unsent,
}

impl ExportOutcome {
    pub fn acknowledged(id: &str) -> Self {
        Self { id: id.to_owned(), outcome: Outcome::Acknowledged, code: None }
    }

    pub fn rejected(id: &str, code: &str) -> Self {
        Self { id: id.to_owned(), outcome: Outcome::Rejected, code: Some(code.to_owned()) }
    }

    pub fn unknown(id: &str, code: &str) -> Self {
        Self { id: id.to_owned(), outcome: Outcome::Unknown, code: Some(code.to_owned()) }
    }

    pub fn unsent(id: &str, code: &str) -> Self {
        Self { id: id.to_owned(), outcome: Outcome::Unsent, code: Some(code.to_owned()) }
    }
}
