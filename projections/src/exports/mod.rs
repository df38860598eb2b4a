//! Pushes of usage to billers, and the ledger of what each biller has.

mod entry;
mod fold;
mod query;

use std::borrow::Cow;

use theazo_domain::export::{Export, ExportStatus, Exporter};
use theazo_domain::{ExportId, Kind, Scope, StreamId};
use theazo_log::Commit;

use crate::cells::Cells;
use crate::query::{Query, Scoped};
use crate::table::{Table, own_fold, own_row};
use crate::{Model, Page, ReadError, ReadModels, Row};

pub use entry::{LedgerEntry, LedgerStatus};
pub(crate) use fold::LedgerProjection;
pub use query::{LedgerFilter, LedgerTotal};

impl Table for Export {
    const MODEL: Model = Model::Exports;
    const KIND: Kind = Kind::Export;
    const COLUMNS: &'static [&'static str] = &["exporter", "running"];
    const FIXED: &'static [&'static str] = &["exporter"];

    fn row(commit: &Commit) -> Option<Cow<'_, StreamId>> {
        own_row::<Export>(commit)
    }

    fn evolve(state: Option<Self>, commit: &Commit) -> Option<Self> {
        own_fold(state, commit)
    }

    fn cells(&self, row: &mut Cells) {
        row.put(self.exporter.as_str());
        row.put(self.status == ExportStatus::Running);
    }
}

impl ReadModels {
    pub async fn export(
        &self,
        scope: Scope,
        id: ExportId,
    ) -> Result<Option<Row<Export>>, ReadError> {
        Query::scoped(Model::Exports, scope).equals("id", id.to_string()).newest(self).await
    }

    /// The pushes of a tenant, newest first; those to one biller when it is given.
    pub async fn exports(
        &self,
        scope: Scope,
        exporter: Option<Exporter>,
        page: Page,
    ) -> Result<Vec<Row<Export>>, ReadError> {
        Query::scoped(Model::Exports, scope)
            .equals_any("exporter", exporter.map(Exporter::as_str))
            .page(self, page)
            .await
    }

    /// The pushes of all orgs that have not ended, oldest first: at most `limit` after the row with
    /// `seq` `after` (0: from the first). For whoever carries them out when it starts; never for a
    /// caller.
    pub async fn running_exports(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Scoped<Export>>, ReadError> {
        Query::across_tenants(Model::Exports).and("running = 1").walk(self, after, limit).await
    }
}
