use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use theazo_domain::{Aggregate, Kind, Scope, StreamId};
use theazo_log::{EventLog, Position};

use crate::dialect::{Pool, Statement};
use crate::leadership::Leadership;
use crate::model::COUNT;
use crate::open::{Inner, Options, Upkeep};
use crate::query::{read_u64, unreadable};
use crate::standing::{Seen, Standing};
use crate::{Lag, Model, ProjectionError, ProjectionStatus, ReadError};

/// The read models: rows that the log can make again, in a SQLite file or in Postgres. Cheap to
/// clone.
#[derive(Clone)]
pub struct ReadModels {
    inner: Arc<Inner>,
}

impl ReadModels {
    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Ends all connections, once the reads and writes under way are done.
    pub async fn close(&self) {
        match &self.inner.upkeep {
            Upkeep::File { connection, .. } => connection.close().await,
            Upkeep::Server { listener, .. } => listener.close().await,
        }
        self.inner.readers.close().await;
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

    /// Why projecting does not go on at the moment, if it does not and this process knows: it is
    /// being tried again.
    pub fn trouble(&self) -> Option<String> {
        let standing = self.inner.standing.borrow();
        standing.trouble.as_deref().or(standing.cut_off.as_deref()).map(str::to_owned)
    }

    /// Waits until every read model is made, by whichever process projects, or has stopped for
    /// another reason: what a process that does not project has to know before it serves.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`] when `timeout` is over first; it says what is missing.
    pub async fn made(&self, timeout: Duration) -> Result<(), ReadError> {
        let mut standing = self.inner.standing.subscribe();
        let made = standing.wait_for(|standing| standing.unmade(Model::ALL).is_none());
        let made = matches!(tokio::time::timeout(timeout, made).await, Ok(Ok(_)));
        match self.unmade(Model::ALL) {
            Some((model, reason)) if !made => {
                Err(ReadError::Unavailable(format!("`{model}`: {reason}")))
            }
            _ => Ok(()),
        }
    }

    /// Every projection with its checkpoint, rows and lag.
    pub async fn list(&self, log: &dyn EventLog) -> Result<Vec<ProjectionStatus>, ProjectionError> {
        let head = log.head().await?;
        let standing = self.inner.standing.borrow().clone();
        let mut list = Vec::with_capacity(COUNT);
        for model in Model::ALL {
            let rows = match standing.made[model.index()] {
                true => self.count(count_of(*model)).await?,
                false => 0,
            };
            let position = standing.checkpoints[model.index()];
            list.push(ProjectionStatus {
                name: model.name(),
                position,
                rows,
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
        let select = Statement::new(sql)
            .bind(stream.scope.org.to_string())
            .bind(stream.scope.mode.as_str())
            .bind(stream.key().to_owned());
        let Some(row) = self.readers().row(select).await? else { return Ok(None) };
        let body = row.text("body")?;
        let state = match A::KIND {
            Kind::Session => serde_json::from_str::<OfSession<A>>(body).map(|row| row.session),
            _ => serde_json::from_str(body),
        };
        Ok(Some((state.map_err(unreadable)?, Position(read_u64(&row, "revision")?))))
    }

    /// The tenant that a row's number stands for.
    pub(crate) async fn scope_of(&self, tenant: i64) -> Result<Scope, ReadError> {
        let select = Statement::new("SELECT org, mode FROM tenants WHERE number = $1").bind(tenant);
        let row = self.readers().row(select).await?;
        let row = row.ok_or_else(|| unreadable(format!("no tenant has number {tenant}")))?;
        let org = row.text(0)?.parse().map_err(unreadable)?;
        let mode = row.text(1)?.parse().map_err(unreadable)?;
        Ok(Scope { org, mode })
    }

    /// The one number that `select` gives.
    pub(crate) async fn count(&self, select: Statement) -> Result<u64, sqlx::Error> {
        let row = self.readers().row(select).await?.ok_or(sqlx::Error::RowNotFound)?;
        Ok(row.integer(0)?.unsigned_abs())
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
        if let Upkeep::File { tidying, .. } = &self.inner.upkeep {
            tidying.wrote(rows);
        }
    }

    /// The leadership `name` among the processes on this database; none where there is one process.
    pub(crate) fn leadership(&self, name: &str) -> Option<Leadership> {
        match &self.inner.upkeep {
            Upkeep::File { .. } => None,
            Upkeep::Server { server, .. } => Some(Leadership::on(server.clone(), name)),
        }
    }

    /// One of these that is not made, and why.
    pub(crate) fn unmade(&self, models: &[Model]) -> Option<(Model, Arc<str>)> {
        self.inner.standing.borrow().unmade(models)
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.options
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

    /// Where the read models stand by the database, which alone is right.
    pub(crate) async fn reload(&self) -> Result<Seen, ProjectionError> {
        let seen = Seen::load(self.readers()).await?;
        self.update(|standing| standing.see(&seen));
        Ok(seen)
    }

    pub(crate) fn numbers(&self) -> MutexGuard<'_, HashMap<Scope, i64>> {
        // A number is whole, or not in it.
        self.inner.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn rebuilding(&self) -> &tokio::sync::Mutex<()> {
        &self.inner.rebuilding
    }
}

fn count_of(model: Model) -> Statement {
    Statement::new(format!("SELECT count(*) FROM {model}"))
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
        Kind::Export => Model::Exports,
        Kind::ModelPrices => Model::ModelPrices,
        Kind::Task => return None,
    })
}
