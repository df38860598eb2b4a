//! What an append gives: one order, whole commits, at once, for good.

use theazo_domain::{Actor, ApiKeyId, Timestamp};

use super::Subject;
use super::fixtures::*;
use crate::{AppendError, Filter, Position};

pub async fn positions_increase_in_one_order(subject: &dyn Subject) {
    let log = subject.open().await;
    let streams = [session(scope(0), 1), session(scope(0), 2), settings(scope(1))];
    let mut appended = Vec::new();
    for round in 0..10 {
        for stream in &streams {
            appended.push(append(&*log, stream, &format!("round {round}")).await);
        }
    }
    assert!(appended[0].position > Position::START);
    assert!(appended.is_sorted_by(|a, b| a.position < b.position), "positions increase");
    assert_eq!(everything(&*log).await, appended, "the log reads in that order");
    for stream in &streams {
        let own: Vec<_> =
            appended.iter().filter(|commit| commit.stream == *stream).cloned().collect();
        assert_eq!(log.read_stream(stream, Position::START).await.unwrap(), own);
        for pair in own.windows(2) {
            assert_eq!(pair[1].previous, pair[0].position, "previous is the revision before");
        }
        assert_eq!(own[0].previous, Position::START);
    }
}

pub async fn a_commit_is_read_back_as_it_was(subject: &dyn Subject) {
    let log = subject.open().await;
    let stream = session(scope(0), 1);
    let mut wanted = draft(&stream, "\"quotes\", \\ back, nul \0, 😀, \u{2028} and an é");
    wanted.actor = Actor::Key(ApiKeyId::from_uuid(fresh_id().as_uuid()));
    wanted.causation = Some(fresh_id());
    wanted.correlation = Some(fresh_id());
    wanted.time = Timestamp::from_millis(1);
    let appended = log.append(Position::START, wanted.clone()).await.unwrap();
    assert!(!appended.duplicate);
    let read = log.read_stream(&stream, Position::START).await.unwrap();
    assert_eq!(read, vec![appended.commit.clone()]);
    subject.close().await;

    let log = subject.open().await;
    let read = log.read_stream(&stream, Position::START).await.unwrap();
    assert_eq!(read, vec![appended.commit]);
    let commit = &read[0];
    assert_eq!(commit.events, wanted.events);
    assert_eq!((commit.id, &commit.stream, commit.time), (wanted.id, &wanted.stream, wanted.time));
    assert_eq!((&commit.actor, commit.request_id), (&wanted.actor, wanted.request_id));
    assert_eq!((commit.causation, commit.correlation), (wanted.causation, wanted.correlation));
}

pub async fn an_append_is_seen_by_every_read_at_once(subject: &dyn Subject) {
    let log = subject.open().await;
    let stream = session(scope(0), 1);
    let mut revision = Position::START;
    for n in 0..200 {
        let appended = log.append(revision, draft(&stream, &n.to_string())).await.unwrap().commit;
        let by_stream = log.read_stream(&stream, revision).await.unwrap();
        let by_filter = log.read(&Filter::scope(scope(0)), revision, 10).await.unwrap();
        let found = log.find(&stream, appended.id).await.unwrap();
        assert_eq!(by_stream, vec![appended.clone()]);
        assert_eq!(by_filter, vec![appended.clone()]);
        assert_eq!(found, Some(appended.clone()));
        assert!(log.head().await.unwrap() >= appended.position);
        revision = appended.position;
    }
}

pub async fn a_large_commit_is_kept_whole(subject: &dyn Subject) {
    let log = subject.open().await;
    let stream = session(scope(0), 1);
    let mut rng = Rng(7);
    let mut revision = Position::START;
    for megabytes in [1, 1, 1] {
        let text: String = (0..megabytes << 20)
            .map(|_| char::from(b'a' + u8::try_from(rng.below(26)).unwrap()))
            .collect();
        let large = draft(&stream, &text);
        // Under the largest message of the brokers that a log may be on, with its envelope.
        let mut large = large;
        if let [theazo_domain::Event::Org(theazo_domain::org::OrgEvent::Created { name, .. })] =
            large.events.as_mut_slice()
        {
            name.truncate((1 << 20) - 1_024);
        }
        let appended = log.append(revision, large.clone()).await.unwrap().commit;
        assert_eq!(appended.events, large.events);
        revision = appended.position;
    }
    subject.close().await;
    let log = subject.open().await;
    assert_eq!(log.read_stream(&stream, Position::START).await.unwrap().len(), 3);
    assert_eq!(everything(&*log).await.len(), 3);
}

pub async fn a_commit_is_all_or_nothing(subject: &dyn Subject) {
    let log = subject.open().await;
    let stream = session(scope(0), 1);
    let mut many = draft(&stream, "");
    many.events = (0..500).map(|n| event(&stream, &format!("event {n}"))).collect();
    let appended = log.append(Position::START, many.clone()).await.unwrap().commit;
    assert_eq!(appended.events, many.events);

    let mut late = many.clone();
    late.id = fresh_id();
    let refused = log.append(Position::START, late.clone()).await;
    assert!(matches!(refused, Err(AppendError::Conflict { .. })), "{refused:?}");
    assert_eq!(log.find(&stream, late.id).await.unwrap(), None);
    assert_eq!(everything(&*log).await, vec![appended]);
}

pub async fn commits_survive_reopening(subject: &dyn Subject) {
    let streams = [session(scope(0), 1), session(scope(1), 2)];
    let mut appended = Vec::new();
    for round in 0..4 {
        let log = subject.open().await;
        assert_eq!(everything(&*log).await, appended);
        for stream in &streams {
            appended.push(append(&*log, stream, &format!("round {round}")).await);
        }
        assert_eq!(log.head().await.unwrap(), appended[appended.len() - 1].position);
        drop(log);
        subject.close().await;
    }
}
