use theazo_domain::export::Exporter;
use theazo_domain::{ExportId, Scope, Timestamp};
use theazo_log::Position;

use crate::query::{Sql, cursor, read_u64};
use crate::{Model, Page, ReadError, ReadModels, Row};

use super::{LedgerEntry, LedgerStatus};

/// Ids in one statement, at most.
const IDS: usize = 250;

/// Which entries of a ledger to list; every field that is set must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerFilter {
    pub exporter: Option<Exporter>,
    /// The push that sent it last.
    pub export_id: Option<ExportId>,
    pub status: Option<LedgerStatus>,
    pub code: Option<String>,
}

/// How many usage records are in one state at a biller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerTotal {
    pub status: LedgerStatus,
    pub code: Option<String>,
    pub records: u64,
}

fn select(scope: Scope) -> Sql {
    let mut sql = Sql::new("SELECT * FROM export_ledger WHERE 1=1".to_owned());
    sql.push_scope(scope);
    sql
}

async fn entries(reads: &ReadModels, sql: Sql) -> Result<Vec<LedgerEntry>, ReadError> {
    reads.check(Model::ExportLedger)?;
    sql.rows(reads).await?.iter().map(LedgerEntry::read).collect()
}

impl ReadModels {
    /// What the ledger of `exporter` has of these usage records; those it has not heard of are left
    /// out.
    pub async fn ledger_of(
        &self,
        scope: Scope,
        exporter: Exporter,
        ids: &[String],
    ) -> Result<Vec<LedgerEntry>, ReadError> {
        let mut found = Vec::new();
        for ids in ids.chunks(IDS) {
            let mut sql = select(scope);
            sql.push(" AND exporter = ").bind(exporter.as_str()).push(" AND id IN (");
            for (n, id) in ids.iter().enumerate() {
                sql.push(if n == 0 { "" } else { "," }).bind(id.clone());
            }
            sql.push(")");
            found.extend(entries(self, sql).await?);
        }
        Ok(found)
    }

    /// Entries of one status in the order of the log, at most `limit` after `after` (0: from the
    /// first); of those that were not written at `before` or later, and of one code where it is
    /// given.
    pub async fn ledger_walk(
        &self,
        scope: Scope,
        exporter: Exporter,
        (status, code): (LedgerStatus, Option<&str>),
        before: Position,
        (after, limit): (u64, u32),
    ) -> Result<Vec<LedgerEntry>, ReadError> {
        let mut sql = select(scope);
        sql.push(" AND exporter = ").bind(exporter.as_str());
        sql.push(" AND status = ").bind(status.as_str());
        if let Some(code) = code {
            sql.push(" AND code = ").bind(code.to_owned());
        }
        sql.push(" AND changed < ").bind(cursor(before.0));
        sql.push(" AND place > ").bind(cursor(after));
        sql.push(" ORDER BY place LIMIT ").bind(i64::from(limit));
        entries(self, sql).await
    }

    /// The entries of a customer whose usage was in this time: `from` and before `until`.
    pub async fn ledger_of_customer(
        &self,
        scope: Scope,
        exporter: Exporter,
        customer: &str,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Vec<LedgerEntry>, ReadError> {
        let mut sql = select(scope);
        sql.push(" AND exporter = ").bind(exporter.as_str());
        sql.push(" AND customer = ").bind(customer.to_owned());
        sql.push(" AND used_at >= ").bind(from.as_millis());
        sql.push(" AND used_at < ").bind(until.as_millis());
        entries(self, sql).await
    }

    /// A part of a tenant's ledgers, the newest usage first.
    pub async fn ledger(
        &self,
        scope: Scope,
        filter: &LedgerFilter,
        page: Page,
    ) -> Result<Vec<Row<LedgerEntry>>, ReadError> {
        let mut sql = select(scope);
        let texts = [
            (" AND exporter = ", filter.exporter.map(|exporter| exporter.as_str().to_owned())),
            (" AND export_id = ", filter.export_id.map(|id| id.to_string())),
            (" AND status = ", filter.status.map(|status| status.as_str().to_owned())),
            (" AND code = ", filter.code.clone()),
        ];
        for (condition, value) in texts {
            if let Some(value) = value {
                sql.push(condition).bind(value);
            }
        }
        if let Some(before) = page.before {
            sql.push(" AND place < ").bind(cursor(before));
        }
        sql.push(" ORDER BY place DESC LIMIT ").bind(i64::from(page.limit));
        let row =
            |entry: LedgerEntry| Row { seq: entry.place, revision: entry.changed, value: entry };
        Ok(entries(self, sql).await?.into_iter().map(row).collect())
    }

    /// How many usage records are in which state at `exporter`.
    pub async fn ledger_totals(
        &self,
        scope: Scope,
        exporter: Exporter,
    ) -> Result<Vec<LedgerTotal>, ReadError> {
        self.check(Model::ExportLedger)?;
        let sql = "SELECT status, code, count(*) AS records FROM export_ledger WHERE 1=1";
        let mut sql = Sql::new(sql.to_owned());
        sql.push_scope(scope);
        sql.push(" AND exporter = ").bind(exporter.as_str());
        sql.push(" GROUP BY status, code ORDER BY status, code");
        let total = |row: &crate::dialect::DbRow| -> Result<LedgerTotal, ReadError> {
            Ok(LedgerTotal {
                status: row.text("status")?.parse().map_err(crate::query::unreadable)?,
                code: row.some_text("code")?.map(str::to_owned),
                records: read_u64(row, "records")?,
            })
        };
        sql.rows(self).await?.iter().map(total).collect()
    }
}
