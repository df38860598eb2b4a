//! Making read models anew beside those that serve, then exchanging them.

use std::sync::Arc;

use sqlx::AssertSqlSafe;
use theazo_log::{EventLog, Filter, Position};
use tokio_util::sync::CancellationToken;

use crate::dialect::{self, Connection};
use crate::tables::{create, drop_shadows};
use crate::{Model, ProjectionError, ReadModels};

use super::pass::{OnFoldError, Pass};
use super::source::MOST;
use super::write::signed;

/// The shadow is as good as level when this few positions are missing: the rest is taken in while
/// the writer is held for the exchange.
const NEARLY: u64 = 2_000;
/// How often a shadow that lags may try to get nearer before the exchange is made anyway.
const TRIES: u32 = 20;

/// A read model that was made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    pub name: &'static str,
    /// Every commit up to here is in its rows.
    pub position: Position,
}

/// Makes the read models `names` (all of them when absent) anew from the log, and puts them in the
/// place of the old ones, which serve meanwhile and go on to take in what is appended. `progress`
/// hears how many positions are done, of how many. When it fails or is cut short, the old ones are
/// as they were.
///
/// # Errors
/// [`ProjectionError::UnknownName`] before anything is done; [`ProjectionError::Fold`] when a
/// commit cannot be folded.
pub async fn rebuild(
    log: Arc<dyn EventLog>,
    reads: &ReadModels,
    names: Option<&[&str]>,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Vec<Rebuilt>, ProjectionError> {
    let models = match names {
        None => Model::ALL.to_vec(),
        Some(names) => names
            .iter()
            .map(|name| {
                Model::by_name(name).ok_or_else(|| ProjectionError::UnknownName((*name).to_owned()))
            })
            .collect::<Result<_, _>>()?,
    };
    let _alone = reads.rebuilding().lock().await;
    let prefix = begin(reads, &models).await?;
    let members = models.iter().map(|model| (*model, Position::START));
    let mut pass = Pass::new(reads.clone(), members, &prefix, OnFoldError::Fail, reads.swaps());
    let made = fill(&log, &mut pass, &mut progress).await;
    let swapped = match made {
        Ok(()) => swap(&*log, reads, &models, pass, &prefix).await,
        Err(error) => Err(error),
    };
    match swapped {
        Ok(position) => {
            progress(position.0, position.0);
            Ok(models.iter().map(|m| Rebuilt { name: m.name(), position }).collect())
        }
        Err(error) => {
            if let Err(left) = clean_up(reads).await {
                tracing::warn!(error = %left, "a rebuild's tables stay until the next start");
            }
            Err(error)
        }
    }
}

/// Creates the empty shadows, and tells their prefix.
async fn begin(reads: &ReadModels, models: &[Model]) -> Result<String, ProjectionError> {
    let mut tx = dialect::begin(reads.writer()).await?;
    drop_shadows(&mut tx).await?;
    let sql = "INSERT INTO generations (id, number) VALUES (1, 1) \
               ON CONFLICT (id) DO UPDATE SET number = generations.number + 1 RETURNING number";
    let number: i64 = sqlx::query_scalar(sql).fetch_one(&mut *tx).await?;
    let prefix = format!("g{number}_");
    for model in models {
        create(&mut tx, *model, &prefix).await?;
    }
    tx.commit().await?;
    Ok(prefix)
}

/// Fills the shadows until they are nearly level with the log.
async fn fill(
    log: &Arc<dyn EventLog>,
    pass: &mut Pass,
    progress: &mut (impl FnMut(u64, u64) + Send),
) -> Result<(), ProjectionError> {
    let never = CancellationToken::new();
    for _ in 0..TRIES {
        let head = log.head().await?;
        let mut told = |position: Position| progress(position.0, head.0.max(position.0));
        pass.run_until(log.clone(), head, &never, &mut told).await?;
        if log.head().await?.0.saturating_sub(pass.position().0) <= NEARLY {
            break;
        }
    }
    Ok(())
}

/// Holds the writer, takes in what is missing, and exchanges the tables in one transaction.
async fn swap(
    log: &dyn EventLog,
    reads: &ReadModels,
    models: &[Model],
    mut pass: Pass,
    prefix: &str,
) -> Result<Position, ProjectionError> {
    let mut tx = dialect::begin(reads.writer()).await?;
    // Nobody moves while the writer is held: readers must never see an older state than before.
    reads.reload_in(&mut tx).await?;
    let standing = reads.standing();
    let level = models.iter().map(|m| standing.checkpoints[m.index()]).max();
    while Some(pass.position()) < level {
        let batch = log.read(&Filter::all(), pass.position(), MOST).await?;
        if batch.is_empty() {
            return Err(ProjectionError::Database("the log is behind a read model".to_owned()));
        }
        pass.fold(&batch).await?.write(&mut tx, prefix).await?;
    }
    let position = pass.position();
    for model in models {
        exchange(&mut tx, *model, prefix, position).await?;
    }
    // Before the writer is free: whoever gets it next must see that the tables are others.
    reads.note_swap();
    tx.commit().await?;
    reads.update(|standing| {
        for model in models {
            standing.checkpoints[model.index()] = position;
            standing.stopped[model.index()] = None;
        }
    });
    Ok(position)
}

async fn exchange(
    connection: &mut Connection,
    model: Model,
    prefix: &str,
    position: Position,
) -> Result<(), ProjectionError> {
    for table in model.tables() {
        let sql = format!("DROP TABLE {table}; ALTER TABLE {prefix}{table} RENAME TO {table}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    sqlx::query("UPDATE projections SET position = $1, schema_hash = $2 WHERE name = $3")
        .bind(signed(position)?)
        .bind(model.schema_hash())
        .bind(model.name())
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM projections WHERE name = $1")
        .bind(format!("{prefix}{model}"))
        .execute(connection)
        .await?;
    Ok(())
}

async fn clean_up(reads: &ReadModels) -> Result<(), ProjectionError> {
    let mut tx = dialect::begin(reads.writer()).await?;
    drop_shadows(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}
