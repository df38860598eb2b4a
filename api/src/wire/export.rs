//! Pushes of usage to billers, as the API takes and shows them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use theazo_domain::agent::Failure;
use theazo_domain::export::{self, ExportStatus};
use theazo_domain::{ExportId, Money, Pico, SessionId, Timestamp};
use theazo_projections::{LedgerEntry, LedgerStatus, LedgerTotal};
use utoipa::{IntoParams, ToSchema};

use super::common::{self, When};

/// What to push. All of it is optional: without anything, what was not pushed yet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartExport {
    /// Only usage at this time or later: RFC 3339, or a date.
    #[schema(value_type = Option<String>, example = "2026-11-01")]
    pub from: Option<When>,
    /// Only usage before this time.
    #[schema(value_type = Option<String>, example = "2026-12-01")]
    pub until: Option<When>,
    /// Also push again what was rejected.
    #[serde(default)]
    pub retry_rejected: bool,
}

/// A push that is under way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartedExport {
    #[schema(value_type = String, example = "exp_01HX0000000000000000000001")]
    pub export_id: ExportId,
    pub status: Status,
}

/// Whether a push has ended.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ExportStatus)]
pub enum Status {
    Running,
    /// All is sent; not all need be acknowledged.
    Finished,
    /// It was given up. What was not sent goes out with the next push.
    Failed,
}

impl From<ExportStatus> for Status {
    fn from(status: ExportStatus) -> Self {
        match status {
            ExportStatus::Running => Status::Running,
            ExportStatus::Finished => Status::Finished,
            ExportStatus::Failed => Status::Failed,
        }
    }
}

/// A push of usage to a biller.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    #[schema(value_type = String, example = "exp_01HX0000000000000000000001")]
    id: ExportId,
    #[schema(example = "stripe")]
    exporter: &'static str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    retry_rejected: bool,
    records: ExportRecords,
    /// What the records cost that it sent and that were acknowledged.
    #[schema(value_type = common::Money)]
    cost: Money,
    /// Why records were rejected or are pending, and how many.
    codes: BTreeMap<String, u64>,
    /// Users that are no customers of the biller's, with the records that wait for that; the first
    /// 100 of them. Name the customer in the session's metadata, or in the settings.
    users_without_customer: Vec<UserWithoutCustomer>,
    /// Why it was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ExportFailure>)]
    failure: Option<Failure>,
    /// All usage records that this biller was ever to be told of, by what became of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger: Option<Vec<Total>>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

/// Why a push was given up.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes a domain type that is on the wire")]
pub struct ExportFailure {
    #[schema(example = "unauthorized")]
    code: String,
    message: String,
}

/// What became of the usage records of a push.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportRecords {
    acknowledged: u64,
    rejected: u64,
    /// The biller may or may not have them; the next push settles that.
    pending: u64,
    /// They cost nothing.
    skipped: u64,
}

/// A user that is no customer of the biller's.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserWithoutCustomer {
    user_id: String,
    records: u64,
}

/// How many usage records are in one state.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerTotal)]
pub struct Total {
    status: RecordStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    records: u64,
}

/// Whether a biller has a usage record.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecordStatus {
    Pending,
    Acknowledged,
    Rejected,
}

impl From<RecordStatus> for LedgerStatus {
    fn from(status: RecordStatus) -> Self {
        match status {
            RecordStatus::Pending => LedgerStatus::Pending,
            RecordStatus::Acknowledged => LedgerStatus::Acknowledged,
            RecordStatus::Rejected => LedgerStatus::Rejected,
        }
    }
}

impl From<LedgerStatus> for RecordStatus {
    fn from(status: LedgerStatus) -> Self {
        match status {
            LedgerStatus::Pending => RecordStatus::Pending,
            LedgerStatus::Acknowledged => RecordStatus::Acknowledged,
            LedgerStatus::Rejected => RecordStatus::Rejected,
        }
    }
}

impl From<export::Export> for Export {
    fn from(export: export::Export) -> Self {
        let (counts, users) = (export.counts, export.users_without_customer);
        Self {
            id: export.id,
            exporter: export.exporter.as_str(),
            status: export.status.into(),
            from: export.from,
            until: export.until,
            retry_rejected: export.retry_rejected,
            records: ExportRecords {
                acknowledged: counts.acknowledged,
                rejected: counts.rejected,
                pending: counts.pending,
                skipped: counts.skipped,
            },
            cost: counts.cost.to_money(),
            codes: counts.codes,
            users_without_customer: users
                .into_iter()
                .map(|(user_id, records)| UserWithoutCustomer { user_id, records })
                .collect(),
            failure: export.failure,
            ledger: None,
            created_at: export.created_at,
            updated_at: export.updated_at,
            ended_at: export.ended_at,
        }
    }
}

impl Export {
    /// With what the biller was ever told.
    pub fn with_ledger(self, totals: Vec<LedgerTotal>) -> Self {
        let total = |total: LedgerTotal| Total {
            status: total.status.into(),
            code: total.code,
            records: total.records,
        };
        Self { ledger: Some(totals.into_iter().map(total).collect()), ..self }
    }
}

/// What became of one usage record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedRecord {
    #[schema(example = "compute/agt_01HX0000000000000000000001/0")]
    usage_id: String,
    status: RecordStatus,
    /// Why, unless it is acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "no_customer")]
    code: Option<String>,
    #[schema(value_type = String, example = "ses_01HX0000000000000000000001")]
    session_id: SessionId,
    user_id: String,
    /// The biller's customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    used_at: Timestamp,
    /// Picodollars, as a decimal.
    #[schema(value_type = String, example = "50000833333")]
    cost_pico: Pico,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<LedgerEntry> for ExportedRecord {
    fn from(entry: LedgerEntry) -> Self {
        Self {
            usage_id: entry.id,
            status: entry.status.into(),
            code: entry.code,
            session_id: entry.session_id,
            user_id: entry.user_id,
            customer: entry.customer,
            used_at: entry.used_at,
            cost_pico: entry.cost,
            updated_at: entry.told_at,
        }
    }
}

/// Which pushes to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListExports {
    /// How many to show, 1 to 100. Default: 25.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the page before.
    pub cursor: Option<String>,
    /// Only those to this biller: `stripe` or `metronome`.
    #[param(value_type = Option<String>)]
    pub exporter: Option<export::Exporter>,
}

/// Which records of a push to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListExportRecords {
    /// How many to show, 1 to 100. Default: 25.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the page before.
    pub cursor: Option<String>,
    /// Only those with this status.
    #[param(value_type = Option<String>)]
    pub status: Option<RecordStatus>,
    /// Only those with this code.
    pub code: Option<String>,
}
