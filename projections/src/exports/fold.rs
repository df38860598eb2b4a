//! The ledger: one row for each biller and usage record that it was to be told of.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use theazo_domain::export::{ExportEvent, Exporter};
use theazo_domain::{Event, Kind, Scope};
use theazo_log::{Commit, Position};

use crate::bulk::{Bulk, BySize};
use crate::dialect::{DbRow, Dialect, Pool};
use crate::hot::HotRows;
use crate::projection::Projection;
use crate::tenants::Tenants;
use crate::{Model, ProjectionError};

use super::LedgerEntry;

/// Bytes of entries that are kept at hand.
const HOT_BYTES: usize = 8 << 20;
/// What one costs in memory, about.
const ENTRY_BYTES: usize = 800;

const COLUMNS: [&str; 16] = [
    "tenant",
    "exporter",
    "id",
    "place",
    "status",
    "code",
    "export_id",
    "session_id",
    "user_id",
    "customer",
    "used_at",
    "cost",
    "rejections",
    "sent_at",
    "told_at",
    "changed",
];
const KEY: [&str; 3] = ["tenant", "exporter", "id"];

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    scope: Scope,
    exporter: Exporter,
    id: String,
}

pub(crate) struct LedgerProjection {
    entries: HotRows<Key, LedgerEntry>,
    upsert: BySize,
    select: BySize,
}

impl LedgerProjection {
    pub(crate) fn new(dialect: Dialect, prefix: &str) -> Self {
        let table = format!("{prefix}export_ledger");
        let columns: Vec<String> = COLUMNS.iter().map(|column| format!("t.{column}")).collect();
        let tail = format!(
            ") SELECT {} FROM wanted w CROSS JOIN {table} t \
             WHERE t.tenant = w.tenant AND t.exporter = w.exporter AND t.id = w.id",
            columns.join(", ")
        );
        let head = "WITH wanted(tenant, exporter, id) AS (".to_owned();
        Self {
            entries: HotRows::new(HOT_BYTES),
            upsert: BySize::upsert(dialect, &table, &COLUMNS, &KEY.join(","), |column| {
                !KEY.contains(&column)
            }),
            select: BySize::new(dialect, head, KEY.len(), tail),
        }
    }

    async fn load(
        &mut self,
        batch: &[Arc<Commit>],
        tenants: &Tenants,
        pool: &Pool,
    ) -> Result<(), ProjectionError> {
        let named = batch.iter().flat_map(|commit| keys(commit));
        let wanted: HashSet<Key> = named.filter(|key| !self.entries.contains(key)).collect();
        let mut select = self.select.rows(wanted.len());
        for key in wanted {
            select.put(tenants.number(key.scope)?);
            select.put(key.exporter.as_str());
            select.put(key.id);
        }
        for statement in select.filled()? {
            for row in pool.rows(statement).await? {
                let (key, entry) = read(&row, tenants)?;
                self.entries.put(Cow::Owned(key), entry, ENTRY_BYTES, Position::START);
            }
        }
        Ok(())
    }

