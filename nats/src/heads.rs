//! Where streams end, and which commit ids they hold: what spares an append a question.

use std::collections::HashMap;

use lru::LruCache;
use parking_lot::Mutex;
use theazo_domain::{CommitId, StreamId};
use theazo_log::{Commit, Hash, Position, RawCommit};

use crate::message::Links;

/// What is known of a stream that one appends to. It may be behind the server, never ahead.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known {
    pub(crate) revision: Position,
    pub(crate) hash: Hash,
    /// Where the commit is whose id was asked for.
    pub(crate) found: Option<Position>,
}

/// A commit, as far as a head needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) id: CommitId,
    pub(crate) previous: Position,
    pub(crate) position: Position,
    pub(crate) hash: Hash,
}

impl From<&RawCommit> for Step {
    fn from(raw: &RawCommit) -> Self {
        let RawCommit { id, previous, position, hash, .. } = *raw;
        Self { id, previous, position, hash }
    }
}

impl Step {
    pub(crate) fn new(position: Position, links: Links) -> Self {
        let Links { id, previous, hash, .. } = links;
        Self { id, previous, position, hash }
    }
}

impl From<&Commit> for Step {
    fn from(commit: &Commit) -> Self {
        let Commit { id, previous, position, hash, .. } = *commit;
        Self { id, previous, position, hash }
    }
}

/// The end of a stream, with every commit id in it.
#[derive(Default)]
struct Head {
    revision: Position,
    hash: Hash,
    ids: HashMap<CommitId, Position>,
}

impl Head {
    /// Takes in what follows; `false` when something is missing before it.
    fn advance(&mut self, step: Step) -> bool {
        if step.position <= self.revision {
            return true;
        }
        if step.previous != self.revision {
            return false;
        }
        self.ids.insert(step.id, step.position);
        (self.revision, self.hash) = (step.position, step.hash);
        true
    }

    fn weight(&self) -> usize {
        self.ids.len().max(1)
    }
}

/// The heads of the streams used last, bounded by the ids in them.
pub(crate) struct Heads {
    capacity: usize,
    cache: Mutex<Cache>,
}

struct Cache {
    heads: LruCache<StreamId, Head>,
    weight: usize,
}

impl Heads {
    pub(crate) fn new(capacity: usize) -> Self {
        let cache = Cache { heads: LruCache::unbounded(), weight: 0 };
        Self { capacity, cache: Mutex::new(cache) }
    }

    /// What is known of `stream`, and of the commit `id` in it.
    pub(crate) fn look(&self, stream: &StreamId, id: CommitId) -> Option<Known> {
        let mut cache = self.cache.lock();
        let head = cache.heads.get(stream)?;
        let found = head.ids.get(&id).copied();
        Some(Known { revision: head.revision, hash: head.hash, found })
    }

    /// `steps` are a stream from its beginning.
    pub(crate) fn learn(&self, stream: &StreamId, steps: impl Iterator<Item = Step>) {
        let mut head = Head::default();
        for step in steps {
            if !head.advance(step) {
                return;
            }
        }
        let mut cache = self.cache.lock();
        let known = cache.heads.peek(stream).map(|known| known.revision);
        if head.revision == Position::START || known.is_some_and(|known| known >= head.revision) {
            return;
        }
        cache.remove(stream);
        cache.weight += head.weight();
        cache.heads.put(stream.clone(), head);
        cache.shrink(self.capacity);
    }

    /// The stream has gone on by `step`, which this process wrote.
    pub(crate) fn wrote(&self, stream: &StreamId, step: Step) {
        let mut cache = self.cache.lock();
        if step.previous == Position::START && !cache.heads.contains(stream) {
            cache.heads.put(stream.clone(), Head::default());
            cache.weight += 1;
        }
        cache.heads.promote(stream);
        cache.step(stream, step);
        cache.shrink(self.capacity);
    }

