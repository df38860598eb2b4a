//! The projector's replay, against reading the same log alone.
//!
//! Bar: at least 50 %.

use std::sync::Arc;
use std::time::{Duration, Instant};

use theazo_log::{EventLog, Filter, Position, SqliteLog, SqliteOptions};
use theazo_projections::{ChainKey, Options, Projector, ReadModels};
use tokio_util::sync::CancellationToken;

use crate::histories;
use crate::stats::verdict;

const BAR: f64 = 0.50;
const BATCH: usize = 4_096;
const PATIENCE: Duration = Duration::from_secs(600);

pub async fn run(commits: u64) -> anyhow::Result<()> {
    println!("Projector replay of {commits} commits, against reading the log alone");
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("log.sqlite");
    let log = SqliteLog::open(SqliteOptions::new(&path)).await?;
    histories::fill(&log, commits).await?;
    log.close().await;
    // Opened anew, so that nothing is read from memory that a start would not have.
    let log = SqliteLog::open(SqliteOptions::new(&path)).await?;
    let before = read(&log).await?;
    let replay = replay(&log, folder.path()).await?;
    let after = read(&log).await?;
    let reading = (before + after) / 2.0;
    let ratio = replay / reading;
    println!(
        "  reading {reading:.0}/s, replay {replay:.0}/s: {:.0} %  {}",
        ratio * 100.0,
        verdict(ratio >= BAR),
    );
    Ok(())
}

/// Commits per second.
async fn read(log: &Arc<SqliteLog>) -> anyhow::Result<f64> {
    let start = Instant::now();
    let (mut after, mut count) = (Position::START, 0usize);
    loop {
        let batch = log.read(&Filter::all(), after, BATCH).await?;
        let Some(last) = batch.last() else { break };
        after = last.position;
        count += batch.len();
    }
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

/// Commits per second, until all read models hold all.
async fn replay(log: &Arc<SqliteLog>, folder: &std::path::Path) -> anyhow::Result<f64> {
    let options = Options::new(ChainKey::new(vec![7; 32]));
    let reads = ReadModels::open(&folder.join("reads.sqlite"), options).await?;
    let head = log.head().await?;
    let stop = CancellationToken::new();
    let start = Instant::now();
    let projector = Projector::start(log.clone(), reads.clone(), stop.clone());
    anyhow::ensure!(reads.wait_for(head, PATIENCE).await, "the projector does not catch up");
    let per_second = head.0 as f64 / start.elapsed().as_secs_f64();
    stop.cancel();
    projector.await?;
    Ok(per_second)
}
