//! Whatever is changed in the file, the verification names the first commit that differs.

use theazo_log::conformance::Subject;
use theazo_log::conformance::fixtures::*;
use theazo_log::{Break, EventLog, Filter, LogError, Position, VerifyError, verify, verify_stream};

use crate::support::Folder;

/// Two streams, three commits each, in turn: `a` at 1, 3, 5 and `b` at 2, 4, 6.
async fn written() -> Folder {
    let folder = Folder::new();
    let log = folder.sqlite().await;
    for n in 0..6u128 {
        let commit = append(&*log, &session(scope(0), n % 2), &format!("text {n}")).await;
        assert_eq!(commit.position, Position(n as u64 + 1));
    }
    folder.close().await;
    folder
}

async fn verified(folder: &Folder) -> Result<u64, VerifyError> {
    let log = folder.sqlite().await;
    let verified = verify(&*log, &Filter::all(), |_| ()).await;
    folder.close().await;
    verified.map(|verified| verified.commits)
}

/// Runs `sql` on a log that was written, and wants the break that comes of it.
async fn breaks(sql: &str, position: u64, reason: Break) {
    let folder = written().await;
    assert_eq!(verified(&folder).await.unwrap(), 6);
    folder.meddle(sql).await;
    match verified(&folder).await {
        Err(VerifyError::Chain(broken)) => {
            assert_eq!((broken.position, broken.reason), (Position(position), reason), "{sql}");
            assert!(broken.to_string().contains(&format!("position {position}")));
        }
        other => panic!("{sql}: {other:?}"),
    }
}

#[tokio::test]
async fn another_text_breaks_at_its_commit() {
    let sql = "UPDATE commits SET body = replace(body, 'text 2', 'text 9') WHERE position = 3";
    breaks(sql, 3, Break::Content).await;
    breaks("UPDATE commits SET body = body || ' ' WHERE position = 6", 6, Break::Content).await;
}

#[tokio::test]
async fn another_hash_breaks_at_its_commit() {
    breaks("UPDATE commits SET hash = zeroblob(32) WHERE position = 4", 4, Break::Content).await;
    let sql = "UPDATE commits SET previous_hash = zeroblob(32) WHERE position = 4";
    breaks(sql, 4, Break::Link).await;
}

#[tokio::test]
async fn a_commit_that_is_gone_breaks_at_the_next_of_its_stream() {
    breaks("DELETE FROM commits WHERE position = 3", 5, Break::Link).await;
    let mended = "DELETE FROM commits WHERE position = 3;
                  UPDATE commits SET previous = 1 WHERE position = 5";
    breaks(mended, 5, Break::Link).await;
}

#[tokio::test]
async fn commits_that_changed_places_break_at_the_first() {
    let swap = "UPDATE commits SET position = 100 WHERE position = 3;
                UPDATE commits SET position = 3 WHERE position = 5;
                UPDATE commits SET position = 5 WHERE position = 100";
    breaks(swap, 3, Break::Link).await;
}

#[tokio::test]
async fn a_commit_under_another_id_breaks_at_it() {
    breaks("UPDATE commits SET id = zeroblob(16) WHERE position = 2", 2, Break::Envelope).await;
}

#[tokio::test]
async fn a_commit_in_another_stream_breaks_at_it() {
    let moved = "UPDATE commits SET origin = 2, previous = 4,
                 previous_hash = (SELECT hash FROM commits WHERE position = 4) WHERE position = 5";
    breaks(moved, 5, Break::Content).await;
    let renamed =
        "UPDATE commits SET stream = replace(stream, 'ses_0', 'ses_1') WHERE position = 1";
    breaks(renamed, 1, Break::Envelope).await;
}

#[tokio::test]
async fn a_commit_filed_under_another_kind_or_org_is_found() {
    for sql in [
        "UPDATE commits SET kind = 'agent' WHERE position = 4",
        "UPDATE commits SET scope = 99 WHERE position = 4",
        "UPDATE commits SET origin = 99 WHERE position = 4",
    ] {
        let folder = written().await;
        folder.meddle(sql).await;
        match verified(&folder).await {
            Err(VerifyError::Log(LogError::Corrupt { position: Position(4), .. })) => {}
            other => panic!("{sql}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn one_stream_is_verified_alone() {
    let folder = written().await;
    folder
        .meddle("UPDATE commits SET body = replace(body, 'text 2', 'text 9') WHERE position = 3")
        .await;
    let log = folder.sqlite().await;
    let (a, b) = (session(scope(0), 0), session(scope(0), 1));
    assert!(verify_stream(&*log, &a).await.is_err());
    assert_eq!(verify_stream(&*log, &b).await.unwrap().commits, 3);
    // An append on a broken chain is taken, and the break stays where it was made.
    append(&*log, &a, "later").await;
    match verify(&*log as &dyn EventLog, &Filter::all(), |_| ()).await {
        Err(VerifyError::Chain(broken)) => assert_eq!(broken.position, Position(3)),
        other => panic!("{other:?}"),
    }
}

/// A chain that was made anew from end to end is whole in itself; the org's rolling hash, of which
/// signed checkpoints are kept elsewhere, is what tells.
#[tokio::test]
async fn a_stream_cut_at_its_end_changes_the_rolling_hash() {
    let folder = written().await;
    let log = folder.sqlite().await;
    let before = verify(&*log, &Filter::all(), |_| ()).await.unwrap();
    folder.close().await;
    folder.meddle("DELETE FROM commits WHERE position = 6").await;
    let log = folder.sqlite().await;
    let after = verify(&*log, &Filter::all(), |_| ()).await.unwrap();
    assert_ne!(before.orgs, after.orgs);
}
