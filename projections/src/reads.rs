use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Row as _};
use theazo_domain::{Aggregate, Kind, Scope, StreamId};
use theazo_log::{EventLog, Position};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::dialect::{self, Connection, Pool};
use crate::model::COUNT;
use crate::query::{read_u64, unreadable};
use crate::status::Standing;
use crate::tables::prepare;
use crate::tidy::Tidying;
use crate::{ChainKey, Lag, Model, OpenError, ProjectionError, ProjectionStatus, ReadError};

/// How the read models are opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Reads at the same time.
    pub readers: u32,
    /// What the checkpoints of the orgs' hash chains are signed with.
    pub chain_key: ChainKey,
    /// Commits of a tenant between two signed checkpoints.
    pub chain_interval: u64,
    /// Read models at most this many positions behind the others are projected with them; others
    /// catch up by themselves first, so that nobody waits for them.
    pub join_within: u64,
}

impl Options {
    pub fn new(chain_key: ChainKey) -> Self {
        Self { readers: 4, chain_key, chain_interval: 1_000, join_within: 20_000 }
    }
}

/// The read models: a file of rows that the log can make again. Cheap to clone.
#[derive(Clone)]
pub struct ReadModels {
    inner: Arc<Inner>,
}

struct Inner {
    readers: Pool,
    writer: Pool,
    options: Options,
    standing: watch::Sender<Standing>,
    /// Raised when tables are swapped: who folded on the old ones starts again.
    swaps: AtomicU64,
    tidying: Arc<Tidying>,
    _tidier: AbortOnDropHandle<()>,
    tidy_connection: Pool,
    /// Held by a rebuild: there is one at a time.
    rebuilding: tokio::sync::Mutex<()>,
}

impl ReadModels {
    /// Opens the file at `path`, or creates it. A read model whose schema or fold is not what it
    /// was made with is emptied and starts again from position 0; the leavings of a rebuild that
    /// did not come to its end are removed.
    pub async fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Database { path: path.display().to_string(), source };
        let writer = dialect::open_writer(path).await.map_err(failed)?;
        let checkpoints = prepare(&writer).await.map_err(failed)?;
        let readers = dialect::open_readers(path, options.readers).await.map_err(failed)?;
        let (standing, _) = watch::channel(Standing::new(checkpoints));
        let swaps = AtomicU64::new(0);
        let rebuilding = tokio::sync::Mutex::new(());
        let tidy_connection = dialect::open_readers(path, 1).await.map_err(failed)?;
        let tidying = Arc::<Tidying>::default();
        let tidier = tidying.clone().start(tidy_connection.clone());
        let inner = Inner {
            readers,
            writer,
            options,
            standing,
            swaps,
            tidying,
            _tidier: AbortOnDropHandle::new(tidier),
            tidy_connection,
            rebuilding,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Ends all connections, once the reads and writes under way are done.
    pub async fn close(&self) {
        self.inner.readers.close().await;
        self.inner.tidy_connection.close().await;
        self.inner.writer.close().await;
    }

    /// Every commit up to here is in every read model (but in those that have stopped, which
    /// answer [`ReadError::Unavailable`]).
    pub fn position(&self) -> Position {
        self.inner.standing.borrow().position()
    }

    /// Waits until [`ReadModels::position`] is at least `position`; false when `timeout` is over
    /// first.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> bool {
        let mut standing = self.inner.standing.subscribe();
        let reached = standing.wait_for(|standing| standing.position() >= position);
        matches!(tokio::time::timeout(timeout, reached).await, Ok(Ok(_)))
    }

    /// How far the projector is behind, as it last saw it.
    pub fn lag(&self) -> Lag {
        self.inner.standing.borrow().lag()
    }

    /// Why projecting does not go on at the moment, if it does not: it is being tried again.
    pub fn trouble(&self) -> Option<String> {
        self.inner.standing.borrow().trouble.as_deref().map(str::to_owned)
    }

    /// Every projection with its checkpoint, rows and lag.
    pub async fn list(&self, log: &dyn EventLog) -> Result<Vec<ProjectionStatus>, ProjectionError> {
        let head = log.head().await?;
        let standing = self.inner.standing.borrow().clone();
        let mut list = Vec::with_capacity(COUNT);
        for model in Model::ALL {
            let sql = format!("SELECT count(*) FROM {}", model.name());
            let rows: i64 =
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(self.readers()).await?;
            let position = standing.checkpoints[model.index()];
            list.push(ProjectionStatus {
                name: model.name(),
                position,
                rows: rows.unsigned_abs(),
                behind: head.0.saturating_sub(position.0),
                error: standing.stopped[model.index()].as_deref().map(str::to_owned),
            });
        }
        Ok(list)
    }

