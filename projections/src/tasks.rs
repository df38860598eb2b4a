//! Tasks: by session, agent and status, and those that have not ended.

use std::borrow::Cow;

use theazo_domain::task::{Task, TaskStatus};
use theazo_domain::{AgentId, Kind, Scope, SessionId, StreamId, TaskId};
use theazo_log::Commit;

use crate::cells::Cells;
use crate::query::{Query, Scoped};
use crate::table::{Table, own_fold, own_row};
use crate::{Model, Page, ReadError, ReadModels, Row};

impl Table for Task {
    const MODEL: Model = Model::Tasks;
    const KIND: Kind = Kind::Task;
    const COLUMNS: &'static [&'static str] = &["session_id", "agent_id", "status", "open"];
    const FIXED: &'static [&'static str] = &["session_id", "agent_id"];

    fn row(commit: &Commit) -> Option<Cow<'_, StreamId>> {
        own_row::<Task>(commit)
    }

    /// A run has hundreds of steps, and its row is written with each of them: so the row has none.
    fn evolve(state: Option<Self>, commit: &Commit) -> Option<Self> {
        let mut task: Task = own_fold(state, commit)?;
        task.steps.clear();
        Some(task)
    }

    fn cells(&self, row: &mut Cells) {
        row.put(self.session_id.to_string());
        row.put(self.agent_id().to_string());
        row.put(word(self.status));
        row.put(!self.status.is_final());
    }
}

/// Unlike the API's word, it tells those that wait from those that run.
const fn word(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Suspended => "suspended",
        other => other.as_str(),
    }
}

/// Which tasks to list; every field that is set must match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskFilter {
    pub session_id: Option<SessionId>,
    pub agent_id: Option<AgentId>,
    /// As the API shows it: those that wait without a worker are running.
    pub status: Option<TaskStatus>,
}

/// All rows of tasks are without their steps.
impl ReadModels {
    pub async fn task(&self, scope: Scope, id: TaskId) -> Result<Option<Row<Task>>, ReadError> {
        Query::scoped(Model::Tasks, scope).equals("id", id.to_string()).newest(self).await
    }

    pub async fn tasks(
        &self,
        scope: Scope,
        filter: TaskFilter,
        page: Page,
    ) -> Result<Vec<Row<Task>>, ReadError> {
        listed(scope, filter).page(self, page).await
    }

    /// The tasks of all orgs that have not ended, oldest first: at most `limit` after the row with
    /// `seq` `after` (0: from the first). For the dispatcher when it starts; never for a caller.
    pub async fn open_tasks(&self, after: u64, limit: u32) -> Result<Vec<Scoped<Task>>, ReadError> {
        open().walk(self, after, limit).await
    }

    /// The agent's tasks that have not ended, oldest first.
    pub async fn open_tasks_of_agent(
        &self,
        scope: Scope,
        agent: AgentId,
    ) -> Result<Vec<Row<Task>>, ReadError> {
        open_of_agent(scope, agent).all(self).await
    }

    /// The session's tasks that have not ended, oldest first.
    pub async fn open_tasks_of_session(
        &self,
        scope: Scope,
        session: SessionId,
    ) -> Result<Vec<Row<Task>>, ReadError> {
        open_of_session(scope, session).all(self).await
    }
}

fn listed(scope: Scope, filter: TaskFilter) -> Query {
    let query = Query::scoped(Model::Tasks, scope)
        .equals_any("session_id", filter.session_id.map(|id| id.to_string()))
        .equals_any("agent_id", filter.agent_id.map(|id| id.to_string()));
    match filter.status {
        None => query,
        // `open` adds nothing but the choice of an index.
        Some(TaskStatus::Running | TaskStatus::Suspended) => {
            query.and("open = 1 AND status IN ('running', 'suspended')")
        }
        Some(TaskStatus::Queued) => query.and("open = 1 AND status = 'queued'"),
        Some(ended) => query.and("open = 0").equals("status", word(ended)),
    }
}

fn open() -> Query {
    Query::across_tenants(Model::Tasks).and("open = 1")
}

fn open_of_agent(scope: Scope, agent: AgentId) -> Query {
    let query = Query::scoped(Model::Tasks, scope).equals("agent_id", agent.to_string());
    query.and("open = 1")
}

fn open_of_session(scope: Scope, session: SessionId) -> Query {
    let query = Query::scoped(Model::Tasks, scope).equals("session_id", session.to_string());
    query.and("open = 1")
}

