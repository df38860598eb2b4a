//! Servers that are killed and connections that break: nothing is lost and nothing is doubled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use theazo_log::conformance::fixtures::*;
use theazo_log::{AppendError, Commit, EventLog, Filter, LogError, Position, verify};
use theazo_nats::{JetStreamLog, JetStreamOptions};
use tokio::task::JoinHandle;

use crate::proxy::{Cut, Proxy};
use crate::server::{Server, newer, packaged};
use crate::support::{OnServer, open};

const WRITERS: usize = 8;

/// Each on a stream of its own, which nobody else writes to: every append must be answered as
/// written.
fn write(
    log: &Arc<JetStreamLog>,
    each: usize,
    written: &Arc<AtomicUsize>,
) -> Vec<JoinHandle<Vec<Arc<Commit>>>> {
    let writer = |n: usize| {
        let (log, written) = (Arc::clone(log), Arc::clone(written));
        tokio::spawn(async move {
            let stream = session(scope(n as u128 % 3), n as u128);
            let mut commits: Vec<Arc<Commit>> = Vec::new();
            for step in 0..each {
                let revision = commits.last().map_or(Position::START, |last| last.position);
                let appended = log.append(revision, draft(&stream, &step.to_string())).await;
                let appended = appended.unwrap();
                assert!(!appended.duplicate, "{step} of {n} was written by its own append");
                commits.push(appended.commit);
                written.fetch_add(1, Ordering::Relaxed);
            }
            commits
        })
    };
    (0..WRITERS).map(writer).collect()
}

/// What was answered, what a subscriber was given, and what is stored are the same.
async fn agree(
    log: &JetStreamLog,
    subscription: &mut theazo_log::Subscription,
    writers: Vec<JoinHandle<Vec<Arc<Commit>>>>,
) {
    let mut answered: Vec<_> =
        join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    answered.sort_by_key(|commit| commit.position);
    assert_eq!(take(subscription, answered.len()).await, answered);
    assert_eq!(everything(log).await, answered);
    let verified = verify(log, &Filter::all(), |_| ()).await.unwrap();
    assert_eq!(verified.commits, answered.len() as u64);
}

async fn survives_kill_9(program: String) {
    const EACH: usize = 150;
    const KILLS: usize = 4;
    let subject = OnServer::with(program, JetStreamOptions::default());
    let log = subject.jetstream().await;
    let mut subscription = log.subscribe(Filter::all(), Position::START);
    let written = Arc::new(AtomicUsize::new(0));
    let writers = write(&log, EACH, &written);
    for kill in 1..=KILLS {
        while written.load(Ordering::Relaxed) < kill * EACH * WRITERS / (KILLS + 1) {
            tokio::task::yield_now().await;
        }
        subject.server.kill();
        subject.server.again();
    }
    agree(&log, &mut subscription, writers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_loses_and_doubles_nothing() {
    survives_kill_9(packaged()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_server_that_is_killed_loses_and_doubles_nothing() {
    survives_kill_9(newer()).await;
}

/// Three servers, one of which is killed and comes back while the others go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_loses_a_server_loses_and_doubles_nothing() {
    const EACH: usize = 60;
    let cluster = Server::cluster(newer());
    let urls: Vec<_> = cluster.iter().map(Server::url).collect();
    let options = JetStreamOptions {
        replicas: 3,
        patience: std::time::Duration::from_secs(45),
        ..JetStreamOptions::default()
    };
    let log = open(&urls.join(","), options).await;
    assert_eq!(log.durability().warnings, Vec::<String>::new());
    let mut subscription = log.subscribe(Filter::all(), Position::START);
    let written = Arc::new(AtomicUsize::new(0));
    let writers = write(&log, EACH, &written);
    for (round, server) in cluster.iter().enumerate() {
        while written.load(Ordering::Relaxed) < (round + 1) * EACH * WRITERS / 4 {
            tokio::task::yield_now().await;
        }
        server.kill();
        server.again();
        server.healthy().await;
    }
    agree(&log, &mut subscription, writers).await;
}

async fn survives_cuts(cut: Cut) {
    let server = Server::start(packaged());
    let proxy = Proxy::to(server.port(), cut, 12).await;
    let log = open(&proxy.url(), JetStreamOptions::default()).await;
    let mut subscription = log.subscribe(Filter::all(), Position::START);
    let writers = write(&log, 100, &Arc::default());
    agree(&log, &mut subscription, writers).await;
    assert!(proxy.cuts() > 2, "it was cut {} times", proxy.cuts());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_that_is_lost_is_settled() {
    survives_cuts(Cut::Acknowledgement).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_that_is_lost_is_made_again() {
    survives_cuts(Cut::Publish).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_server_appends_say_that_nothing_was_written() {
    let options = JetStreamOptions {
        patience: std::time::Duration::from_millis(300),
        ..JetStreamOptions::default()
    };
    let subject = OnServer::with(packaged(), options);
    let log = subject.jetstream().await;
    let stream = session(scope(0), 1);
    let first = append(&*log, &stream, "one").await;
    subject.server.kill();
    // The connection may not know yet when the first of them is made.
    let mut refused = log.append(first.position, draft(&stream, "two")).await;
    while !matches!(refused, Err(AppendError::Log(LogError::Unavailable(_)))) {
        assert!(matches!(refused, Err(AppendError::Unknown(_))), "{refused:?}");
        refused = log.append(first.position, draft(&stream, "two")).await;
    }
    assert!(log.read_stream(&stream, Position::START).await.is_err());
    subject.server.again();
    let again = append(&*log, &stream, "three").await;
    let kept = log.read_stream(&stream, Position::START).await.unwrap();
    assert!(kept.len() >= 2 && kept.contains(&first) && kept.contains(&again));
}
