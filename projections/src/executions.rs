//! Executions: by agent or session, and those without an outcome.

use std::borrow::Cow;

use theazo_domain::execution::{Execution, Outcome};
use theazo_domain::{AgentId, ExecutionId, Kind, Scope, SessionId, StreamId};
use theazo_log::Commit;

use crate::cells::Cells;
use crate::query::{Query, Scoped};
use crate::table::{Table, own_fold, own_row};
use crate::{Model, Page, ReadError, ReadModels, Row};

impl Table for Execution {
    const MODEL: Model = Model::Executions;
    const KIND: Kind = Kind::Execution;
    const COLUMNS: &'static [&'static str] = &["session_id", "agent_id", "running"];
    const FIXED: &'static [&'static str] = &["session_id", "agent_id"];

    fn row(commit: &Commit) -> Option<Cow<'_, StreamId>> {
        own_row::<Execution>(commit)
    }

    fn evolve(state: Option<Self>, commit: &Commit) -> Option<Self> {
        own_fold(state, commit)
    }

    fn cells(&self, row: &mut Cells) {
        row.put(self.session_id.to_string());
        row.put(self.agent_id.to_string());
        row.put(self.outcome == Outcome::Running);
    }
}

/// Which executions to list; every field that is set must match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExecutionFilter {
    pub session_id: Option<SessionId>,
    pub agent_id: Option<AgentId>,
}

impl ReadModels {
    pub async fn execution(
        &self,
        scope: Scope,
        id: ExecutionId,
    ) -> Result<Option<Row<Execution>>, ReadError> {
        Query::scoped(Model::Executions, scope).equals("id", id.to_string()).newest(self).await
    }

    pub async fn executions(
        &self,
        scope: Scope,
        filter: ExecutionFilter,
        page: Page,
    ) -> Result<Vec<Row<Execution>>, ReadError> {
        let session_id = match (filter.session_id, filter.agent_id) {
            (Some(id), _) => Some(id),
            // The index is by session: the agent tells which.
            (None, Some(agent)) => match self.agent(scope, agent).await? {
                Some(agent) => Some(agent.value.session_id),
                None => return Ok(vec![]),
            },
            (None, None) => None,
        };
        Query::scoped(Model::Executions, scope)
            .equals_any("session_id", session_id.map(|id| id.to_string()))
            .equals_any("agent_id", filter.agent_id.map(|id| id.to_string()))
            .page(self, page)
            .await
    }

    /// The executions of all orgs that have no outcome, oldest first: at most `limit` after the row
    /// with `seq` `after` (0: from the first). For recovery after a crash; never for a caller.
    pub async fn unfinished_executions(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Scoped<Execution>>, ReadError> {
        Query::across_tenants(Model::Executions).and("running = 1").walk(self, after, limit).await
    }
}
