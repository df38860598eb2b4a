//! Closing finishes what was taken, refuses what comes after, and leaves nothing behind.

use std::sync::Arc;

use futures::StreamExt;
use futures::future::join_all;
use theazo_log::conformance::fixtures::*;
use theazo_log::{AppendError, EventLog, Filter, LogError, Position};

use crate::support::OnServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_append_is_written_or_refused() {
    let subject = OnServer::new();
    let log = subject.jetstream().await;
    let appends: Vec<_> = (0..500u128)
        .map(|n| {
            let log = Arc::clone(&log);
            let draft = draft(&session(scope(0), n), "text");
            tokio::spawn(async move { log.append(Position::START, draft).await })
        })
        .collect();
    tokio::task::yield_now().await;
    log.close().await;
    let mut written = 0;
    for answer in join_all(appends).await {
        match answer.unwrap() {
            Ok(_) => written += 1,
            Err(AppendError::Log(LogError::Unavailable(reason))) => {
                assert!(reason.contains("closed"), "{reason}");
            }
            Err(other) => panic!("{other}"),
        }
    }
    let log = subject.jetstream().await;
    assert_eq!(everything(&*log).await.len(), written);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_log_says_so_and_ends_its_subscriptions() {
    let subject = OnServer::new();
    let log = subject.jetstream().await;
    let stream = session(scope(0), 1);
    let mut subscription = log.subscribe(Filter::all(), Position::START);
    let first = append(&*log, &stream, "one").await;
    assert_eq!(take(&mut subscription, 1).await, vec![first.clone()]);
    let second = append(&*log, &stream, "two").await;
    log.close().await;
    log.close().await;

    assert_eq!(take(&mut subscription, 1).await, vec![second], "what was published still comes");
    let ended = subscription.next().await.unwrap();
    assert!(matches!(ended, Err(LogError::Unavailable(_))), "{ended:?}");
    assert!(subscription.next().await.is_none());
    let refused = log.append(first.position, draft(&stream, "three")).await;
    assert!(matches!(refused, Err(AppendError::Log(LogError::Unavailable(_)))), "{refused:?}");
    assert!(log.head().await.is_err());
    assert_eq!(log.hub().receivers(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_dropped_ends_its_subscriptions() {
    let subject = OnServer::new();
    let log = crate::support::open(&subject.server.url(), subject.options()).await;
    let mut subscription = log.subscribe(Filter::all(), Position::START);
    let first = append(&*log, &session(scope(0), 1), "one").await;
    assert_eq!(take(&mut subscription, 1).await, vec![first]);
    drop(log);
    let ended = tokio::time::timeout(PATIENCE, subscription.next()).await.unwrap().unwrap();
    assert!(matches!(ended, Err(LogError::Unavailable(_))), "{ended:?}");
}

/// A consumer that nobody uses costs every publish.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_consumer_is_left_behind() {
    let subject = OnServer::new();
    let log = subject.jetstream().await;
    for n in 0..20 {
        append(&*log, &session(scope(0), n), "text").await;
    }
    assert_eq!(log.read_raw(&Filter::all(), Position::START, 100).await.unwrap().len(), 20);
    log.close().await;
    let info = subject.stream_info().await;
    assert_eq!(info["state"]["consumer_count"], 0, "{info}");
}
