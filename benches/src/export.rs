//! Usage records as a download, against reading the same log alone; and the memory of it.
//!
//! Bars: at least 50 % of the rate of reading; a hundred times the records in the same memory.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use indicatif::ProgressBar;
use theazo_billing::{Format, NoCustomers, Period, Place, export, records};
use theazo_commands::{IdSource, now};
use theazo_domain::pricing::{ModelPrice, ModelUsage, PriceBasis, Rates, TokenUsage};
use theazo_domain::task::TaskEvent;
use theazo_domain::{
    Actor, AgentId, CommitId, Event, Payload, Pico, Scope, Sealed, SessionId, StreamId, TaskId,
};
use theazo_log::{Draft, EventLog, Filter, Position, SqliteLog, SqliteOptions};

use crate::histories;
use crate::stats::verdict;

const BAR: f64 = 0.50;
/// How much more memory the large log may take than the small one.
const FLAT: f64 = 1.25;
/// Records of one task: one call after the other.
const CALLS: u64 = 10;
/// Records of one session.
const OF_SESSION: u64 = 1_000;
/// Tasks that are written at the same time.
const IN_FLIGHT: usize = 256;
const BATCH: usize = 4_096;

pub async fn run(records: u64) -> anyhow::Result<()> {
    println!("Exports of usage records, against reading the log alone");
    let small = measure(records / 100).await?;
    let large = measure(records).await?;
    let ratio = large / small;
    println!(
        "  peak memory of {records} records is {ratio:.2} times that of {}  {}",
        records / 100,
        verdict(ratio <= FLAT),
    );
    Ok(())
}

/// The most memory that an export took, in MiB.
async fn measure(count: u64) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("log.sqlite");
    let log = SqliteLog::open(SqliteOptions::new(&path)).await?;
    let scope = fill(&log, count).await?;
    log.close().await;
    // Opened anew, so that nothing is read from memory that a start would not have.
    let log = SqliteLog::open(SqliteOptions::new(&path)).await?;
    read(&log, scope).await?;
    let mut most: f64 = 0.0;
    for format in Format::ALL {
        let before = read(&log, scope).await?;
        forget_peak()?;
        let began = Instant::now();
        let rows = records(log.clone(), scope, Place::START, Period::EVER);
        let mut rows = export(rows, format, Arc::new(NoCustomers));
        let mut bytes = 0;
        while let Some(part) = rows.next().await {
            bytes += part?.len();
        }
        let rows_per_second = count as f64 / began.elapsed().as_secs_f64();
        let peak = peak()?;
        let reading = f64::midpoint(before, read(&log, scope).await?);
        let ratio = rows_per_second / reading;
        println!(
            "  {count} records as {}: {rows_per_second:.0} rows/s, {} MiB; reading {reading:.0}/s: \
             {:.0} %  {}; peak {peak:.0} MiB",
            format.name(),
            bytes >> 20,
            ratio * 100.0,
            verdict(ratio >= BAR),
        );
        most = most.max(peak);
    }
    log.close().await;
    Ok(most)
}

/// Commits per second.
async fn read(log: &Arc<SqliteLog>, scope: Scope) -> anyhow::Result<f64> {
    let began = Instant::now();
    let (filter, mut after, mut count) = (Filter::scope(scope), Position::START, 0usize);
    loop {
        let batch = log.read(&filter, after, BATCH).await?;
        let Some(last) = batch.last() else { break };
        after = last.position;
        count += batch.len();
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

/// Appends `count` model calls of tasks, and the sessions that they are of.
async fn fill(log: &Arc<SqliteLog>, count: u64) -> anyhow::Result<Scope> {
    let (scope, bar) = (histories::scope(), ProgressBar::new(count).with_message("filling a log"));
    let mut sessions = Vec::new();
    for _ in 0..count.div_ceil(OF_SESSION) {
        let draft = histories::session_created(scope, now());
        sessions.push(draft.stream.key().parse::<SessionId>().map_err(anyhow::Error::msg)?);
        log.append(Position::START, draft).await?;
    }
    let mut in_flight = FuturesUnordered::new();
    for task in 0..count / CALLS {
        if in_flight.len() >= IN_FLIGHT {
            in_flight.next().await.transpose()?;
            bar.inc(CALLS);
        }
        let session = usize::try_from(task * CALLS / OF_SESSION)?;
        in_flight.push(calls(log.clone(), scope, sessions[session]));
    }
    while let Some(appended) = in_flight.next().await {
        appended?;
    }
    bar.finish_and_clear();
    Ok(scope)
}

async fn calls(log: Arc<SqliteLog>, scope: Scope, session_id: SessionId) -> anyhow::Result<()> {
    let task = TaskId::from_uuid(IdSource::new().uuid("task"));
    let agent_id = AgentId::from_uuid(IdSource::new().uuid("agent"));
    let (stream, mut revision) = (StreamId::task(scope, task), Position::START);
    for step in 0..u32::try_from(CALLS)? {
        let draft = Draft {
            id: CommitId::from_uuid(IdSource::new().uuid("commit")),
            stream: stream.clone(),
            time: now(),
            actor: Actor::system("bench"),
            request_id: None,
            causation: None,
            correlation: None,
            events: vec![call(session_id, agent_id, task, step)],
        };
        revision = log.append(revision, draft).await?.commit.position;
    }
    Ok(())
}

/// What a model call commits, with a short turn.
fn call(session_id: SessionId, agent_id: AgentId, task: TaskId, step: u32) -> Event {
    let tokens = TokenUsage { input: 1_200, output: 300, ..TokenUsage::default() };
    let rates = Rates { input: Pico(3_000_000), output: Pico(15_000_000), ..Rates::default() };
    let id = "anthropic/claude-sonnet-5-5@2026-10-07".to_owned();
    let price = ModelPrice { id, rates, long_prompt: None };
    let usage = ModelUsage {
        id: format!("model/{task}/{step}"),
        model: "claude-sonnet-5-5".to_owned(),
        at: now(),
        tokens,
        basis: PriceBasis::Table,
        cost: price.cost(&tokens),
        price: Some(price),
        fee: None,
        waived: Pico::ZERO,
    };
    let sealed = Sealed { key: "org#1".to_owned(), data: "c2VhbGVk".repeat(40) };
    Event::from(TaskEvent::ModelCallCompleted {
        session_id,
        agent_id,
        attempt: 1,
        step,
        turn: Payload::Inline { sealed },
        finish: "end".to_owned(),
        usage,
        duration_ms: 900,
    })
}

/// From here on the peak is counted anew.
fn forget_peak() -> anyhow::Result<()> {
    std::fs::write("/proc/self/clear_refs", "5").context("/proc/self/clear_refs")
}

/// The most memory since then, in MiB.
fn peak() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.map(|kib| kib / 1024.0).context("no VmHWM in /proc/self/status")
}
