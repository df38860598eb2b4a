//! Writing what was folded: the rows and the checkpoints of a batch in one transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use theazo_log::Position;
use tokio::sync::mpsc;

use crate::bulk::Bulk;
use crate::dialect::{Statement, Transaction};
use crate::standing::Told;
use crate::tenants::NewTenant;
use crate::{Model, ProjectionError, ReadModels};

/// The rows of a batch, and the checkpoints that go with them.
pub(super) struct Work {
    pub tenants: Vec<NewTenant>,
    pub rows: Vec<Bulk>,
    pub checkpoints: Vec<Move>,
    pub upto: Position,
}

/// Moves the checkpoints of `models` that stand at `from`.
pub(super) struct Move {
    pub from: Position,
    pub models: Vec<Model>,
}

/// Which tables are written.
pub(super) struct Target {
    pub reads: ReadModels,
    pub prefix: String,
    /// The epoch that the pass began in, for the tables that serve.
    pub epoch: Option<u64>,
}

impl Work {
    /// Moves the checkpoints and writes the rows.
    ///
    /// # Errors
    /// [`ProjectionError::Moved`] when a checkpoint is not where the fold began, or `epoch` is over:
    /// someone else has written these commits, or the tables are others.
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
                epoch.map_or("", |_| " AND (SELECT number FROM generations WHERE id = 2) = $3"),
            );
            let mut update = Statement::new(sql).bind(signed(self.upto)?).bind(signed(*from)?);
            if let Some(epoch) = epoch {
                update = update.bind(epoch.cast_signed());
            }
            if tx.execute(update).await? != models.len() as u64 {
                return Err(ProjectionError::Moved);
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
            reads.update(|standing| _ = standing.hear(&told));
        }
    }
    Ok(())
}

/// Notes for all processes that `model` has stopped.
pub(super) async fn write_stop(
    reads: &ReadModels,
    epoch: u64,
    model: Model,
    reason: &str,
) -> Result<(), ProjectionError> {
    let mut tx = reads.writer().begin().await?;
    let sql = "INSERT INTO stopped (name, reason) SELECT name, $2 FROM projections \
               WHERE name = $1 AND (SELECT number FROM generations WHERE id = 2) = $3 \
               ON CONFLICT (name) DO UPDATE SET reason = excluded.reason";
    let stop = Statement::new(sql).bind(model.name()).bind(reason.to_owned());
    if tx.execute(stop.bind(epoch.cast_signed())).await? != 1 {
        return Err(ProjectionError::Moved);
    }
    tx.notify(&Told::Look).await?;
    tx.commit().await?;
    Ok(())
}
