//! Sessions, with what their agents and tasks use.
//!
//! A row changes by the commits of the session, and by those of its agents and tasks that name it.
//! Its revision is the session's own.

mod storage;
mod usage;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use theazo_domain::session::{Session, SessionEvent, SessionStatus};
use theazo_domain::{Event, Kind, Scope, SessionId, StreamId};
use theazo_log::Commit;

use crate::cells::Cells;
use crate::query::{Query, Scoped};
use crate::table::{Table, own_fold};
use crate::{Model, Page, ReadError, ReadModels, Row};

pub use storage::Stored;
pub use usage::{OpenSpan, SessionUsage};

/// A session and its bill so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionView {
    pub session: Session,
    pub usage: SessionUsage,
}

impl Table for SessionView {
    const MODEL: Model = Model::Sessions;
    const KIND: Kind = Kind::Session;
    const COLUMNS: &'static [&'static str] = &["user_id", "status", "holds_agents", "stores"];
    const FIXED: &'static [&'static str] = &["user_id"];

    fn row(commit: &Commit) -> Option<Cow<'_, StreamId>> {
        match commit.stream.kind {
            Kind::Session => Some(Cow::Borrowed(&commit.stream)),
            Kind::Agent => commit.events.iter().find_map(|event| match event {
                Event::Agent(event) => usage::session_of(event)
                    .map(|id| Cow::Owned(StreamId::session(commit.stream.scope, id))),
                _ => None,
            }),
            Kind::Task | Kind::Snapshot => commit.events.iter().find_map(|event| {
                let used = match event {
                    Event::Task(event) => usage::model_usage(event).map(|(id, _)| id),
                    _ => None,
                };
                let id = used.or_else(|| storage::change(event).map(|(id, _)| id))?;
                Some(Cow::Owned(StreamId::session(commit.stream.scope, id)))
            }),
            _ => None,
        }
    }

    fn evolve(state: Option<Self>, commit: &Commit) -> Option<Self> {
        match commit.stream.kind {
            Kind::Agent => return state?.with_agent(commit),
            Kind::Task | Kind::Snapshot => return Some(state?.with_work(commit)),
            _ => {}
        }
        let (session, mut usage) = match state {
            Some(view) => (Some(view.session), view.usage),
            None => (None, SessionUsage::default()),
        };
        let session: Session = own_fold(session, commit)?;
        for event in &commit.events {
            // It stays until the agent has ended, which may be after its release.
            match event {
                Event::Session(SessionEvent::AgentAdmitted { agent_id, spec }) => {
                    usage.meters.insert(*agent_id, usage::Meter::new(spec.price.clone()));
                }
                Event::Session(SessionEvent::StorageRecorded { usage: stored }) => {
                    usage.cost += stored.cost;
                    usage.storage.recorded(stored);
                }
                _ => {}
            }
        }
        usage.active_agents = u32::try_from(session.agents.len()).unwrap_or(u32::MAX);
        Some(SessionView { session, usage })
    }

    fn cells(&self, row: &mut Cells) {
        row.put(self.session.user_id.as_str());
        row.put(self.session.status.as_str());
        row.put(!self.session.agents.is_empty());
        row.put(self.usage.storage.is_of_use());
    }
}

impl SessionView {
    fn with_agent(mut self, commit: &Commit) -> Option<Self> {
        let agent = commit.stream.key().parse().ok()?;
        for event in &commit.events {
            if let Event::Agent(event) = event
                && !self.usage.take(agent, event, commit.time)
            {
                return None;
            }
        }
        Some(self)
    }

    /// With what a task used, and what is kept of it or of an agent.
    fn with_work(mut self, commit: &Commit) -> Self {
        for event in &commit.events {
            self.usage.storage.take(event, commit.time);
            if let Event::Task(event) = event
                && let Some((_, usage)) = usage::model_usage(event)
            {
                self.usage.take_model(usage);
            }
        }
        self
    }
}

/// Which sessions to list; every field that is set must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionFilter {
    pub user_id: Option<String>,
    pub status: Option<SessionStatus>,
}

impl ReadModels {
    pub async fn session(
        &self,
        scope: Scope,
        id: SessionId,
    ) -> Result<Option<Row<SessionView>>, ReadError> {
        Query::scoped(Model::Sessions, scope).equals("id", id.to_string()).newest(self).await
    }

    pub async fn sessions(
        &self,
        scope: Scope,
        filter: SessionFilter,
        page: Page,
    ) -> Result<Vec<Row<SessionView>>, ReadError> {
        Query::scoped(Model::Sessions, scope)
            .equals_any("user_id", filter.user_id)
            .equals_any("status", filter.status.map(SessionStatus::as_str))
            .page(self, page)
            .await
    }

    /// The newest session of AgentCo's user, whatever its status.
    pub async fn latest_session_of_user(
        &self,
        scope: Scope,
        user_id: &str,
    ) -> Result<Option<Row<SessionView>>, ReadError> {
        Query::scoped(Model::Sessions, scope)
            .equals("user_id", user_id.to_owned())
            .newest(self)
            .await
    }

    /// The sessions of all orgs with agents that were admitted and not released, oldest first: at
    /// most `limit` after the row with `seq` `after` (0: from the first). A worker finishes what a
    /// crash cut short with them; never for a caller.
    pub async fn sessions_holding_agents(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Scoped<SessionView>>, ReadError> {
        let query = Query::across_tenants(Model::Sessions).and("holds_agents = 1");
        query.walk(self, after, limit).await
    }

    /// The sessions of all orgs that have something kept, or have had in a day that is not billed
    /// yet, oldest first: at most `limit` after the row with `seq` `after` (0: from the first). For
    /// the meter; never for a caller.
    pub async fn sessions_storing(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Scoped<SessionView>>, ReadError> {
        let query = Query::across_tenants(Model::Sessions).and("stores = 1");
        query.walk(self, after, limit).await
    }
}
