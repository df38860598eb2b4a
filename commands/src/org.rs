//! Orgs: made by the operator.

use theazo_domain::org::{Org, OrgCommand, Plan};
use theazo_domain::{Mode, OrgId, Scope, StreamId};

use crate::{CommandError, Commander, Done, Origin};

/// Orgs themselves are recorded in their live half.
fn stream(org: OrgId) -> StreamId {
    StreamId::org(Scope { org, mode: Mode::Live }, org)
}

impl Commander {
    pub async fn create_org(
        &self,
        origin: &Origin,
        name: &str,
        plan: Plan,
    ) -> Result<Done<Org>, CommandError> {
        let org_id = origin.scope.org;
        let create = OrgCommand::Create { org_id, name: name.to_owned(), plan };
        self.execute_new(origin, &stream(org_id), &create).await
    }

    pub async fn change_plan(
        &self,
        origin: &Origin,
        plan: Plan,
    ) -> Result<Done<Org>, CommandError> {
        self.execute(origin, &stream(origin.scope.org), &OrgCommand::ChangePlan { plan }).await
    }
}
