//! The load that a log is measured with: `examples/bench_log.rs` prints it, `benches/` compares
//! with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::join_all;
use theazo_domain::session::SessionEvent;
use theazo_domain::{Actor, CommitId, RequestId, SessionId, StreamId, Timestamp};
use tokio::task::JoinError;
use uuid::Uuid;

use crate::conformance::fixtures::{Rng, scope};
use crate::{AppendError, Draft, EventLog, Filter, LogError, Position, RawCommit};

/// Commits of one stream, before a writer goes on to the next.
const STREAM: usize = 10;
/// Bytes of text in each event, which makes a stored body of about 430.
const TEXT: usize = 100;

/// What a load came to.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    pub commits: usize,
    pub elapsed: Duration,
    /// Of one append, from the call to its answer; zero where none was timed.
    pub p50: Duration,
    pub p99: Duration,
}

/// Why a load was not finished.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Task(#[from] JoinError),
    #[error("only {0} commits came")]
    Short(usize),
}

impl Figures {
    pub fn per_second(&self) -> f64 {
        self.commits as f64 / self.elapsed.as_secs_f64()
    }
}

/// `in_flight` writers append for `time`, each one commit after the other: new streams of
/// [`STREAM`] commits, as tasks and executions make them. Give each call on one log a `round` of
/// its own, increasing.
pub async fn append(
    log: &Arc<dyn EventLog>,
    in_flight: usize,
    time: Duration,
    round: u64,
) -> Result<Figures, BenchError> {
    let started = Instant::now();
    let writers = (0..in_flight as u64).map(|n| {
        let log = Arc::clone(log);
        let mut rng = Rng(round << 32 | n);
        tokio::spawn(async move {
            let mut latencies = Vec::new();
            while started.elapsed() < time {
                write_stream(&*log, round, &mut rng, &mut latencies).await?;
            }
            Ok::<_, AppendError>(latencies)
        })
    });
    let mut latencies = Vec::new();
    for writer in join_all(writers).await {
        latencies.extend(writer??);
    }
    let elapsed = started.elapsed();
    latencies.sort_unstable();
    let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied();
    Ok(Figures {
        commits: latencies.len(),
        elapsed,
        p50: at(50).unwrap_or_default(),
        p99: at(99).unwrap_or_default(),
    })
}

async fn write_stream(
    log: &dyn EventLog,
    round: u64,
    rng: &mut Rng,
    latencies: &mut Vec<Duration>,
) -> Result<(), AppendError> {
    // The time in front, as in a UUIDv7: streams that are made together lie together.
    let made = round << 48 | (latencies.len() as u64) << 16 | rng.draw() >> 48;
    let id = SessionId::from_uuid(Uuid::from_u64_pair(made, rng.draw()));
    let stream = StreamId::session(scope(0), id);
    let mut revision = Position::START;
    for step in 0..STREAM {
        let draft = draft(&stream, id, step, rng);
        let asked = Instant::now();
        revision = log.append(revision, draft).await?.commit.position;
        latencies.push(asked.elapsed());
    }
    Ok(())
}

fn draft(stream: &StreamId, session_id: SessionId, step: usize, rng: &mut Rng) -> Draft {
    let id = Uuid::from_u64_pair(rng.draw(), rng.draw());
    let event = SessionEvent::Created {
        session_id,
        user_id: format!("{step:0TEXT$}"),
        limits: Default::default(),
        model: None,
        compute: None,
        metadata: Default::default(),
    };
    Draft {
        id: CommitId::from_uuid(id),
        stream: stream.clone(),
        time: Timestamp::from_millis(1_780_000_000_000 + step as i64),
        actor: Actor::system("bench"),
        request_id: Some(RequestId::from_uuid(id)),
        causation: None,
        correlation: None,
        events: vec![event.into()],
    }
}

/// Reads the whole log as a projector does: one subscription, from the start to the head.
pub async fn replay(log: &Arc<dyn EventLog>, filter: Filter) -> Result<Figures, BenchError> {
    let started = Instant::now();
    let head = log.head().await?;
    let mut subscription = log.subscribe(filter, Position::START).ready_chunks(1_024);
    let (mut commits, mut last) = (0, Position::START);
    while last < head {
        let Some(chunk) = subscription.next().await else { return Err(BenchError::Short(commits)) };
        for commit in chunk {
            last = commit?.position;
            commits += 1;
        }
    }
    Ok(read(commits, started))
}

/// Reads the whole log as it is stored, page by page, and checks each with `look`.
pub async fn read_raw(
    log: &Arc<dyn EventLog>,
    mut look: impl FnMut(&RawCommit) + Send,
) -> Result<Figures, BenchError> {
    let started = Instant::now();
    let (mut commits, mut last) = (0, Position::START);
    loop {
        let page = log.read_raw(&Filter::all(), last, 1_024).await?;
        let Some(end) = page.last() else { return Ok(read(commits, started)) };
        last = end.position;
        commits += page.len();
        page.iter().for_each(&mut look);
    }
}

fn read(commits: usize, started: Instant) -> Figures {
    let elapsed = started.elapsed();
    Figures { commits, elapsed, p50: Duration::ZERO, p99: Duration::ZERO }
}
