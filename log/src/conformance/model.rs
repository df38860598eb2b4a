//! Random appends against a model that is simple enough to be right.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::join_all;
use theazo_domain::{CommitId, StreamId};

use super::Subject;
use super::fixtures::*;
use crate::{AppendError, Commit, EventLog, Position};

/// What the log should hold: per stream, the ids it took and where.
#[derive(Default)]
struct Model {
    streams: HashMap<StreamId, Vec<(CommitId, Position)>>,
    head: Position,
}

#[derive(Debug, PartialEq)]
enum Answer {
    Written,
    Repeated(Position),
    Conflict(Position),
}

impl Model {
    fn answer(&self, stream: &StreamId, id: CommitId, expected: Position) -> Answer {
        let commits = self.streams.get(stream).map(Vec::as_slice).unwrap_or_default();
        let revision = commits.last().map_or(Position::START, |(_, position)| *position);
        match commits.iter().find(|(known, _)| *known == id) {
            Some((_, position)) => Answer::Repeated(*position),
            None if expected == revision => Answer::Written,
            None => Answer::Conflict(revision),
        }
    }

    fn revision(&self, stream: &StreamId) -> Position {
        self.streams.get(stream).and_then(|c| c.last()).map_or(Position::START, |c| c.1)
    }
}

pub async fn random_appends_agree_with_the_model(subject: &dyn Subject) {
    let mut rng = Rng::seeded("random_appends_agree_with_the_model");
    let streams: Vec<_> = (0..6u128).map(|n| session(scope(n % 2), n)).collect();
    let mut model = Model::default();
    let mut log = subject.open().await;
    for step in 0..600 {
        if rng.below(100) == 0 {
            drop(log);
            subject.close().await;
            log = subject.open().await;
        }
        let stream = rng.pick(&streams).clone();
        let known = model.streams.values().flatten().map(|(id, _)| *id).collect::<Vec<_>>();
        let id = match rng.below(4) {
            0 if !known.is_empty() => *rng.pick(&known),
            _ => fresh_id(),
        };
        let expected = match rng.below(4) {
            0 => Position(rng.draw() % (model.head.0 + 2)),
            _ => model.revision(&stream),
        };
        let wanted = model.answer(&stream, id, expected);
        let got = log.append(expected, draft_with_id(&stream, id, &step.to_string())).await;
        let got = match got {
            Ok(appended) if appended.duplicate => Answer::Repeated(appended.commit.position),
            Ok(appended) => {
                assert!(appended.commit.position > model.head);
                model.head = appended.commit.position;
                model.streams.entry(stream.clone()).or_default().push((id, model.head));
                Answer::Written
            }
            Err(AppendError::Conflict { actual }) => Answer::Conflict(actual),
            Err(error) => panic!("step {step}: {error}"),
        };
        assert_eq!(got, wanted, "step {step}: {id} at {expected} of {stream}");
    }
    agree(&*log, &model).await;
}

async fn agree(log: &dyn EventLog, model: &Model) {
    for (stream, commits) in &model.streams {
        let stored = log.read_stream(stream, Position::START).await.unwrap();
        let stored: Vec<_> = stored.iter().map(|commit| (commit.id, commit.position)).collect();
        assert_eq!(stored, *commits, "{stream}");
    }
    assert_eq!(everything(log).await.len(), model.streams.values().map(Vec::len).sum::<usize>());
    assert_eq!(log.head().await.unwrap(), model.head);
}

/// An append as its caller saw it.
struct Seen {
    stream: StreamId,
    id: CommitId,
    expected: Position,
    answer: Answer,
    position: Option<Position>,
    /// The head of the log before the append was made.
    before: Position,
}

pub async fn random_races_leave_a_history_that_could_have_been(subject: &dyn Subject) {
    let rng = Rng::seeded("random_races_leave_a_history_that_could_have_been");
    let log = subject.open().await;
    let streams: Arc<Vec<_>> = Arc::new((0..4u128).map(|n| session(scope(n % 2), n)).collect());
    // A few ids for all, so that repeats race with first times.
    let shared: Arc<Vec<_>> = Arc::new((0..40).map(|_| fresh_id()).collect());
    let clients = (0..16).map(|n| {
        let (log, streams, shared) = (Arc::clone(&log), Arc::clone(&streams), Arc::clone(&shared));
        let mut rng = Rng(rng.0.wrapping_add(n));
        tokio::spawn(async move {
            let mut seen = Vec::new();
            for _ in 0..40 {
                let stream = rng.pick(&streams);
                let id = if rng.below(3) == 0 { *rng.pick(&shared) } else { fresh_id() };
                seen.push(race(&*log, stream, id).await);
            }
            seen
        })
    });
    let history: Vec<Seen> = join_all(clients).await.into_iter().flat_map(Result::unwrap).collect();
    explain(&everything(&*log).await, &history);
}

async fn race(log: &dyn EventLog, stream: &StreamId, id: CommitId) -> Seen {
    let known = log.read_stream(stream, Position::START).await.unwrap();
    let expected = known.last().map_or(Position::START, |last| last.position);
    let before = log.head().await.unwrap();
    let (answer, position) = match log.append(expected, draft_with_id(stream, id, "race")).await {
        Ok(appended) if appended.duplicate => {
            (Answer::Repeated(appended.commit.position), Some(appended.commit.position))
        }
        Ok(appended) => (Answer::Written, Some(appended.commit.position)),
        Err(AppendError::Conflict { actual }) => (Answer::Conflict(actual), None),
        Err(error) => panic!("the log failed: {error}"),
    };
    Seen { stream: stream.clone(), id, expected, answer, position, before }
}

/// Every answer follows from the log as it was at some moment between question and answer.
fn explain(log: &[Arc<Commit>], history: &[Seen]) {
    let written = history.iter().filter(|seen| seen.answer == Answer::Written).count();
    assert_eq!(log.len(), written, "what was answered as written is there, and nothing else");
    for seen in history {
        let own = |commit: &&Arc<Commit>| commit.stream == seen.stream;
        let mine = log.iter().filter(own).find(|commit| commit.id == seen.id);
        match seen.answer {
            Answer::Written => {
                let mine = mine.expect("what was written is there");
                assert_eq!(Some(mine.position), seen.position);
                assert_eq!(mine.previous, seen.expected);
                assert!(mine.position > seen.before, "it came after what was there");
            }
            Answer::Repeated(position) => assert_eq!(mine.map(|c| c.position), Some(position)),
            Answer::Conflict(actual) => {
                assert!(actual > seen.expected, "the stream had gone on");
                assert!(log.iter().filter(own).any(|commit| commit.position == actual));
                assert!(mine.is_none_or(|mine| mine.position > actual));
            }
        }
    }
}
