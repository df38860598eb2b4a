//! Writing what was folded: the rows and the checkpoints of a batch in one transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::AssertSqlSafe;
use theazo_log::Position;
use tokio::sync::mpsc;

use crate::bulk::Bulk;
use crate::dialect::{self, Connection};
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
    /// [`ReadModels::swaps`] as the pass began, for the tables that serve.
    pub swaps: Option<u64>,
}

impl Work {
    /// Moves the checkpoints and writes the rows.
    ///
    /// # Errors
    /// [`ProjectionError::Moved`] when a checkpoint is not where the fold began: someone else has
    /// written these commits.
    pub(super) async fn write(
        self,
        connection: &mut Connection,
        prefix: &str,
    ) -> Result<(), ProjectionError> {
        // First, so that what another has written is not written over.
        for Move { from, models } in &self.checkpoints {
            let names: Vec<_> = models.iter().map(|model| format!("'{prefix}{model}'")).collect();
            let sql = format!(
                "UPDATE projections SET position = $1 WHERE position = $2 AND name IN ({})",
                names.join(",")
            );
            let moved = sqlx::query(AssertSqlSafe(sql))
                .bind(signed(self.upto)?)
                .bind(signed(*from)?)
                .execute(&mut *connection)
                .await?;
            if moved.rows_affected() != models.len() as u64 {
                return Err(ProjectionError::Moved);
            }
        }
        for tenant in self.tenants {
            tenant.write(connection).await?;
        }
        for rows in self.rows {
            rows.execute(connection).await?;
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
    let Target { reads, prefix, swaps } = target;
    while let Some(work) = work.recv().await {
        let mut tx = dialect::begin(reads.writer()).await?;
        // Under the write lock, so that no swap can come between this and the commit.
        if swaps.is_some_and(|swaps| swaps != reads.swaps()) {
            return Err(ProjectionError::Moved);
        }
        let upto = work.upto;
        let rows: usize = work.rows.iter().map(Bulk::len).sum();
        let models: Vec<Model> = work.checkpoints.iter().flat_map(|m| m.models.clone()).collect();
        work.write(&mut tx, &prefix).await?;
        tx.commit().await?;
        committed.store(upto.0, Ordering::Release);
        reads.wrote(rows as u64);
        if swaps.is_some() {
            reads.update(|standing| {
                for model in models {
                    let checkpoint = &mut standing.checkpoints[model.index()];
                    // A swap may have been told of already.
                    *checkpoint = (*checkpoint).max(upto);
                }
                standing.head = standing.head.max(upto);
                standing.trouble = None;
            });
        }
    }
    Ok(())
}