    /// The stream has gone on by `step`, which somebody wrote.
    pub(crate) fn saw(&self, stream: &StreamId, step: Step) {
        let mut cache = self.cache.lock();
        cache.step(stream, step);
        cache.shrink(self.capacity);
    }

    /// What is known of the stream is not so.
    pub(crate) fn forget(&self, stream: &StreamId) {
        self.cache.lock().remove(stream);
    }
}

impl Cache {
    fn step(&mut self, stream: &StreamId, step: Step) {
        // Not `get_mut`: what others write does not make a stream one that we use.
        let Some(head) = self.heads.peek_mut(stream) else { return };
        let before = head.weight();
        let whole = head.advance(step);
        self.weight = self.weight - before + head.weight();
        if !whole {
            self.remove(stream);
        }
    }

    fn remove(&mut self, stream: &StreamId) {
        self.weight -= self.heads.pop(stream).map_or(0, |head| head.weight());
    }

    /// A single stream may be larger than the capacity: without its head each append to it would
    /// read it whole.
    fn shrink(&mut self, capacity: usize) {
        while self.weight > capacity && (self.heads.len() > 1 || capacity == 0) {
            let Some((_, head)) = self.heads.pop_lru() else { return };
            self.weight -= head.weight();
        }
    }
}

#[cfg(test)]
mod tests {
    use theazo_log::conformance::fixtures::{fresh_id, scope, session};

    use super::*;

    fn step(previous: u64, position: u64) -> Step {
        Step {
            id: fresh_id(),
            previous: Position(previous),
            position: Position(position),
            hash: Hash::default(),
        }
    }

    #[test]
    fn a_head_knows_every_id_or_is_not_kept() {
        let heads = Heads::new(10);
        let stream = session(scope(0), 1);
        let (first, second) = (step(0, 3), step(3, 8));
        heads.saw(&stream, first);
        assert!(heads.look(&stream, first.id).is_none(), "what nobody uses is not kept");
        heads.wrote(&stream, first);
        heads.saw(&stream, second);
        heads.saw(&stream, first);
        for (id, place) in [(first.id, Some(3)), (second.id, Some(8)), (fresh_id(), None)] {
            let known = heads.look(&stream, id).unwrap();
            assert_eq!((known.revision, known.found), (Position(8), place.map(Position)));
        }
        heads.saw(&stream, step(9, 12));
        assert!(heads.look(&stream, first.id).is_none(), "9 is missing");
    }

    #[test]
    fn what_is_older_does_not_replace_what_is_known() {
        let heads = Heads::new(10);
        let stream = session(scope(0), 1);
        let (first, second) = (step(0, 3), step(3, 8));
        heads.learn(&stream, [first, second].into_iter());
        heads.learn(&stream, [first].into_iter());
        assert_eq!(heads.look(&stream, second.id).unwrap().found, Some(Position(8)));
        heads.learn(&session(scope(0), 2), [first, step(4, 9)].into_iter());
        assert!(heads.look(&session(scope(0), 2), first.id).is_none());
    }

    #[test]
    fn ids_are_bounded() {
        let heads = Heads::new(4);
        let streams: Vec<_> = (0..6).map(|n| session(scope(0), n)).collect();
        for (n, stream) in streams.iter().enumerate() {
            heads.wrote(stream, step(0, n as u64 + 1));
        }
        let there = |n: usize| heads.look(&streams[n], fresh_id()).is_some();
        assert!(!there(1) && there(2));
        for n in 0..20 {
            heads.wrote(&streams[5], step(n + 6, n + 7));
        }
        assert_eq!(heads.look(&streams[5], fresh_id()).unwrap().revision, Position(26));
        let cache = heads.cache.lock();
        assert_eq!((cache.heads.len(), cache.weight), (1, 21));
    }

    #[test]
    fn without_capacity_nothing_is_kept() {
        let heads = Heads::new(0);
        heads.wrote(&session(scope(0), 1), step(0, 1));
        assert!(heads.look(&session(scope(0), 1), fresh_id()).is_none());
    }
}
