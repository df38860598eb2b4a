//! The write-ahead log is moved into the database while the load lasts, and not only after it.

use std::sync::Arc;

use futures::future::join_all;
use theazo_log::conformance::fixtures::*;
use theazo_log::{EventLog, Filter, Position, SqliteOptions, verify};

use crate::support::Folder;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_ahead_log_stays_short_under_load() {
    const WRITERS: u128 = 16;
    const EACH: usize = 150;
    const TEXT: usize = 8_000;
    let folder =
        Folder::with(SqliteOptions { checkpoint_bytes: 500_000, ..SqliteOptions::default() });
    let log = folder.sqlite().await;
    let writers = (0..WRITERS).map(|n| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let stream = session(scope(n % 2), n);
            let mut revision = Position::START;
            for _ in 0..EACH {
                let draft = draft(&stream, &"x".repeat(TEXT));
                revision = log.append(revision, draft).await.unwrap().commit.position;
            }
        })
    });
    join_all(writers).await.into_iter().for_each(Result::unwrap);

    let written = WRITERS as u64 * EACH as u64 * TEXT as u64;
    let ahead = std::fs::metadata(folder.path().with_extension("db-wal")).unwrap().len();
    assert!(ahead < written / 3, "{ahead} bytes of {written} still wait");
    assert_eq!(verify(&*log, &Filter::all(), |_| ()).await.unwrap().commits, 2_400);
    log.close().await;
}
