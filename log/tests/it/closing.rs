//! Closing finishes what was taken, and refuses what comes after.

use std::sync::Arc;

use futures::StreamExt;
use futures::future::join_all;
use theazo_log::conformance::fixtures::*;
use theazo_log::{AppendError, EventLog, Filter, LogError, Position};

use crate::support::Folder;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_append_is_written_or_refused() {
    let folder = Folder::new();
    let log = folder.sqlite().await;
    let appends: Vec<_> = (0..500u128)
        .map(|n| {
            let log = Arc::clone(&log);
            let draft = draft(&session(scope(0), n), "text");
            tokio::spawn(async move { log.append(Position::START, draft).await })
        })
        .collect();
    // Some are through, some wait, some were not made yet.
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
    let log = folder.sqlite().await;
    assert_eq!(everything(&*log).await.len(), written);
    log.close().await;
}

#[tokio::test]
async fn a_closed_log_says_so_and_ends_its_subscriptions() {
    let folder = Folder::new();
    let log = folder.sqlite().await;
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
    assert_eq!(log.hub().receivers(), 0);
}

#[tokio::test]
async fn a_subscriber_that_goes_away_leaves_the_hub() {
    let folder = Folder::new();
    let log = folder.sqlite().await;
    let stream = session(scope(0), 1);
    let filters = [
        Filter::all(),
        Filter::scope(scope(0)),
        Filter::stream(stream.clone()),
        Filter::kind(theazo_domain::Kind::Session),
    ];
    let mut subscriptions: Vec<_> =
        filters.into_iter().map(|filter| log.subscribe(filter, Position::START)).collect();
    append(&*log, &stream, "one").await;
    for subscription in &mut subscriptions {
        take(subscription, 1).await;
    }
    let second = append(&*log, &stream, "two").await;
    for subscription in &mut subscriptions {
        assert_eq!(take(subscription, 1).await, vec![second.clone()]);
    }
    assert_eq!(log.hub().receivers(), 4);
    drop(subscriptions);
    assert_eq!(log.hub().receivers(), 0);
    log.close().await;
}