#[cfg(test)]
mod tests {
    use theazo_domain::Mode;

    use super::*;
    use crate::database::TestDatabase;
    use crate::dialect::Statement;
    use crate::tables::prepare;
    use crate::{ChainKey, Options};

    /// The plan of each query, and the index that it is to follow, with all that it looks up there.
    async fn plans(reads: &ReadModels) -> Vec<(String, &'static str)> {
        let scope =
            Scope { org: "org_00000000000000000000000007".parse().unwrap(), mode: Mode::Live };
        let session: SessionId = "ses_00000000000000000000000007".parse().unwrap();
        let agent: AgentId = "agt_00000000000000000000000007".parse().unwrap();
        let all = TaskFilter::default();
        let of_session = TaskFilter { session_id: Some(session), ..all };
        let of_agent = TaskFilter { agent_id: Some(agent), ..all };
        let with = |status| TaskFilter { status: Some(status), ..of_session };
        let (failed, queued) = (with(TaskStatus::Failed), with(TaskStatus::Queued));
        let running = with(TaskStatus::Running);
        let page = async |filter| listed(scope, filter).plan_of_page(reads).await;
        vec![
            (page(all).await, "tasks_newest (tenant=? AND seq<?)"),
            (page(of_session).await, "tasks_session (tenant=? AND session_id=? AND seq<?)"),
            (page(of_agent).await, "tasks_agent (tenant=? AND agent_id=? AND seq<?)"),
            (page(failed).await, "tasks_ended (tenant=? AND session_id=? AND status=? AND seq<?)"),
            (page(queued).await, "tasks_open_session (tenant=? AND session_id=? AND seq<?)"),
            (page(running).await, "tasks_open_session (tenant=? AND session_id=? AND seq<?)"),
            (open().plan_of_walk(reads).await, "tasks_open (seq>?)"),
            (
                open_of_agent(scope, agent).plan_of_all(reads).await,
                "tasks_open_agent (tenant=? AND agent_id=?)",
            ),
            (
                open_of_session(scope, session).plan_of_all(reads).await,
                "tasks_open_session (tenant=? AND session_id=?)",
            ),
        ]
    }

    #[tokio::test]
    async fn every_query_follows_an_index_and_none_sorts() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::new(ChainKey::new(vec![7; 32]));
        let reads = ReadModels::open(&folder.path().join("reads.db"), options).await.unwrap();
        for (plan, index) in plans(&reads).await {
            assert!(plan.contains(index), "{index}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{index}: {plan}");
        }
    }

    /// Its planner looks at what is in the tables: many ended tasks.
    #[tokio::test]
    async fn every_query_follows_an_index_and_none_sorts_on_postgres() {
        let database = TestDatabase::new().await;
        let options = Options::new(ChainKey::new(vec![7; 32]));
        let reads = ReadModels::open_postgres(&database.url, options).await.unwrap();
        prepare(reads.writer()).await.unwrap();
        let mut tx = reads.writer().begin().await.unwrap();
        let tenants = "INSERT INTO tenants VALUES (3, 'org_00000000000000000000000007', 'live')";
        // The tenant has the oldest rows, the half of them in one session.
        let tasks = "INSERT INTO tasks SELECT n - 40000, CASE WHEN n < 2000 THEN 3 ELSE 1 END, \
                     'task_' || n, n, \
                     CASE WHEN n < 1000 THEN 'ses_00000000000000000000000007' \
                     ELSE 'ses_' || n / 100 END, \
                     CASE WHEN n < 300 THEN 'agt_00000000000000000000000007' \
                     ELSE 'agt_' || n / 50 END, \
                     CASE n % 40 WHEN 0 THEN 'queued' WHEN 1 THEN 'failed' ELSE 'completed' END, \
                     CASE n % 40 WHEN 0 THEN 1 ELSE 0 END, repeat('x', 300) \
                     FROM generate_series(1, 40000) n";
        for sql in [tenants, tasks, "ANALYZE tenants", "ANALYZE tasks"] {
            tx.execute(Statement::new(sql)).await.unwrap();
        }
        tx.commit().await.unwrap();
        for (plan, index) in plans(&reads).await {
            let (name, _) = index.split_once(' ').unwrap();
            assert!(plan.contains(&format!("using {name} on tasks")), "{index}: {plan}");
            assert!(!plan.contains("Sort"), "{index}: {plan}");
        }
        reads.close().await;
    }
}
