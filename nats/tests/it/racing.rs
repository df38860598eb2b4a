//! Many writers on one stream, in two processes.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;

use futures::future::join_all;
use theazo_domain::{CommitId, StreamId};
use theazo_log::conformance::fixtures::*;
use theazo_log::{AppendError, EventLog, Filter, Position, verify};
use theazo_nats::{JetStreamLog, JetStreamOptions};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::server::{newer, packaged};
use crate::support::{OnServer, as_child, child, open};

const PROCESSES: usize = 2;
const WRITERS: usize = 32;

/// How many commits all writers make together: `THEAZO_TEST_RACE` sets it.
fn commits() -> usize {
    let given = std::env::var("THEAZO_TEST_RACE").ok().and_then(|text| text.parse().ok());
    let each = given.unwrap_or(2_048usize).div_ceil(PROCESSES * WRITERS);
    each * PROCESSES * WRITERS
}

fn contested() -> StreamId {
    session(scope(0), 1)
}

/// Does nothing, unless a parent started it: then it writes, and says what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_races() {
    let Some(url) = as_child() else { return };
    let log = open(&url, JetStreamOptions::default()).await;
    let mut rng = Rng::seeded("child_that_races");
    // The harness has begun a line.
    println!();
    let each = commits() / PROCESSES / WRITERS;
    let writers = (0..WRITERS).map(|_| {
        let (log, mut rng) = (Arc::clone(&log), Rng(rng.draw()));
        tokio::spawn(async move {
            let mut revision = Position::START;
            for _ in 0..each {
                let id = CommitId::from_uuid(uuid(&mut rng));
                revision = win(&log, revision, id).await;
                let mut out = std::io::stdout().lock();
                writeln!(out, "acked {id} {revision}").unwrap();
            }
        })
    });
    join_all(writers).await.into_iter().for_each(Result::unwrap);
    log.close().await;
}

fn uuid(rng: &mut Rng) -> uuid::Uuid {
    uuid::Uuid::from_u64_pair(rng.draw(), rng.draw())
}

/// Appends until it is the one that wins.
async fn win(log: &JetStreamLog, mut revision: Position, id: CommitId) -> Position {
    loop {
        match log.append(revision, draft_with_id(&contested(), id, "race")).await {
            Ok(appended) => {
                assert!(!appended.duplicate && appended.commit.previous == revision);
                return appended.commit.position;
            }
            Err(AppendError::Conflict { actual }) => {
                assert!(actual > revision, "{actual} after {revision}");
                revision = actual;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

async fn race(program: String) {
    let subject = OnServer::with(program, JetStreamOptions::default());
    let log = subject.jetstream().await;
    let mut subscription = log.subscribe(Filter::stream(contested()), Position::START);
    let racers = (0..PROCESSES).map(|_| {
        let mut child = child("racing::child_that_races", &subject.server.url());
        tokio::spawn(async move {
            let mut acked = Vec::new();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            while let Some(line) = lines.next_line().await.unwrap() {
                if let ["acked", id, position] = line.split(' ').collect::<Vec<_>>()[..] {
                    acked.push((Position(position.parse().unwrap()), id.parse().unwrap()));
                }
            }
            assert!(child.wait().await.unwrap().success());
            acked
        })
    });
    let mut acked: Vec<(Position, CommitId)> =
        join_all(racers).await.into_iter().flat_map(Result::unwrap).collect();
    acked.sort();
    assert_eq!(acked.len(), commits());
    assert_eq!(acked.iter().map(|(_, id)| id).collect::<HashSet<_>>().len(), acked.len());

    let stored = log.read_stream(&contested(), Position::START).await.unwrap();
    let kept: Vec<_> = stored.iter().map(|commit| (commit.position, commit.id)).collect();
    assert_eq!(kept, acked, "each is there, once");
    assert_eq!(take(&mut subscription, acked.len()).await, stored);
    let verified = verify(&*log, &Filter::all(), |_| ()).await.unwrap();
    assert_eq!(verified.commits, acked.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_processes_lose_and_double_nothing() {
    race(packaged()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_processes_lose_and_double_nothing_on_a_newer_server() {
    race(newer()).await;
}

/// The other process wrote it: this one learns of it all the same, at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_process_writes_is_seen_by_every_read() {
    let subject = OnServer::new();
    let (ours, theirs) = (subject.jetstream().await, subject.jetstream().await);
    let stream = session(scope(0), 1);
    let mut revision = Position::START;
    for n in 0..100 {
        let wanted = draft(&stream, &n.to_string());
        let written = theirs.append(revision, wanted.clone()).await.unwrap().commit;
        assert_eq!(ours.read_stream(&stream, revision).await.unwrap(), vec![written.clone()]);
        let read = ours.read(&Filter::scope(scope(0)), revision, 10).await.unwrap();
        assert_eq!(read, vec![written.clone()]);
        assert_eq!(ours.find(&stream, written.id).await.unwrap(), Some(written.clone()));
        assert_eq!(ours.head().await.unwrap(), written.position);
        let again = ours.append(revision, wanted).await.unwrap();
        assert!(again.duplicate && again.commit == written);
        revision = written.position;
    }
}
