//! An append on its way through the writer, and what it becomes.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::answer::Answer;
use super::insert::NewRow;
use super::plan::{Candidate, Link};
use crate::{Commit, Draft, Hash, Position};

/// An append on its way to the writer.
pub(super) struct Job {
    pub(super) expected: Position,
    pub(super) draft: Draft,
    pub(super) body: Arc<str>,
    /// [`Hash::content`] of `body`.
    pub(super) content: Hash,
    pub(super) answer: oneshot::Sender<Answer>,
}

impl Job {
    /// What the decision needs of it.
    pub(super) fn candidate(&self) -> Candidate<'_> {
        Candidate {
            stream: &self.draft.stream,
            expected: self.expected,
            id: self.draft.id,
            content: self.content,
        }
    }

    /// Its row, at the place that it got.
    pub(super) fn row(&self, link: &Link, scope: i64) -> NewRow {
        let stream = &self.draft.stream;
        NewRow {
            link: *link,
            scope,
            kind: stream.kind,
            stream: (link.origin == link.position).then(|| stream.to_string()),
            id: self.draft.id,
            time: self.draft.time,
            body: Arc::clone(&self.body),
        }
    }
}

impl Link {
    /// The commit of `draft` at this place.
    pub(super) fn commit(self, draft: Draft) -> Commit {
        Commit {
            id: draft.id,
            stream: draft.stream,
            position: self.position,
            previous: self.previous,
            time: draft.time,
            actor: draft.actor,
            request_id: draft.request_id,
            causation: draft.causation,
            correlation: draft.correlation,
            events: draft.events,
            previous_hash: self.previous_hash,
            hash: self.hash,
        }
    }
}
