use std::collections::{BTreeMap, HashSet};

use futures::StreamExt;
use theazo_log::{Commit, Filter, Position};

use super::{Replies, Reply};
use crate::runtime::Runtime;

/// Commits read at once.
const BATCH: usize = 2_000;

/// A commit as the command line shows it: a line of JSON. Payloads in it are ciphertexts.
fn line(commit: &Commit) -> anyhow::Result<Reply> {
    let line = serde_json::json!({
        "position": commit.position,
        "id": commit.id,
        "stream": commit.stream,
        "time": commit.time,
        "actor": commit.actor,
        "requestId": commit.request_id,
        "events": commit.events,
    });
    Ok(Reply::Line(serde_json::to_string(&line)?))
}

pub async fn tail(runtime: &Runtime, to: &Replies, after: Option<u64>) -> anyhow::Result<()> {
    let after = match after {
        Some(position) => Position(position),
        None => runtime.log.head().await?,
    };
    let mut commits = runtime.log.subscribe(Filter::all(), after);
    while let Some(commit) = commits.next().await {
        let commit = commit?;
        to.send(line(&commit)?).await?;
    }
    Ok(())
}

pub async fn read(
    runtime: &Runtime,
    to: &Replies,
    after: u64,
    limit: usize,
    stream: Option<String>,
) -> anyhow::Result<()> {
    let filter = match stream {
        Some(stream) => Filter::stream(stream.parse()?),
        None => Filter::all(),
    };
    let (mut after, mut left) = (Position(after), limit);
    while left > 0 {
        let commits = runtime.log.read(&filter, after, left.min(BATCH)).await?;
        let Some(last) = commits.last() else { break };
        (after, left) = (last.position, left - commits.len());
        for commit in &commits {
            to.send(line(commit)?).await?;
        }
    }
    Ok(())
}

pub async fn stats(runtime: &Runtime, to: &Replies) -> anyhow::Result<()> {
    let head = runtime.log.head().await?;
    let (mut after, mut commits) = (Position::START, 0u64);
    let mut streams = HashSet::new();
    let mut types: BTreeMap<&'static str, u64> = BTreeMap::new();
    loop {
        let batch = runtime.log.read(&Filter::all(), after, BATCH).await?;
        let Some(last) = batch.last() else { break };
        after = last.position;
        commits += batch.len() as u64;
        for commit in &batch {
            streams.insert(commit.stream.clone());
            for event in &commit.events {
                *types.entry(event.event_type().name).or_default() += 1;
            }
        }
        progress(to, "reading", after, head).await?;
    }
    let line = serde_json::json!({
        "head": head, "commits": commits, "streams": streams.len(), "events": types,
    });
    to.send(Reply::Line(serde_json::to_string_pretty(&line)?)).await?;
    Ok(())
}

pub async fn verify(runtime: &Runtime, to: &Replies) -> anyhow::Result<()> {
    let head = runtime.log.head().await?;
    let (progress_to, mut progress_from) = tokio::sync::mpsc::unbounded_channel();
    let all = Filter::all();
    let verify = theazo_log::verify(&*runtime.log, &all, move |position| {
        // Whoever asked may have gone away: then nobody watches.
        progress_to.send(position).ok();
    });
    let show = async {
        while let Some(position) = progress_from.recv().await {
            progress(to, "verifying", position, head).await?;
        }
        anyhow::Ok(())
    };
    let (verified, shown) = tokio::join!(verify, show);
    shown?;
    let verified = verified?;
    let line = format!(
        "{} commits up to position {}: every hash is as it should be",
        verified.commits, verified.head
    );
    to.send(Reply::Line(line)).await?;
    Ok(())
}

async fn progress(to: &Replies, what: &str, at: Position, head: Position) -> anyhow::Result<()> {
    let what = what.to_owned();
    to.send(Reply::Progress { what, done: at.0, total: head.0.max(at.0) }).await?;
    Ok(())
}
