//! `kill -9` at a random moment: what was acknowledged is there, once, and the chain holds.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use theazo_domain::CommitId;
use theazo_log::conformance::fixtures::*;
use theazo_log::{EventLog, Filter, Position, SqliteLog, SqliteOptions, verify};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::ChildStdout;

use crate::support::{Folder, as_child, child};

const WRITERS: u64 = 32;

/// Does nothing, unless a parent started it: then it appends until it is killed, and says what was
/// acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_appends() {
    let Some(path) = as_child() else { return };
    let options = SqliteOptions { checkpoint_bytes: 50_000, ..SqliteOptions::new(path) };
    let log = SqliteLog::open(options).await.unwrap();
    let mut rng = Rng::seeded("child_that_appends");
    // The harness has begun a line.
    println!();
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| tokio::spawn(append_for_ever(Arc::clone(&log), Rng(rng.draw()))))
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

async fn append_for_ever(log: Arc<SqliteLog>, mut rng: Rng) {
    loop {
        // A few streams for all, so that they conflict, and new ones.
        let n = if rng.below(2) == 0 { rng.below(8) as u128 } else { u128::from(rng.draw()) };
        let stream = session(scope(n % 3), n);
        let id = CommitId::from_uuid(uuid::Uuid::from_u64_pair(rng.draw(), rng.draw()));
        let text = "x".repeat(rng.below(2_000));
        let commit = append_draft(&*log, draft_with_id(&stream, id, &text)).await;
        let mut out = std::io::stdout().lock();
        writeln!(out, "acked {id} {} {stream}", commit.position).unwrap();
        out.flush().unwrap();
    }
}

/// An acknowledgement as it was heard.
struct Acked {
    id: CommitId,
    position: Position,
    stream: theazo_domain::StreamId,
}

/// The next acknowledgement; `None` when the child is gone. A line that was cut counts for nothing.
async fn next_acked(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<Acked> {
    while let Some(line) = lines.next_line().await.unwrap() {
        let words: Vec<&str> = line.split(' ').collect();
        if let ["acked", id, position, stream] = words[..]
            && let (Ok(id), Ok(position), Ok(stream)) =
                (id.parse(), position.parse(), stream.parse())
        {
            return Some(Acked { id, position: Position(position), stream });
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = Folder::new();
    let mut rng = Rng::seeded("what_was_acknowledged_survives_kill_9");
    let mut acknowledged: Vec<Acked> = Vec::new();
    for round in 1..=6 {
        let mut child = child("crash::child_that_appends", &folder.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let heard = acknowledged.len();
        let until = heard + 1 + rng.below(600);
        while acknowledged.len() < until {
            acknowledged.push(next_acked(&mut lines).await.expect("the child goes on"));
        }
        child.start_kill().unwrap();
        // What it had said before it died counts too.
        while let Some(acked) = next_acked(&mut lines).await {
            acknowledged.push(acked);
        }
        child.wait().await.unwrap();
        check(&folder, &acknowledged, round).await;
    }
}

async fn check(folder: &Folder, acknowledged: &[Acked], round: u128) {
    let log = folder.sqlite().await;
    let stored: HashMap<Position, _> = everything(&*log)
        .await
        .into_iter()
        .map(|commit| (commit.position, (commit.id, commit.stream.clone())))
        .collect();
    for Acked { id, position, stream } in acknowledged {
        assert_eq!(stored.get(position), Some(&(*id, stream.clone())), "acknowledged, then lost");
    }
    let verified = verify(&*log, &Filter::all(), |_| ()).await.unwrap();
    assert_eq!(verified.commits, stored.len() as u64);
    assert_eq!(verified.head, log.head().await.unwrap());
    let next = append(&*log, &session(scope(0), 1_000_000 + round), "and on").await;
    assert!(next.position > verified.head);
    log.close().await;
}
