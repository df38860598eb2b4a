//! Of several appends at one revision exactly one wins.

use std::collections::HashSet;
use std::sync::Arc;

use futures::future::join_all;

use super::Subject;
use super::fixtures::*;
use crate::{AppendError, EventLog, Position};

const WRITERS: usize = 64;

pub async fn another_revision_is_a_conflict_and_writes_nothing(subject: &dyn Subject) {
    let log = subject.open().await;
    let stream = session(scope(0), 1);
    let elsewhere = append(&*log, &session(scope(0), 2), "another stream").await;
    let first = append(&*log, &stream, "one").await;
    let last = append(&*log, &stream, "two").await;
    let empty = session(scope(0), 3);
    let cases = [
        (&stream, Position::START, last.position),
        (&stream, first.position, last.position),
        (&stream, elsewhere.position, last.position),
        (&stream, Position(last.position.0 + 1), last.position),
        (&stream, Position(u64::MAX), last.position),
        (&empty, last.position, Position::START),
        (&empty, Position(u64::MAX), Position::START),
    ];
    for (stream, expected, revision) in cases {
        match log.append(expected, draft(stream, "late")).await {
            Err(AppendError::Conflict { actual }) => assert_eq!(actual, revision),
            other => panic!("at {expected} of {stream}: {other:?}"),
        }
    }
    assert_eq!(everything(&*log).await.len(), 3);
    // A stream of the same name in another scope is another stream.
    let namesake = session(scope(9), 1);
    assert_eq!(append(&*log, &namesake, "theirs").await.previous, Position::START);
}

pub async fn of_racing_appends_one_wins(subject: &dyn Subject) {
    let log = subject.open().await;
    let _noise = Noise::on(&log);
    let stream = session(scope(0), 1);
    let mut revision = Position::START;
    for round in 0..20 {
        let attempts = (0..WRITERS).map(|n| {
            let (log, draft) = (Arc::clone(&log), draft(&stream, &format!("{round} by {n}")));
            tokio::spawn(async move { attempt(&*log, revision, draft).await })
        });
        let won: Vec<Position> =
            join_all(attempts).await.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(won.len(), 1, "round {round}: one wins");
        revision = won[0];
        assert_eq!(log.read_stream(&stream, Position::START).await.unwrap().len(), round + 1);
    }
}

/// Appends; who loses must find what it lost against, for that is durable by then.
async fn attempt(log: &dyn EventLog, at: Position, draft: crate::Draft) -> Option<Position> {
    let (stream, id) = (draft.stream.clone(), draft.id);
    match log.append(at, draft).await {
        Ok(appended) => {
            assert!(!appended.duplicate);
            assert_eq!(appended.commit.previous, at);
            Some(appended.commit.position)
        }
        Err(AppendError::Conflict { actual }) => {
            assert!(actual > at);
            let since = log.read_stream(&stream, at).await.unwrap();
            assert!(since.iter().any(|commit| commit.position == actual), "the winner is there");
            assert_eq!(log.find(&stream, id).await.unwrap(), None);
            None
        }
        Err(error) => panic!("the log failed: {error}"),
    }
}

pub async fn racing_writers_that_retry_all_get_through(subject: &dyn Subject) {
    let log = subject.open().await;
    let stream = session(scope(0), 1);
    let drafts: Vec<_> = (0..WRITERS).map(|n| draft(&stream, &n.to_string())).collect();
    let writers = drafts.iter().cloned().map(|draft| {
        let log = Arc::clone(&log);
        tokio::spawn(async move { append_draft(&*log, draft).await })
    });
    let written: Vec<_> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
    let distinct: HashSet<Position> = positions(&written).into_iter().collect();
    assert_eq!(distinct.len(), WRITERS, "each has a place of its own");

    let stored = log.read_stream(&stream, Position::START).await.unwrap();
    let wanted: HashSet<_> = drafts.iter().map(|draft| draft.id).collect();
    let found: HashSet<_> = ids(&stored).into_iter().collect();
    assert_eq!(stored.len(), WRITERS, "each is there once");
    assert_eq!(found, wanted);
    let mut previous = Position::START;
    for commit in stored {
        assert_eq!(commit.previous, previous, "no commit was decided on a state it did not see");
        previous = commit.position;
    }
}

pub async fn writers_of_other_streams_never_conflict(subject: &dyn Subject) {
    let log = subject.open().await;
    let writers = (0..WRITERS).map(|n| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let stream = session(scope(n as u128 % 3), n as u128);
            let mut revision = Position::START;
            for step in 0..10 {
                let appended = log.append(revision, draft(&stream, &step.to_string())).await;
                revision = appended.unwrap().commit.position;
            }
        })
    });
    join_all(writers).await.into_iter().for_each(Result::unwrap);
    assert_eq!(everything(&*log).await.len(), WRITERS * 10);
}
