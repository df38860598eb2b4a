//! Agent definitions: by name, and those that were not archived.

use std::borrow::Cow;

use theazo_domain::definition::Definition;
use theazo_domain::{DefinitionId, Kind, Scope, StreamId};
use theazo_log::Commit;

use crate::cells::Cells;
use crate::query::Query;
use crate::table::{Table, own_fold, own_row};
use crate::{Model, Page, ReadError, ReadModels, Row};

impl Table for Definition {
    const MODEL: Model = Model::Definitions;
    const KIND: Kind = Kind::Definition;
    const COLUMNS: &'static [&'static str] = &["name", "archived"];
    const FIXED: &'static [&'static str] = &["name"];

    fn row(commit: &Commit) -> Option<Cow<'_, StreamId>> {
        own_row::<Definition>(commit)
    }

    fn evolve(state: Option<Self>, commit: &Commit) -> Option<Self> {
        own_fold(state, commit)
    }

    fn cells(&self, row: &mut Cells) {
        row.put(self.name.as_str());
        row.put(self.archived_at.is_some());
    }
}

impl ReadModels {
    /// The definition with all its versions, also when it was archived.
    pub async fn definition(
        &self,
        scope: Scope,
        id: DefinitionId,
    ) -> Result<Option<Row<Definition>>, ReadError> {
        Query::scoped(Model::Definitions, scope).equals("id", id.to_string()).newest(self).await
    }

    /// The newest definition of this name that was not archived.
    pub async fn definition_by_name(
        &self,
        scope: Scope,
        name: &str,
    ) -> Result<Option<Row<Definition>>, ReadError> {
        let query = Query::scoped(Model::Definitions, scope).equals("name", name.to_owned());
        query.and("archived = 0").newest(self).await
    }

    /// The newest definition of this name, also when it was archived.
    pub async fn newest_definition_named(
        &self,
        scope: Scope,
        name: &str,
    ) -> Result<Option<Row<Definition>>, ReadError> {
        Query::scoped(Model::Definitions, scope).equals("name", name.to_owned()).newest(self).await
    }

    pub async fn definitions(
        &self,
        scope: Scope,
        include_archived: bool,
        page: Page,
    ) -> Result<Vec<Row<Definition>>, ReadError> {
        Query::scoped(Model::Definitions, scope)
            .equals_any("archived", (!include_archived).then_some(false))
            .page(self, page)
            .await
    }
}
