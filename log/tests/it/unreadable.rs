//! What this build cannot read stops a reader, says where and why, and hurts nothing else.

use futures::StreamExt;
use theazo_log::conformance::Subject;
use theazo_log::conformance::fixtures::*;
use theazo_log::{EventLog, Filter, LogError, Position, SqliteLog, Upcasters, verify_readable};

use crate::support::Folder;

/// Three commits in a stream, of which the second was changed by `sql`.
async fn with_second(sql: &str) -> (Folder, std::sync::Arc<SqliteLog>) {
    let folder = Folder::new();
    let log = folder.sqlite().await;
    for n in 1..=3 {
        append(&*log, &session(scope(0), 1), &format!("text {n}")).await;
    }
    folder.close().await;
    folder.meddle(&format!("{sql} WHERE position = 2")).await;
    let log = folder.sqlite().await;
    (folder, log)
}

/// Every way to read commit 2 says that it is corrupt, with `reason`.
async fn is_corrupt(sql: &str, reason: &str) {
    let (_folder, log) = with_second(sql).await;
    let stream = session(scope(0), 1);
    let check = |found: Result<usize, LogError>| match found {
        Err(LogError::Corrupt { position, reason: said }) => {
            assert_eq!(position, Position(2));
            assert!(said.contains(reason), "{said}");
        }
        other => panic!("{sql}: {other:?}"),
    };
    check(log.read_stream(&stream, Position::START).await.map(|all| all.len()));
    check(log.read(&Filter::all(), Position(1), 10).await.map(|all| all.len()));

    // A subscription gives what is before it, and never passes over it.
    let mut subscription = log.subscribe(Filter::all(), Position::START);
    assert_eq!(subscription.next().await.unwrap().unwrap().position, Position(1));
    check(subscription.next().await.unwrap().map(|_| 0));
    assert!(subscription.next().await.is_none());

    // What does not need it goes on.
    let rest = log.read(&Filter::all(), Position(2), 10).await.unwrap();
    assert_eq!(positions(&rest), vec![Position(3)]);
    let other = append(&*log, &session(scope(0), 2), "another stream").await;
    assert_eq!(other.position, Position(4));
}

#[tokio::test]
async fn an_unknown_event_type_fails_closed() {
    let sql = "UPDATE commits SET body = replace(body, 'org.created', 'org.created.v9')";
    is_corrupt(sql, "`org.created.v9` is not known").await;
    let (_folder, log) = with_second(sql).await;
    match verify_readable(&*log, &Upcasters::default()).await {
        Err(LogError::Corrupt { position, .. }) => assert_eq!(position, Position(2)),
        other => panic!("{other:?}"),
    }
    // It is in the raw read, for it can be verified and exported all the same.
    assert_eq!(log.read_raw(&Filter::all(), Position::START, 10).await.unwrap().len(), 3);
}

#[tokio::test]
async fn another_shape_fails_closed() {
    let sql = "UPDATE commits SET body = replace(body, '\"name\"', '\"nom\"')";
    is_corrupt(sql, "does not have the shape").await;
    let sql = "UPDATE commits SET body = replace(body, '\"schema\":1', '\"schema\":2')";
    is_corrupt(sql, "start a newer one").await;
}

#[tokio::test]
async fn a_damaged_row_is_named() {
    is_corrupt("UPDATE commits SET body = substr(body, 1, 50)", "EOF").await;
    is_corrupt("UPDATE commits SET body = ''", "EOF").await;
    is_corrupt("UPDATE commits SET hash = zeroblob(5)", "not of 32 bytes").await;
}
