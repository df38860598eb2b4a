//! Orgs: for the platform and its operator, who alone see more than one.

use std::borrow::Cow;

use theazo_domain::org::Org;
use theazo_domain::{Kind, OrgId, StreamId};
use theazo_log::Commit;

use crate::cells::Cells;
use crate::query::Query;
use crate::table::{Table, own_fold, own_row};
use crate::{Model, Page, ReadError, ReadModels, Row};

impl Table for Org {
    const MODEL: Model = Model::Orgs;
    const KIND: Kind = Kind::Org;
    const COLUMNS: &'static [&'static str] = &["name"];
    const FIXED: &'static [&'static str] = &["name"];

    fn row(commit: &Commit) -> Option<Cow<'_, StreamId>> {
        own_row::<Org>(commit)
    }

    fn evolve(state: Option<Self>, commit: &Commit) -> Option<Self> {
        own_fold(state, commit)
    }

    fn cells(&self, row: &mut Cells) {
        row.put(self.name.as_str());
    }
}

impl ReadModels {
    /// The org, in whichever mode its stream is.
    pub async fn org(&self, id: OrgId) -> Result<Option<Row<Org>>, ReadError> {
        Query::across_tenants(Model::Orgs).equals("id", id.to_string()).newest(self).await
    }

    /// The newest org of this name.
    pub async fn org_by_name(&self, name: &str) -> Result<Option<Row<Org>>, ReadError> {
        Query::across_tenants(Model::Orgs).equals("name", name.to_owned()).newest(self).await
    }

    pub async fn orgs(&self, page: Page) -> Result<Vec<Row<Org>>, ReadError> {
        Query::across_tenants(Model::Orgs).page(self, page).await
    }
}
