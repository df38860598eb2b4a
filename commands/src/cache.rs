use std::any::Any;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;

use theazo_domain::{Aggregate, StreamId};
use theazo_log::Position;

/// States of aggregates as of their last commit this process knows. A stale one is harmless: an
/// append on it conflicts, and a rejection by it is decided again on a fresh one.
///
/// It holds a number of them, and not more than so many bytes: a task's state has all its steps,
/// and callers decide how many and how large they are.
pub(crate) struct Cache(Mutex<Inner>);

struct Inner {
    entries: LruCache<StreamId, Entry>,
    /// Of all entries, about.
    bytes: usize,
    max_bytes: usize,
    /// The last commits that were seen on streams: a load that began before one of them is not to
    /// be kept.
    passed: LruCache<StreamId, Position>,
}

/// Streams whose last commit is remembered: more than are passed while a load is under way.
const PASSED: NonZeroUsize = NonZeroUsize::new(8_192).expect("not zero");

#[derive(Clone)]
struct Entry {
    revision: Position,
    state: Arc<dyn Any + Send + Sync>,
    bytes: usize,
}

impl Cache {
    pub fn new(capacity: NonZeroUsize, max_bytes: usize) -> Self {
        let (entries, passed) = (LruCache::new(capacity), LruCache::new(PASSED));
        Self(Mutex::new(Inner { entries, bytes: 0, max_bytes, passed }))
    }

    pub fn get<A: Aggregate>(&self, stream: &StreamId) -> Option<(Arc<A>, Position)> {
        let entry = self.0.lock().entries.get(stream)?.clone();
        Some((entry.state.downcast::<A>().ok()?, entry.revision))
    }

    /// Keeps the newer one, whichever request comes last.
    pub fn put<A: Aggregate>(&self, stream: &StreamId, state: Arc<A>, revision: Position) {
        let bytes = state.weight();
        let mut cache = self.0.lock();
        if cache.passed.peek(stream).is_some_and(|passed| revision < *passed) {
            return;
        }
        if cache.entries.peek(stream).is_none_or(|entry| entry.revision < revision) {
            let entry = Entry { revision, state, bytes };
            // Also the least recent one, when there are too many.
            let gone = cache.entries.push(stream.clone(), entry);
            cache.bytes += bytes;
            cache.left(gone);
            cache.shrink();
        }
    }

    pub fn forget(&self, stream: &StreamId) {
        let mut cache = self.0.lock();
        let gone = cache.entries.pop_entry(stream);
        cache.left(gone);
    }

    /// A commit at `position` on `stream`: what is older is forgotten.
    pub fn passed(&self, stream: &StreamId, position: Position) {
        let mut cache = self.0.lock();
        cache.passed.put(stream.clone(), position);
        if cache.entries.peek(stream).is_some_and(|entry| entry.revision < position) {
            let gone = cache.entries.pop_entry(stream);
            cache.left(gone);
        }
    }

    pub fn clear(&self) {
        let mut cache = self.0.lock();
        cache.entries.clear();
        cache.bytes = 0;
    }
}

impl Inner {
    fn left(&mut self, gone: Option<(StreamId, Entry)>) {
        self.bytes = self.bytes.saturating_sub(gone.map_or(0, |(_, entry)| entry.bytes));
    }

    /// The newest one stays, however large it is: whoever put it needs it next.
    fn shrink(&mut self) {
        while self.bytes > self.max_bytes && self.entries.len() > 1 {
            let gone = self.entries.pop_lru();
            self.left(gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use theazo_domain::task::{Task, TaskAgent};
    use theazo_domain::{AgentId, Mode, OrgId, Payload, Scope, Sealed, SessionId, TaskId};
    use theazo_domain::{Timestamp, task::TaskEvent};
    use uuid::Uuid;

    use super::*;

    fn stream(n: u128) -> StreamId {
        let scope = Scope { org: OrgId::from_uuid(Uuid::nil()), mode: Mode::Test };
        StreamId::task(scope, TaskId::from_uuid(Uuid::from_u128(n)))
    }

    fn task(input: usize) -> Arc<Task> {
        let sealed = Sealed { key: String::new(), data: "x".repeat(input) };
        let submitted = TaskEvent::Submitted {
            task_id: TaskId::from_uuid(Uuid::nil()),
            session_id: SessionId::from_uuid(Uuid::nil()),
            agent: TaskAgent::Existing { agent_id: AgentId::from_uuid(Uuid::nil()) },
            priority: <_>::default(),
            max_steps: 1,
            input: Payload::Inline { sealed },
            webhook: None,
            retry_of: None,
        };
        Arc::new(Task::evolve(None, &submitted, Timestamp::default()).unwrap())
    }

    fn held(cache: &Cache) -> (usize, usize) {
        let inner = cache.0.lock();
        (inner.entries.len(), inner.bytes)
    }

    #[test]
    fn large_states_push_out_the_old_ones() {
        let cache = Cache::new(NonZeroUsize::new(1_000).unwrap(), 1 << 20);
        for n in 0..200 {
            cache.put(&stream(n), task(50_000), Position(1));
        }
        let (count, bytes) = held(&cache);
        assert!((10..=20).contains(&count) && bytes <= 1 << 20, "{count} of {bytes} bytes");
        assert!(cache.get::<Task>(&stream(199)).is_some());
        assert!(cache.get::<Task>(&stream(0)).is_none());
        // One that is larger than all of it is still there for whoever put it.
        cache.put(&stream(500), task(3 << 20), Position(1));
        assert_eq!(held(&cache).0, 1);
        assert!(cache.get::<Task>(&stream(500)).is_some());
    }

    #[test]
    fn what_leaves_is_counted_no_more() {
        let cache = Cache::new(NonZeroUsize::new(10).unwrap(), 1 << 20);
        for n in 0..50 {
            cache.put(&stream(n), task(10), Position(1));
            cache.put(&stream(n), task(2_000), Position(2));
            // An older one changes nothing.
            cache.put(&stream(n), task(900_000), Position(1));
        }
        assert_eq!(held(&cache).0, 10);
        for n in 0..50 {
            cache.forget(&stream(n));
        }
        assert_eq!(held(&cache), (0, 0));
    }

    #[test]
    fn what_a_commit_has_passed_is_neither_kept_nor_put_back() {
        let cache = Cache::new(NonZeroUsize::new(10).unwrap(), usize::MAX);
        cache.put(&stream(1), task(1), Position(3));
        cache.passed(&stream(1), Position(3));
        assert!(cache.get::<Task>(&stream(1)).is_some(), "it is as of that commit");
        cache.passed(&stream(1), Position(5));
        assert!(cache.get::<Task>(&stream(1)).is_none());
        // A load that began before the commit comes to its end.
        cache.put(&stream(1), task(1), Position(3));
        assert!(cache.get::<Task>(&stream(1)).is_none());
        cache.put(&stream(1), task(1), Position(5));
        assert!(cache.get::<Task>(&stream(1)).is_some());
        cache.clear();
        let left = cache.0.lock();
        assert_eq!((left.entries.len(), left.bytes), (0, 0));
    }
}
