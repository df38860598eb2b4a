//! A commit id is taken once per stream, and a repeat is answered like the first time.

use std::sync::Arc;

use futures::future::join_all;

use super::Subject;
use super::fixtures::*;
use crate::Position;

pub async fn a_repeat_answers_the_first_append(subject: &dyn Subject) {
    let log = subject.open().await;
    let stream = session(scope(0), 1);
    let wanted = draft(&stream, "once");
    let first = log.append(Position::START, wanted.clone()).await.unwrap();
    assert!(!first.duplicate);
    let later = append(&*log, &stream, "later").await;

    // At the old revision, at the present one, and at one that never was.
    for expected in [Position::START, later.position, Position(later.position.0 + 7)] {
        let again = log.append(expected, wanted.clone()).await.unwrap();
        assert!(again.duplicate, "at {expected}");
        assert_eq!(again.commit, first.commit);
    }
    assert_eq!(everything(&*log).await, vec![first.commit, later]);
}

pub async fn racing_repeats_write_once(subject: &dyn Subject) {
    let log = subject.open().await;
    let _noise = Noise::on(&log);
    let stream = session(scope(0), 1);
    let mut revision = Position::START;
    for round in 0..10 {
        let wanted = draft(&stream, &format!("round {round}"));
        let repeats = (0..32).map(|_| {
            let (log, draft) = (Arc::clone(&log), wanted.clone());
            tokio::spawn(async move { log.append(revision, draft).await.unwrap() })
        });
        let answers: Vec<_> = join_all(repeats).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers.iter().filter(|answer| !answer.duplicate).count(), 1);
        assert!(answers.iter().all(|answer| answer.commit == answers[0].commit));
        revision = answers[0].commit.position;
        assert_eq!(log.read_stream(&stream, Position::START).await.unwrap().len(), round + 1);
    }
}

pub async fn a_repeat_after_reopening_answers_the_first_append(subject: &dyn Subject) {
    let stream = session(scope(0), 1);
    let wanted = draft(&stream, "once");
    let log = subject.open().await;
    let first = log.append(Position::START, wanted.clone()).await.unwrap().commit;
    let later = append(&*log, &stream, "later").await;
    drop(log);
    subject.close().await;

    let log = subject.open().await;
    for expected in [Position::START, later.position, first.position] {
        let again = log.append(expected, wanted.clone()).await.unwrap();
        assert!(again.duplicate, "at {expected}");
        assert_eq!(again.commit, first);
    }
    assert_eq!(append(&*log, &stream, "and on").await.previous, later.position);
    assert_eq!(everything(&*log).await.len(), 3);
}

pub async fn the_same_id_in_two_streams_is_two_commits(subject: &dyn Subject) {
    let log = subject.open().await;
    let id = fresh_id();
    let streams = [session(scope(0), 1), session(scope(0), 2), session(scope(1), 1)];
    for stream in &streams {
        let appended = log.append(Position::START, draft_with_id(stream, id, "mine")).await;
        assert!(!appended.unwrap().duplicate);
    }
    for stream in &streams {
        assert_eq!(log.find(stream, id).await.unwrap().unwrap().stream, *stream);
    }
    assert_eq!(everything(&*log).await.len(), streams.len());
}
