//! What a log leaves behind when it is closed, or dropped.

use futures::StreamExt;
use theazo_log::conformance::fixtures::*;
use theazo_log::{EventLog, Filter, LogError, Position};

use crate::support::OnServer;

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
    let mut subscription = log.subscribe(Filter::all(), Position::START);
    assert_eq!(take(&mut subscription, 20).await.len(), 20);
    log.close().await;
    assert_eq!(log.hub().receivers(), 0);
    assert!(log.head().await.is_err());
    let info = subject.stream_info().await;
    assert_eq!(info["state"]["consumer_count"], 0, "{info}");
}
