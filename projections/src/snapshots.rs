//! Snapshots that were not deleted, of a session or of all.

use std::borrow::Cow;

use theazo_domain::snapshot::Snapshot;
use theazo_domain::{Kind, Scope, SessionId, SnapshotId, StreamId};
use theazo_log::Commit;

use crate::cells::Cells;
use crate::query::Query;
use crate::table::{Table, own_fold, own_row};
use crate::{Model, Page, ReadError, ReadModels, Row};

impl Table for Snapshot {
    const MODEL: Model = Model::Snapshots;
    const KIND: Kind = Kind::Snapshot;
    const COLUMNS: &'static [&'static str] = &["session_id", "deleted"];
    const FIXED: &'static [&'static str] = &["session_id"];

    fn row(commit: &Commit) -> Option<Cow<'_, StreamId>> {
        own_row::<Snapshot>(commit)
    }

    fn evolve(state: Option<Self>, commit: &Commit) -> Option<Self> {
        own_fold(state, commit)
    }

    fn cells(&self, row: &mut Cells) {
        row.put(self.session_id.to_string());
        row.put(self.deleted_at.is_some());
    }
}

fn of_any_tenant(id: SnapshotId) -> Query {
    Query::across_tenants(Model::Snapshots).equals("id", id.to_string())
}

impl ReadModels {
    /// The snapshot, also when it was deleted.
    pub async fn snapshot(
        &self,
        scope: Scope,
        id: SnapshotId,
    ) -> Result<Option<Row<Snapshot>>, ReadError> {
        Query::scoped(Model::Snapshots, scope).equals("id", id.to_string()).newest(self).await
    }

    /// Whether a snapshot of this id was deleted, whoever's it was: for hosts that have its files,
    /// which do not say whose they are.
    pub async fn is_deleted_snapshot(&self, id: SnapshotId) -> Result<bool, ReadError> {
        let found: Option<Row<Snapshot>> = of_any_tenant(id).newest(self).await?;
        Ok(found.is_some_and(|row| row.value.deleted_at.is_some()))
    }

    /// Those that were not deleted, of `session_id` or of all sessions.
    pub async fn snapshots(
        &self,
        scope: Scope,
        session_id: Option<SessionId>,
        page: Page,
    ) -> Result<Vec<Row<Snapshot>>, ReadError> {
        Query::scoped(Model::Snapshots, scope)
            .and("deleted = 0")
            .equals_any("session_id", session_id.map(|id| id.to_string()))
            .page(self, page)
            .await
    }
}
