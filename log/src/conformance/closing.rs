//! Closing finishes what was taken, and refuses what comes after.

use std::sync::Arc;

use futures::StreamExt;
use futures::future::join_all;

use super::Subject;
use super::fixtures::*;
use crate::{AppendError, Filter, LogError, Position};

pub async fn every_append_is_written_or_refused(subject: &dyn Subject) {
    let log = subject.open().await;
    let appends: Vec<_> = (0..500u128)
        .map(|n| {
            let log = Arc::clone(&log);
            let draft = draft(&session(scope(0), n), "text");
            tokio::spawn(async move { log.append(Position::START, draft).await })
        })
        .collect();
    // Some are through, some wait, some were not made yet.
    tokio::task::yield_now().await;
    subject.close().await;
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
    let log = subject.open().await;
    assert_eq!(everything(&*log).await.len(), written);
}

pub async fn a_closed_log_says_so_and_ends_its_subscriptions(subject: &dyn Subject) {
    let log = subject.open().await;
    let stream = session(scope(0), 1);
    let mut subscription = log.subscribe(Filter::all(), Position::START);
    let mut watch = log.watch(Filter::all(), None, Position::START);
    let first = append(&*log, &stream, "one").await;
    assert_eq!(take(&mut subscription, 1).await, vec![first.clone()]);
    assert_eq!(watch.next().await.unwrap().unwrap().position(), first.position);
    let second = append(&*log, &stream, "two").await;
    log.close().await;
    log.close().await;

    assert_eq!(take(&mut subscription, 1).await, vec![second.clone()], "published before");
    let ended = subscription.next().await.unwrap();
    assert!(matches!(ended, Err(LogError::Unavailable(_))), "{ended:?}");
    assert!(subscription.next().await.is_none());
    assert_eq!(watch.next().await.unwrap().unwrap().position(), second.position);
    let broken = watch.next().await.unwrap().unwrap_err();
    assert!(matches!(broken.error, LogError::Unavailable(_)), "{broken}");
    assert_eq!(broken.reached, second.position);
    let refused = log.append(first.position, draft(&stream, "three")).await;
    assert!(matches!(refused, Err(AppendError::Log(LogError::Unavailable(_)))), "{refused:?}");
}
