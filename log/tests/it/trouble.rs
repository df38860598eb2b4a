//! Files and folders that do not do: errors that say what is wrong, and nothing written.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use sqlx::Connection;
use theazo_log::conformance::fixtures::*;
use theazo_log::{
    AppendError, EventLog, Filter, LogError, Position, SqliteLog, SqliteOptions, verify,
};

use crate::support::{Folder, meddler};

async fn refused(path: impl Into<std::path::PathBuf>) -> String {
    match SqliteLog::open(SqliteOptions::new(path)).await {
        Err(LogError::Unavailable(reason)) => reason,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it opened"),
    }
}

#[tokio::test]
async fn a_path_that_cannot_be_a_log_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing/log.db");
    assert!(refused(&missing).await.contains("missing/log.db cannot be opened"));
    assert!(refused(folder.path()).await.contains("cannot be opened"));
    assert!(refused("/proc/log.db").await.contains("/proc/log.db"));

    let other = folder.path().join("other.db");
    std::fs::write(&other, "This is a letter, not a database. ".repeat(100)).unwrap();
    assert!(refused(&other).await.contains("file is not a database"));
}

#[tokio::test]
async fn a_log_of_a_newer_version_is_left_alone() {
    let folder = Folder::new();
    folder.sqlite().await.close().await;
    folder.meddle("PRAGMA user_version = 7").await;
    let reason = refused(folder.path()).await;
    assert!(reason.contains("version 7") && reason.contains("start a newer one"), "{reason}");
}

#[tokio::test]
async fn a_lock_that_another_holds_refuses_appends_and_not_reads() {
    let options =
        SqliteOptions { lock_timeout: Duration::from_millis(50), ..SqliteOptions::default() };
    let folder = Folder::with(options);
    let log = folder.sqlite().await;
    let first = append(&*log, &session(scope(0), 1), "one").await;
    let mut other = meddler(&folder.path()).await;
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();

    let refused = log.append(first.position, draft(&session(scope(0), 1), "two")).await;
    match refused {
        Err(AppendError::Log(LogError::Unavailable(reason))) => {
            assert!(reason.contains("locked"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(everything(&*log).await, vec![first.clone()]);

    lock.rollback().await.unwrap();
    let second = log.append(first.position, draft(&session(scope(0), 1), "two")).await.unwrap();
    assert_eq!(second.commit.previous, first.position);
    log.close().await;
}

/// Nobody should, but when two have the file open it is the file that decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_logs_on_one_file_do_not_break_it() {
    let folder = Folder::new();
    let logs = [folder.sqlite().await, folder.sqlite().await];
    let writers = (0..8u128).map(|n| {
        let log = Arc::clone(&logs[usize::from(n % 2 == 0)]);
        tokio::spawn(async move {
            let (mut written, mut refused) = (Vec::new(), 0);
            let mut expected = Position::START;
            while written.len() < 20 {
                let draft = draft(&session(scope(0), n / 4), "mine");
                match log.append(expected, draft).await {
                    Ok(appended) => {
                        expected = appended.commit.position;
                        written.push(appended.commit);
                    }
                    Err(AppendError::Conflict { actual }) => expected = actual,
                    // Decided anew too often: nothing was written, and it may try again.
                    Err(AppendError::Log(LogError::Unavailable(_))) if refused < 1_000 => {
                        refused += 1;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            written
        })
    });
    let written: Vec<_> = join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    for log in &logs {
        log.close().await;
    }
    let log = folder.sqlite().await;
    let stored = everything(&*log).await;
    assert_eq!(stored.len(), written.len());
    assert!(written.iter().all(|commit| stored.contains(commit)));
    verify(&*log, &Filter::all(), |_| ()).await.unwrap();
    log.close().await;
}
