//! The log, from SQLite to JetStream.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use theazo_domain::Timestamp;
use theazo_log::{
    EventLog, Filter, Position, SqliteLog, SqliteOptions, Upcasters, Verified, Verifier, verify,
};
use theazo_nats::{Import, JetStreamLog, JetStreamOptions, Nats, NatsOptions};

use super::{Replies, say, take, watched};

/// Commits read at a time.
const PAGE: usize = 1_024;
/// Orgs whose rolling hashes are shown.
const SHOWN: usize = 20;

/// A log that nobody writes to.
pub struct Source {
    pub log: Arc<SqliteLog>,
    /// What it is, checked.
    pub verified: Verified,
    /// When the last thing in it happened.
    pub last: Timestamp,
}

/// `theazo migrate log`.
pub async fn log(from: &Path, to_url: &str, replicas: usize, to: &Replies) -> anyhow::Result<()> {
    exists(from)?;
    let folder = from.parent().filter(|folder| !folder.as_os_str().is_empty());
    let _folder = take(folder.unwrap_or(Path::new(".")))?;
    let target = target(to_url, replicas).await.context("--to")?;
    let source = source(from, &target, to).await?;
    let import = Import::begin(&target, &*source.log).await?;
    copy(&source, import, &target, to).await?;
    source.log.close().await;
    target.close().await;
    say(
        to,
        "Its keys and blobs are to be moved too (`theazo migrate keys`, `theazo migrate blobs`), \
         and its agents find their files on the old data folder only when a worker host runs on it \
         with `--host-name embedded`, before any other process of the cluster.",
    )
    .await
}

fn exists(path: &Path) -> anyhow::Result<()> {
    ensure!(path.is_file(), "there is no log at {}", path.display());
    Ok(())
}

pub async fn target(url: &str, replicas: usize) -> anyhow::Result<Arc<JetStreamLog>> {
    ensure!(
        url.starts_with("nats://") || url.starts_with("tls://"),
        "the log is moved to NATS: nats://HOST:PORT"
    );
    let nats = Nats::connect(NatsOptions::new(url)).await?;
    let options = JetStreamOptions { replicas, ..JetStreamOptions::default() };
    Ok(JetStreamLog::open(&nats, options).await?)
}

/// Opens the log at `path`, and reads it once: whether its chain holds, this build can read it, and
/// the target takes it.
pub async fn source(path: &Path, target: &JetStreamLog, to: &Replies) -> anyhow::Result<Source> {
    exists(path)?;
    let log = SqliteLog::open(SqliteOptions::new(path)).await?;
    let head = log.head().await?;
    let (verified, last) = watched(to, "checking", head.0, async |progress| {
        let upcasters = Upcasters::default();
        let mut verifier = Verifier::default();
        let (mut after, mut last) = (Position::START, None);
        loop {
            let page = log.read_raw(&Filter::all(), after, PAGE).await?;
            for raw in &page {
                verifier.check(raw)?;
                target.takes(raw).with_context(|| format!("position {}", raw.position))?;
                last = Some(raw.decode(&upcasters)?.time);
            }
            let Some(end) = page.last() else { return Ok((verifier.finish(), last)) };
            after = end.position;
            progress.send_replace(after.0);
        }
    })
    .await
    .with_context(|| format!("the log {} cannot be moved", path.display()))?;
    let Some(last) = last else { bail!("the log {} is empty: nothing to move", path.display()) };
    Ok(Source { log, verified, last })
}

/// Copies what the target has not, and compares.
pub async fn copy(
    source: &Source,
    import: Import<'_>,
    target: &JetStreamLog,
    to: &Replies,
) -> anyhow::Result<()> {
    let wanted = &source.verified;
    let there = import.done();
    if there > Position::START {
        say(to, format!("{there} commits are there already; going on after them")).await?;
    }
    let head = watched(to, "copying", wanted.commits, async |progress| {
        let told = move |position: Position| _ = progress.send_replace(position.0);
        Ok(import.run(told).await?)
    })
    .await?;
    let found = watched(to, "comparing", head.0, async |progress| {
        let told = move |position: Position| _ = progress.send_replace(position.0);
        Ok(verify(target, &Filter::all(), told).await?)
    })
    .await
    .context("the copy is not as it should be")?;
    ensure!(
        (found.commits, &found.orgs) == (wanted.commits, &wanted.orgs),
        "the copy is not the log that it was made of: {} commits in place of {}",
        found.commits,
        wanted.commits
    );
    let more = source.log.read_raw(&Filter::all(), wanted.head, 1).await?;
    ensure!(
        more.is_empty(),
        "somebody writes to the log that was copied: stop that server, and run this again"
    );
    tell(wanted, head, to).await
}

async fn tell(verified: &Verified, head: Position, to: &Replies) -> anyhow::Result<()> {
    let commits = verified.commits;
    say(to, format!("log: {commits} commits; every hash in both is as it should be, and the same"))
        .await?;
    let mut orgs: Vec<_> = verified.orgs.iter().collect();
    orgs.sort_by_key(|(scope, _)| **scope);
    for (scope, chain) in orgs.iter().take(SHOWN) {
        let line =
            format!("  {} {}: {} commits, {}", scope.org, scope.mode, chain.commits, chain.hash);
        say(to, line).await?;
    }
    if orgs.len() > SHOWN {
        say(to, format!("  and {} more", orgs.len() - SHOWN)).await?;
    }
    if head != verified.head {
        say(
            to,
            format!(
                "positions are counted anew ({head} in place of {}): streams that clients have \
                 open begin again",
                verified.head
            ),
        )
        .await?;
    }
    Ok(())
}
