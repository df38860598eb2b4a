//! Commits that this process has sent: the tail is given them back by the server, and need not
//! decode what is here already.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use lru::LruCache;
use parking_lot::Mutex;
use theazo_domain::{CommitId, StreamId};
use theazo_log::{Commit, Draft, Position};

use crate::message::Links;

/// More than are ever in flight: what falls out is decoded.
const KEPT: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");

/// By the commit's id.
pub(crate) struct UnderWay(Mutex<LruCache<CommitId, Arc<Sent>>>);

/// A commit as it was sent: all of it but its place.
pub(crate) struct Sent {
    draft: Arc<Draft>,
    links: Links,
    /// Made by whoever hears of its place first: who sent it, or the tail.
    commit: OnceLock<Arc<Commit>>,
}

impl Sent {
    pub(crate) fn new(draft: Arc<Draft>, links: Links) -> Arc<Self> {
        Arc::new(Self { draft, links, commit: OnceLock::new() })
    }

    /// The commit, now that it is at `position`.
    pub(crate) fn at(&self, position: Position) -> Arc<Commit> {
        let commit = self.commit.get_or_init(|| Arc::new(self.placed(position)));
        match commit.position == position {
            true => Arc::clone(commit),
            false => Arc::new(self.placed(position)),
        }
    }

    fn placed(&self, position: Position) -> Commit {
        let Draft { id, stream, time, actor, request_id, causation, correlation, events } =
            Draft::clone(&self.draft);
        let Links { previous, previous_hash, hash, .. } = self.links;
        Commit {
            id,
            stream,
            position,
            previous,
            time,
            actor,
            request_id,
            causation,
            correlation,
            events,
            previous_hash,
            hash,
        }
    }
}

impl UnderWay {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }

    pub(crate) fn sent(&self, sent: &Arc<Sent>) {
        self.0.lock().put(sent.links.id, Arc::clone(sent));
    }

    /// The commit of `stream` that came back with `links`, when it was sent from here: another
    /// process may have given the same id to another.
    pub(crate) fn came_back(
        &self,
        stream: &StreamId,
        links: &Links,
        position: Position,
    ) -> Option<Arc<Commit>> {
        let sent = self.0.lock().pop(&links.id)?;
        (sent.links == *links && sent.draft.stream == *stream).then(|| sent.at(position))
    }

    /// It was not written.
    pub(crate) fn forget(&self, id: CommitId) {
        self.0.lock().pop(&id);
    }
}

#[cfg(test)]
mod tests {
    use theazo_log::Hash;
    use theazo_log::conformance::fixtures::{draft, scope, session};

    use super::*;

    #[test]
    fn only_what_was_sent_comes_back() {
        let under_way = UnderWay::new();
        let stream = session(scope(0), 1);
        let draft = Arc::new(draft(&stream, "one"));
        let (one, two) = (Hash::content(b"1"), Hash::content(b"2"));
        let links = Links { id: draft.id, previous: Position(3), previous_hash: one, hash: two };
        let sent = Sent::new(Arc::clone(&draft), links);
        under_way.sent(&sent);
        let acknowledged = sent.at(Position(9));
        let back = under_way.came_back(&stream, &links, Position(9)).unwrap();
        assert!(Arc::ptr_eq(&back, &acknowledged));
        assert_eq!((back.id, back.previous, back.hash), (draft.id, Position(3), two));
        assert!(under_way.came_back(&stream, &links, Position(9)).is_none(), "it comes once");
    }

    #[test]
    fn another_commit_with_the_same_id_is_not_taken_for_it() {
        let under_way = UnderWay::new();
        let stream = session(scope(0), 1);
        let draft = Arc::new(draft(&stream, "one"));
        let links = Links {
            id: draft.id,
            previous: Position::START,
            previous_hash: Hash::default(),
            hash: Hash::content(b"ours"),
        };
        under_way.sent(&Sent::new(draft, links));
        let theirs = Links { hash: Hash::content(b"theirs"), ..links };
        assert!(under_way.came_back(&stream, &theirs, Position(9)).is_none());
    }
}