    /// What `commit` says; notes the keys of the entries that it changes.
    fn apply(
        &mut self,
        commit: &Commit,
        changed: &mut BTreeSet<Key>,
    ) -> Result<(), ProjectionError> {
        let bad = |reason: String| ProjectionError::Fold {
            model: Model::ExportLedger.name(),
            position: commit.position,
            reason,
        };
        let (scope, at) = (commit.stream.scope, commit.position);
        for event in &commit.events {
            match event {
                Event::Export(ExportEvent::BatchStarted { exporter, records, .. }) => {
                    let export_id = commit.stream.key().parse().map_err(|e| bad(format!("{e}")))?;
                    for record in records {
                        let key = Key { scope, exporter: *exporter, id: record.id.clone() };
                        let told = (export_id, commit.time, at);
                        let before = self.entries.get_mut(&key);
                        let entry = LedgerEntry::begin(before.as_deref(), record, told);
                        let entry =
                            entry.ok_or_else(|| bad("a position is too large".to_owned()))?;
                        self.entries.put(Cow::Borrowed(&key), entry, ENTRY_BYTES, at);
                        changed.insert(key);
                    }
                }
                Event::Export(
                    event @ (ExportEvent::BatchCompleted { exporter, outcomes, .. }
                    | ExportEvent::Reconciled { exporter, outcomes }),
                ) => {
                    let reconciled = matches!(event, ExportEvent::Reconciled { .. });
                    for told in outcomes {
                        let key = Key { scope, exporter: *exporter, id: told.id.clone() };
                        let entry = self.entries.get_mut(&key).ok_or_else(|| {
                            bad(format!("`{}` was never about to be sent", told.id))
                        })?;
                        match reconciled {
                            true => entry.reconcile(told, commit.time, at),
                            false => entry.settle(told, commit.time, at),
                        }
                        self.entries.weigh(&key, ENTRY_BYTES, at);
                        changed.insert(key);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn rows(
        &mut self,
        changed: &BTreeSet<Key>,
        tenants: &Tenants,
    ) -> Result<Bulk, ProjectionError> {
        let mut bulk = self.upsert.rows(changed.len());
        for key in changed {
            let lost = || ProjectionError::Database(format!("the entry of `{}` is lost", key.id));
            let entry = self.entries.get_mut(key).ok_or_else(lost)?;
            bulk.put(tenants.number(key.scope)?);
            bulk.put(key.exporter.as_str());
            bulk.put(entry.id.clone());
            bulk.put_u64(entry.place);
            bulk.put(entry.status.as_str());
            bulk.put(entry.code.clone());
            bulk.put(entry.export_id.to_string());
            bulk.put(entry.session_id.to_string());
            bulk.put(entry.user_id.clone());
            bulk.put(entry.customer.clone());
            bulk.put(entry.used_at.as_millis());
            bulk.put(entry.cost.0.to_string());
            bulk.put_u64(entry.rejections.into());
            bulk.put(entry.sent_at.unwrap_or_default().as_millis());
            bulk.put(entry.told_at.as_millis());
            bulk.put_u64(entry.changed.0);
        }
        Ok(bulk)
    }
}

/// The entries that a commit is about.
fn keys(commit: &Commit) -> Vec<Key> {
    if commit.stream.kind != Kind::Export {
        return vec![];
    }
    let scope = commit.stream.scope;
    let named = commit.events.iter().flat_map(|event| match event {
        Event::Export(ExportEvent::BatchStarted { exporter, records, .. }) => {
            records.iter().map(|record| (*exporter, record.id.clone())).collect()
        }
        Event::Export(
            ExportEvent::BatchCompleted { exporter, outcomes, .. }
            | ExportEvent::Reconciled { exporter, outcomes },
        ) => outcomes.iter().map(|told| (*exporter, told.id.clone())).collect(),
        _ => vec![],
    });
    named.map(|(exporter, id)| Key { scope, exporter, id }).collect()
}

fn read(row: &DbRow, tenants: &Tenants) -> Result<(Key, LedgerEntry), ProjectionError> {
    let bad = |reason: String| {
        ProjectionError::Database(format!("an entry of the ledger cannot be read: {reason}"))
    };
    let entry = LedgerEntry::read(row).map_err(|e| bad(e.to_string()))?;
    let key = Key {
        scope: tenants.scope(row.integer("tenant")?)?,
        exporter: row.text("exporter")?.parse().map_err(bad)?,
        id: entry.id.clone(),
    };
    Ok((key, entry))
}

#[async_trait]
impl Projection for LedgerProjection {
    async fn fold(
        &mut self,
        batch: &[Arc<Commit>],
        tenants: &Tenants,
        committed: &Pool,
    ) -> Result<Vec<Bulk>, ProjectionError> {
        self.load(batch, tenants, committed).await?;
        let mut changed = BTreeSet::new();
        for commit in batch {
            self.apply(commit, &mut changed)?;
        }
        Ok(vec![self.rows(&changed, tenants)?])
    }

    fn committed(&mut self, position: Position) {
        self.entries.committed(position);
    }
}
