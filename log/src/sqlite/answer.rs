//! What the writer says to those who append.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::connect::Failure;
use super::plan::{Outcome, Plan};
use crate::{Commit, LogError, Position};

/// What the writer says to an append.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Written(Arc<Commit>),
    /// Its id is in its stream already: this commit.
    Repeated(Arc<Commit>),
    /// The same, by its position.
    Stored(Position),
    Conflict(Position),
    NotWritten(LogError),
    Unknown(String),
}

/// A batch that is settled.
#[derive(Default)]
pub(super) struct Settled {
    /// What was written, in order, with the sizes of the bodies.
    pub(super) commits: Vec<Arc<Commit>>,
    pub(super) sizes: Vec<usize>,
    /// Whom to tell what. Who asked may be gone.
    pub(super) answers: Vec<(oneshot::Sender<Answer>, Answer)>,
}

impl Settled {
    /// The answer to a repeat of the candidate `earlier`, which this batch wrote.
    pub(super) fn written_as(&self, plan: &Plan, earlier: usize) -> Answer {
        let position = match plan.outcomes.get(earlier) {
            Some(Outcome::Written(link)) => link.position,
            _ => return Answer::Unknown("the writer did not decide what it repeats".to_owned()),
        };
        match self.commits.iter().rev().find(|commit| commit.position == position) {
            Some(commit) => Answer::Repeated(Arc::clone(commit)),
            None => Answer::Stored(position),
        }
    }
}

/// Why a batch was not written.
pub(super) struct Failed {
    pub(super) failure: Failure,
    pub(super) reason: LogError,
}

impl Failed {
    /// Nothing was tried yet.
    pub(super) fn before(reason: LogError) -> Self {
        Self { failure: Failure::NotWritten, reason }
    }

    /// What an append of the batch is told. A conflict with a commit of this same batch did not
    /// come about; one with what was durable before it (up to `base`) stands.
    pub(super) fn answer(&self, outcome: Option<Outcome>, base: Position) -> Answer {
        match outcome {
            Some(Outcome::Stored(position)) => Answer::Stored(position),
            Some(Outcome::Conflict { actual }) if actual <= base => Answer::Conflict(actual),
            Some(Outcome::Written(_) | Outcome::SameAs(_)) if self.failure == Failure::Unknown => {
                Answer::Unknown(self.reason.to_string())
            }
            _ => Answer::NotWritten(self.reason.clone()),
        }
    }
}
