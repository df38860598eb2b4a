//! Writing what was folded: the rows and the checkpoints of a batch in one transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use theazo_log::Position;
use tokio::sync::mpsc;

use crate::bulk::Bulk;
use crate::dialect::{Statement, Transaction};
use crate::standing::{Standing, Told};
use crate::tenants::NewTenant;
use crate::{Model, ProjectionError, ReadModels};

const EPOCH: &str = "(SELECT number FROM generations WHERE id = 2)";

/// The rows of a batch, and the checkpoints that go with them.
pub(super) struct Work {
    pub tenants: Vec<NewTenant>,
    pub rows: Vec<Bulk>,
    pub checkpoints: Vec<Move>,
    pub stops: Vec<Stop>,
    pub upto: Position,
}

/// Moves the checkpoints of `models` that stand at `from`.
pub(super) struct Move {
    pub from: Position,
    pub models: Vec<Model>,
}

/// Stops `model`, which stands at `at` and cannot go on. Written in its turn, like rows: only when
/// its checkpoint is there nobody else has written the rows that it failed on.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    pub model: Model,
    pub at: Position,
    pub reason: String,
}

/// Which tables are written.
pub(super) struct Target {
    pub reads: ReadModels,
    pub prefix: String,
    /// The epoch that the pass began in, for the tables that serve.
    pub epoch: Option<u64>,
}

impl Work {
    pub(super) fn new(tenants: Vec<NewTenant>, upto: Position) -> Self {
        Self { tenants, rows: vec![], checkpoints: vec![], stops: vec![], upto }
    }

    /// Moves the checkpoints and writes the rows.
    ///
    /// # Errors
    /// [`ProjectionError::Moved`] when a checkpoint is not where the fold began, or `epoch` is
    /// over: someone else has written these commits, or the tables are others.
    pub(super) async fn write(
        self,
        tx: &mut Transaction,
        prefix: &str,
        epoch: Option<u64>,
    ) -> Result<(), ProjectionError> {
        // First, so that what another has written is not written over.
        for Move { from, models } in &self.checkpoints {
            let names: Vec<_> = models.iter().map(|model| format!("'{prefix}{model}'")).collect();
            let sql = format!(
                "UPDATE projections SET position = $1 WHERE position = $2 AND name IN ({}){}",
                names.join(","),
                epoch.map_or(String::new(), |_| format!(" AND {EPOCH} = $3")),
            );
            let mut update = Statement::new(sql).bind(signed(self.upto)?).bind(signed(*from)?);
            if let Some(epoch) = epoch {
                update = update.bind(epoch.cast_signed());
            }
            if tx.execute(update).await? != models.len() as u64 {
                return Err(ProjectionError::Moved);
            }
        }
        if let Some(epoch) = epoch {
            for stop in &self.stops {
                stop.write(tx, epoch).await?;
            }
        }
        for tenant in self.tenants {
            tenant.write(tx).await?;
        }
        for rows in self.rows {
            rows.execute(tx).await?;
        }
        Ok(())
    }
}

impl Stop {
    async fn write(&self, tx: &mut Transaction, epoch: u64) -> Result<(), ProjectionError> {
        let sql = format!(
            "INSERT INTO stopped (name, reason) SELECT name, $2 FROM projections \
             WHERE name = $1 AND position = $3 AND {EPOCH} = $4 \
             ON CONFLICT (name) DO UPDATE SET reason = excluded.reason"
        );
        let stop = Statement::new(sql).bind(self.model.name()).bind(self.reason.clone());
        let stop = stop.bind(signed(self.at)?).bind(epoch.cast_signed());
        if tx.execute(stop).await? != 1 {
            return Err(ProjectionError::Moved);
        }
        tx.notify(&Told::Look).await?;
        Ok(())
    }

    fn note(self, standing: &mut Standing) {
        tracing::error!(projection = self.model.name(), self.reason, "a read model has stopped");
        standing.stopped[self.model.index()] = Some(self.reason.into());
    }
}

/// A position as the database's signed number.
pub(super) fn signed(position: Position) -> Result<i64, ProjectionError> {
    i64::try_from(position.0).map_err(|e| ProjectionError::Database(e.to_string()))
}

/// Writes all that comes, each in a transaction, and tells how far that is.
pub(super) async fn write_all(
    target: Target,
    mut work: mpsc::Receiver<Work>,
    committed: Arc<AtomicU64>,
) -> Result<(), ProjectionError> {
    let Target { reads, prefix, epoch } = target;
    while let Some(work) = work.recv().await {
        let mut tx = reads.writer().begin().await?;
        let upto = work.upto;
        let rows: usize = work.rows.iter().map(Bulk::len).sum();
        let models: Vec<Model> = work.checkpoints.iter().flat_map(|m| m.models.clone()).collect();
        let stops = work.stops.clone();
        work.write(&mut tx, &prefix, epoch).await?;
        let told = epoch.map(|epoch| {
            let head = reads.lag().head.max(upto);
            Told::Moved { epoch, upto, head, models }
        });
        if let Some(told) = &told {
            tx.notify(told).await?;
        }
        tx.commit().await?;
        committed.store(upto.0, Ordering::Release);
        reads.wrote(rows as u64);
        if let Some(told) = told {
            // Of a newer epoch it is known from elsewhere, and the next write tells.
            reads.update(|standing| {
                standing.hear(&told);
                if Some(standing.epoch) == epoch {
                    stops.into_iter().for_each(|stop| stop.note(standing));
                }
            });
        }
    }
    Ok(())
}
