//! Agents: by session and state, and which are live on a provider.

use std::borrow::Cow;

use theazo_domain::agent::{Agent, AgentState};
use theazo_domain::providers::ProviderKind;
use theazo_domain::{AgentId, Kind, Scope, SessionId, StreamId};
use theazo_log::Commit;

use crate::cells::Cells;
use crate::dialect::Statement;
use crate::query::{Query, Scoped};
use crate::table::{Table, own_fold, own_row};
use crate::{Model, Page, ReadError, ReadModels, Row};

impl Table for Agent {
    const MODEL: Model = Model::Agents;
    const KIND: Kind = Kind::Agent;
    const COLUMNS: &'static [&'static str] = &["session_id", "provider", "state", "live"];
    const FIXED: &'static [&'static str] = &["session_id", "provider"];

    fn row(commit: &Commit) -> Option<Cow<'_, StreamId>> {
        own_row::<Agent>(commit)
    }

    fn evolve(state: Option<Self>, commit: &Commit) -> Option<Self> {
        own_fold(state, commit)
    }

    fn cells(&self, row: &mut Cells) {
        row.put(self.session_id.to_string());
        row.put(self.spec.provider.as_str());
        row.put(self.state.as_str());
        row.put(!self.state.is_final());
    }
}

/// Which agents to list; every field that is set must match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AgentFilter {
    pub session_id: Option<SessionId>,
    pub state: Option<AgentState>,
}

impl ReadModels {
    pub async fn agent(&self, scope: Scope, id: AgentId) -> Result<Option<Row<Agent>>, ReadError> {
        Query::scoped(Model::Agents, scope).equals("id", id.to_string()).newest(self).await
    }

    pub async fn agents(
        &self,
        scope: Scope,
        filter: AgentFilter,
        page: Page,
    ) -> Result<Vec<Row<Agent>>, ReadError> {
        Query::scoped(Model::Agents, scope)
            .equals_any("session_id", filter.session_id.map(|id| id.to_string()))
            .equals_any("state", filter.state.map(AgentState::as_str))
            .page(self, page)
            .await
    }

    /// How many agents of `provider` have not ended.
    pub async fn live_agents_on(
        &self,
        scope: Scope,
        provider: ProviderKind,
    ) -> Result<u64, ReadError> {
        self.check(Model::Agents)?;
        // `+ 0` keeps the planner off the index by tenant, which has all that have ever been.
        let sql = "SELECT count(*) FROM agents WHERE live = 1 AND seq > 0 AND tenant + 0 = \
                   (SELECT number FROM tenants WHERE org = $1 AND mode = $2) AND provider = $3";
        let count = Statement::new(sql)
            .bind(scope.org.to_string())
            .bind(scope.mode.as_str())
            .bind(provider.as_str());
        Ok(self.count(count).await?)
    }

    /// Whose the agent is, if it has not ended: for an exposed port, whose address has no key and
    /// names the agent alone.
    pub async fn scope_of_live_agent(&self, id: AgentId) -> Result<Option<Scope>, ReadError> {
        let found: Vec<Scoped<Agent>> = Query::across_tenants(Model::Agents)
            .and("live = 1")
            .equals("id", id.to_string())
            .walk(self, 0, 1)
            .await?;
        Ok(found.first().map(|agent| agent.scope))
    }

    /// The agents of all orgs that have not ended, oldest first: at most `limit` after the row with
    /// `seq` `after` (0: from the first). For workers when they start; never for a caller.
    pub async fn all_live(&self, after: u64, limit: u32) -> Result<Vec<Scoped<Agent>>, ReadError> {
        Query::across_tenants(Model::Agents).and("live = 1").walk(self, after, limit).await
    }
}
