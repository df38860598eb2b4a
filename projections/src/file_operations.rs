//! Writes and deletes of files: those without an outcome.

use std::borrow::Cow;

use theazo_domain::file_operation::{FileOperation, FileOutcome};
use theazo_domain::{FileOperationId, Kind, Scope, StreamId};
use theazo_log::Commit;

use crate::cells::Cells;
use crate::query::{Query, Scoped};
use crate::table::{Table, own_fold, own_row};
use crate::{Model, ReadError, ReadModels, Row};

impl Table for FileOperation {
    const MODEL: Model = Model::FileOperations;
    const KIND: Kind = Kind::FileOperation;
    const COLUMNS: &'static [&'static str] = &["running"];
    const FIXED: &'static [&'static str] = &[];

    fn row(commit: &Commit) -> Option<Cow<'_, StreamId>> {
        own_row::<FileOperation>(commit)
    }

    fn evolve(state: Option<Self>, commit: &Commit) -> Option<Self> {
        own_fold(state, commit)
    }

    fn cells(&self, row: &mut Cells) {
        row.put(self.outcome == FileOutcome::Running);
    }
}

impl ReadModels {
    pub async fn file_operation(
        &self,
        scope: Scope,
        id: FileOperationId,
    ) -> Result<Option<Row<FileOperation>>, ReadError> {
        Query::scoped(Model::FileOperations, scope).equals("id", id.to_string()).newest(self).await
    }

    /// The file operations of all orgs that have no outcome, oldest first: at most `limit` after
    /// the row with `seq` `after` (0: from the first). For recovery after a crash; never for a
    /// caller.
    pub async fn unfinished_file_operations(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Scoped<FileOperation>>, ReadError> {
        let query = Query::across_tenants(Model::FileOperations).and("running = 1");
        query.walk(self, after, limit).await
    }
}
