//! Webhook deliveries: of a task, of a session's limits, and those that are still to be made.

use std::borrow::Cow;

use theazo_domain::delivery::{Delivery, DeliveryStatus};
use theazo_domain::{DeliveryId, Kind, Scope, SessionId, StreamId, TaskId};
use theazo_log::Commit;

use crate::cells::Cells;
use crate::query::{Query, Scoped};
use crate::table::{Table, own_fold, own_row};
use crate::{Model, Page, ReadError, ReadModels, Row};

impl Table for Delivery {
    const MODEL: Model = Model::Deliveries;
    const KIND: Kind = Kind::Delivery;
    const COLUMNS: &'static [&'static str] = &["session_id", "task_id", "pending"];
    const FIXED: &'static [&'static str] = &["session_id", "task_id"];

    fn row(commit: &Commit) -> Option<Cow<'_, StreamId>> {
        own_row::<Delivery>(commit)
    }

    fn evolve(state: Option<Self>, commit: &Commit) -> Option<Self> {
        own_fold(state, commit)
    }

    fn cells(&self, row: &mut Cells) {
        row.put(self.session_id.to_string());
        row.put(self.about.task_id().map(|task| task.to_string()));
        row.put(self.status == DeliveryStatus::Pending);
    }
}

impl ReadModels {
    pub async fn delivery(
        &self,
        scope: Scope,
        id: DeliveryId,
    ) -> Result<Option<Row<Delivery>>, ReadError> {
        Query::scoped(Model::Deliveries, scope).equals("id", id.to_string()).newest(self).await
    }

    pub async fn deliveries_of_task(
        &self,
        scope: Scope,
        task: TaskId,
        page: Page,
    ) -> Result<Vec<Row<Delivery>>, ReadError> {
        let query = Query::scoped(Model::Deliveries, scope).equals("task_id", task.to_string());
        query.page(self, page).await
    }

    /// Those that tell of a session's limits.
    pub async fn deliveries_of_limits(
        &self,
        scope: Scope,
        session: SessionId,
        page: Page,
    ) -> Result<Vec<Row<Delivery>>, ReadError> {
        let query = Query::scoped(Model::Deliveries, scope);
        let query = query.equals("session_id", session.to_string()).and("task_id IS NULL");
        query.page(self, page).await
    }

    /// The deliveries of all orgs that are still to be made, oldest first: at most `limit` after
    /// the row with `seq` `after` (0: from the first). For whoever makes them when it starts; never
    /// for a caller.
    pub async fn pending_deliveries(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Scoped<Delivery>>, ReadError> {
        Query::across_tenants(Model::Deliveries).and("pending = 1").walk(self, after, limit).await
    }
}
