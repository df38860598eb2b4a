//! A disk that takes no more: clear errors, nothing acknowledged is lost, and the log goes on when
//! there is room again.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};
use theazo_log::conformance::fixtures::*;
use theazo_log::{AppendError, EventLog, Filter, Position, SqliteLog, SqliteOptions, verify};

use crate::support::{Folder, as_child, child};

/// Does nothing, unless a parent started it. The limit is one of the process, hence the child.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_on_a_full_disk() {
    let Some(path) = as_child() else { return };
    let log = SqliteLog::open(SqliteOptions::new(path)).await.unwrap();
    let stream = session(scope(0), 1);
    let text = "x".repeat(50_000);
    let mut acknowledged = vec![append(&*log, &stream, &text).await];

    // SAFETY: the signal is ignored, so no handler runs.
    unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.unwrap();
    let (_, most) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    setrlimit(Resource::RLIMIT_FSIZE, 1_000_000, most).unwrap();
    let refused = loop {
        let last = acknowledged[acknowledged.len() - 1].position;
        let draft = draft(&stream, &text);
        match log.append(last, draft.clone()).await {
            Ok(appended) => acknowledged.push(appended.commit),
            Err(AppendError::Unknown(reason)) => break (draft, reason),
            Err(other) => panic!("a write that failed half-way has an unknown outcome: {other}"),
        }
    };
    assert!(acknowledged.len() > 5, "there was room for some");
    assert!(refused.1.contains("disk I/O error"), "{}", refused.1);
    assert_eq!(log.find(&stream, refused.0.id).await.unwrap(), None, "looking settles it");
    assert_eq!(everything(&*log).await, acknowledged, "reading goes on");
    assert!(log.append(Position::START, draft(&session(scope(0), 2), &text)).await.is_err());

    setrlimit(Resource::RLIMIT_FSIZE, most, most).unwrap();
    let last = acknowledged[acknowledged.len() - 1].position;
    let retried = log.append(last, refused.0).await.unwrap();
    assert!(!retried.duplicate);
    acknowledged.push(retried.commit);
    acknowledged.push(append(&*log, &session(scope(0), 3), "room").await);
    log.close().await;
    // The harness has begun a line.
    println!();
    for commit in acknowledged {
        println!("acked {}", commit.id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_and_ends() {
    let folder = Folder::new();
    let child = child("full_disk::child_on_a_full_disk", &folder.path());
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let acknowledged: Vec<_> =
        said.lines().filter_map(|line| line.strip_prefix("acked ")?.parse().ok()).collect();

    let log = folder.sqlite().await;
    assert_eq!(ids(&everything(&*log).await), acknowledged);
    verify(&*log, &Filter::all(), |_| ()).await.unwrap();
    log.close().await;
}