    /// The state of `stream` as it is in its row, with its revision: where the command side begins
    /// to load an aggregate. What the row holds may be old, and is never wrong. None too for tasks,
    /// whose rows are without their steps.
    pub async fn snapshot_of<A: Aggregate>(
        &self,
        stream: &StreamId,
    ) -> Result<Option<(A, Position)>, ReadError> {
        #[derive(serde::Deserialize)]
        struct OfSession<A> {
            session: A,
        }
        let Some(model) = model_of(A::KIND) else { return Ok(None) };
        let sql = format!(
            "SELECT revision, body FROM {model} \
             WHERE tenant = (SELECT number FROM tenants WHERE org = $1 AND mode = $2) AND id = $3"
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(stream.scope.org.to_string())
            .bind(stream.scope.mode.as_str())
            .bind(stream.key())
            .fetch_optional(self.readers())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let body = row.try_get("body")?;
        let state = match A::KIND {
            Kind::Session => serde_json::from_str::<OfSession<A>>(body).map(|row| row.session),
            _ => serde_json::from_str(body),
        };
        Ok(Some((state.map_err(unreadable)?, Position(read_u64(&row, "revision")?))))
    }

    /// The tenant that a row's number stands for.
    pub(crate) async fn scope_of(&self, tenant: i64) -> Result<Scope, ReadError> {
        let row = sqlx::query("SELECT org, mode FROM tenants WHERE number = $1")
            .bind(tenant)
            .fetch_one(self.readers())
            .await?;
        let org = row.try_get::<&str, _>(0)?.parse().map_err(unreadable)?;
        let mode = row.try_get::<&str, _>(1)?.parse().map_err(unreadable)?;
        Ok(Scope { org, mode })
    }

    /// Whether `model` answers reads.
    pub(crate) fn check(&self, model: Model) -> Result<(), ReadError> {
        match &self.inner.standing.borrow().stopped[model.index()] {
            Some(reason) => Err(ReadError::Unavailable(reason.as_ref().to_owned())),
            None => Ok(()),
        }
    }

    pub(crate) fn readers(&self) -> &Pool {
        &self.inner.readers
    }

    pub(crate) fn writer(&self) -> &Pool {
        &self.inner.writer
    }

    /// Notes a transaction with this many rows.
    pub(crate) fn wrote(&self, rows: u64) {
        self.inner.tidying.wrote(rows);
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.options
    }

    pub(crate) fn standing(&self) -> Standing {
        self.inner.standing.borrow().clone()
    }

    /// Waits until a read model has not stopped.
    pub(crate) async fn any_running(&self) {
        let mut standing = self.inner.standing.subscribe();
        // The sender is ours, so it cannot be gone.
        let _ = standing.wait_for(|s| s.stopped.iter().any(Option::is_none)).await;
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Standing)) {
        self.inner.standing.send_modify(change);
    }

    /// Takes the checkpoints from the database, which alone is right.
    pub(crate) async fn reload(&self) -> Result<(), ProjectionError> {
        let mut connection = self.inner.readers.acquire().await?;
        self.reload_in(&mut connection).await
    }

    pub(crate) async fn reload_in(
        &self,
        connection: &mut Connection,
    ) -> Result<(), ProjectionError> {
        let rows =
            sqlx::query("SELECT name, position FROM projections").fetch_all(connection).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(model) = Model::by_name(row.try_get(0)?) {
                found.push((model, Position(row.try_get::<i64, _>(1)?.unsigned_abs())));
            }
        }
        self.update(|standing| {
            for (model, position) in found {
                standing.checkpoints[model.index()] = position;
            }
        });
        Ok(())
    }

    pub(crate) fn rebuilding(&self) -> &tokio::sync::Mutex<()> {
        &self.inner.rebuilding
    }

    pub(crate) fn swaps(&self) -> u64 {
        self.inner.swaps.load(Ordering::Acquire)
    }

    /// To be called by whoever holds the writer.
    pub(crate) fn note_swap(&self) {
        self.inner.swaps.fetch_add(1, Ordering::AcqRel);
    }
}

/// The read model whose rows are the whole states of the aggregates of `kind`.
const fn model_of(kind: Kind) -> Option<Model> {
    Some(match kind {
        Kind::Org => Model::Orgs,
        Kind::ApiKey => Model::ApiKeys,
        Kind::Session => Model::Sessions,
        Kind::Agent => Model::Agents,
        Kind::Execution => Model::Executions,
        Kind::FileOperation => Model::FileOperations,
        Kind::Snapshot => Model::Snapshots,
        Kind::Secret => Model::Secrets,
        Kind::Settings => Model::Settings,
        Kind::Providers => Model::Providers,
        Kind::Definition => Model::Definitions,
        Kind::Delivery => Model::Deliveries,
        Kind::ModelPrices => Model::ModelPrices,
        Kind::Task => return None,
    })
}
