//! Making read models anew beside those that serve, then exchanging them.

use std::sync::Arc;

use theazo_log::{EventLog, Filter, Position};
use tokio_util::sync::CancellationToken;

use crate::dialect::{REBUILD, Statement, Transaction};
use crate::standing::Seen;
use crate::tables::{begin_epoch, create, drop_shadows, forget};
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
    let models = named(names)?;
    if let Some((model, reason)) = reads.unmade(&models) {
        return Err(ProjectionError::Database(format!("`{model}`: {reason}")));
    }
    let _alone = reads.rebuilding().lock().await;
    let made = match reads.leadership(REBUILD) {
        None => make(&log, reads, &models, &mut progress).await,
        Some(leadership) => {
            // Ours until it is over, so that no other process takes the shadows for leavings.
            let Some(term) = leadership.win(&CancellationToken::new()).await else {
                return Err(ProjectionError::Database("nobody may rebuild".to_owned()));
            };
            let made = tokio::select! {
                made = make(&log, reads, &models, &mut progress) => made,
                () = term.lost.cancelled() => Err(cut_off()),
            };
            term.end().await;
            made
        }
    };
    match made {
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

/// The read models with these names, in the order in which their tables are always locked.
fn named(names: Option<&[&str]>) -> Result<Vec<Model>, ProjectionError> {
    let Some(names) = names else { return Ok(Model::ALL.to_vec()) };
    let unknown = |name: &str| ProjectionError::UnknownName(name.to_owned());
    let models = names.iter().map(|name| Model::by_name(name).ok_or_else(|| unknown(name)));
    let mut models = models.collect::<Result<Vec<_>, _>>()?;
    models.sort();
    models.dedup();
    Ok(models)
}

fn cut_off() -> ProjectionError {
    ProjectionError::Database("the rebuild was cut off from Postgres; start it again".to_owned())
}

/// Fills shadows and puts them in the place of what serves.
async fn make(
    log: &Arc<dyn EventLog>,
    reads: &ReadModels,
    models: &[Model],
    progress: &mut (impl FnMut(u64, u64) + Send),
) -> Result<Position, ProjectionError> {
    let prefix = begin(reads, models).await?;
    let members = models.iter().map(|model| (*model, Position::START));
    let mut pass = Pass::new(reads.clone(), members, &prefix, OnFoldError::Fail, 0);
    fill(log, &mut pass, progress).await?;
    swap(&**log, reads, models, pass, &prefix).await
}

/// Creates the empty shadows, and tells their prefix.
async fn begin(reads: &ReadModels, models: &[Model]) -> Result<String, ProjectionError> {
    let mut tx = reads.writer().begin().await?;
    drop_shadows(&mut tx).await?;
    let sql = "INSERT INTO generations (id, number) VALUES (1, 1) \
               ON CONFLICT (id) DO UPDATE SET number = generations.number + 1 RETURNING number";
    let row = tx.row(Statement::new(sql)).await?.ok_or(sqlx::Error::RowNotFound)?;
    let number = row.integer(0)?;
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
    let mut tx = reads.writer().begin().await?;
    tx.take_time().await?;
    // Nobody moves while the writer is held: readers must never see an older state than before.
    let seen = Seen::load_in(&mut tx).await?;
    let level = models.iter().map(|m| seen.checkpoints[m.index()]).max();
    while Some(pass.position()) < level {
        let batch = log.read(&Filter::all(), pass.position(), MOST).await?;
        if batch.is_empty() {
            return Err(ProjectionError::Database("the log is behind a read model".to_owned()));
        }
        pass.fold(&batch).await?.write(&mut tx, prefix, None).await?;
    }
    let position = pass.position();
    for model in models {
        exchange(&mut tx, *model, prefix, position).await?;
    }
    // Whoever gets the writer next must see that the tables are others.
    begin_epoch(&mut tx).await?;
    let now = Seen::load_in(&mut tx).await?;
    tx.commit().await?;
    reads.update(|standing| standing.see(&now));
    Ok(position)
}

async fn exchange(
    tx: &mut Transaction,
    model: Model,
    prefix: &str,
    position: Position,
) -> Result<(), ProjectionError> {
    for table in model.tables() {
        let sql = format!("DROP TABLE {table}; ALTER TABLE {prefix}{table} RENAME TO {table}");
        tx.script(sql).await?;
    }
    let sql = "UPDATE projections SET position = $1, schema_hash = $2 WHERE name = $3";
    let update = Statement::new(sql).bind(signed(position)?);
    tx.execute(update.bind(model.schema_hash(tx.dialect())).bind(model.name())).await?;
    tx.execute(Statement::new("DELETE FROM stopped WHERE name = $1").bind(model.name())).await?;
    forget(tx, format!("{prefix}{model}")).await?;
    Ok(())
}

async fn clean_up(reads: &ReadModels) -> Result<(), ProjectionError> {
    let mut tx = reads.writer().begin().await?;
    // Another may have begun since.
    if !tx.others_rebuild().await? {
        drop_shadows(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(())
}
