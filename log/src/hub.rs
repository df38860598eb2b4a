//! Live fan-out inside one process: the log publishes each durable commit once, and the hub hands
//! it to the receivers whose key it matches.
//!
//! A receiver is filed under the narrowest part of its filter, so ten thousand receivers on other
//! streams cost a commit nothing. Its buffer is bounded: one that does not keep up is dropped from
//! the hub, drains what it has, and its subscription re-reads from the log. The publisher never
//! waits for anyone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use theazo_domain::{Kind, Scope, StreamId};
use tokio::sync::mpsc;

use crate::{Filter, Glance, Passing, Position};

/// The fan-out of one log in one process.
pub struct Hub {
    /// The last commit published. Written under `receivers`, read without it.
    head: AtomicU64,
    receivers: Mutex<Receivers>,
}

#[derive(Default)]
struct Receivers {
    closed: bool,
    next_id: u64,
    /// Also those of several kinds: they are few.
    everything: Vec<Entry>,
    by_kind: HashMap<Kind, Vec<Entry>>,
    by_scope: HashMap<Scope, Vec<Entry>>,
    by_stream: HashMap<StreamId, Vec<Entry>>,
}

struct Entry {
    id: u64,
    filter: Filter,
    /// It wants its commits decoded.
    whole: bool,
    glances: Arc<Glances>,
    sender: mpsc::Sender<Passing>,
}

/// What a receiver shares with its entry.
#[derive(Default)]
struct Glances {
    /// Set when the publisher is to glance at commits, and not the receiver.
    glance: OnceLock<Glance>,
    /// The last commit that the publisher glanced at in vain.
    passed: AtomicU64,
}

/// The receiving end: every matching commit after [`Receiver::from`], until it lags.
pub struct Receiver {
    hub: Arc<Hub>,
    id: u64,
    filter: Filter,
    from: Position,
    glances: Arc<Glances>,
    commits: mpsc::Receiver<Passing>,
}

impl Hub {
    /// A hub for a log whose last commit is at `head`.
    pub fn new(head: Position) -> Arc<Self> {
        Arc::new(Self { head: AtomicU64::new(head.0), receivers: Mutex::default() })
    }

    /// The last commit published.
    pub fn head(&self) -> Position {
        Position(self.head.load(Ordering::Acquire))
    }

    /// Hands out `commits`, which are durable, come in log order, and follow those before. There is
    /// one publisher.
    pub fn publish(&self, commits: &[Passing]) {
        let Some(last) = commits.last() else { return };
        self.decode_wanted(commits);
        let mut receivers = self.receivers.lock();
        // First: nobody is to have a commit that is beyond the head.
        self.head.store(last.position().0, Ordering::Release);
        for commit in commits {
            receivers.deliver(commit);
        }
    }

    /// Here, and not by the receivers: several would wait for each other.
    fn decode_wanted(&self, commits: &[Passing]) {
        let wanted: Vec<&Passing> = {
            let receivers = self.receivers.lock();
            let unread = commits.iter().filter(|commit| commit.decoded().is_none());
            unread.filter(|commit| receivers.want(commit.stream())).collect()
        };
        for commit in wanted {
            // Each receiver is told so too.
            if let Err(error) = commit.commit() {
                tracing::error!(%error, "a commit in the log cannot be read");
            }
        }
    }

    /// Passes over the commit at `position`, which this build cannot read: every receiver is
    /// dropped, so that it re-reads the log, where it meets what is there.
    pub fn pass(&self, position: Position) {
        let mut receivers = self.receivers.lock();
        self.head.store(position.0, Ordering::Release);
        receivers.drop_all();
    }

    /// A receiver of what will be published from here on, with room for `capacity` commits.
    /// `None` when the hub is closed.
    pub fn receive(self: &Arc<Self>, filter: Filter, capacity: usize) -> Option<Receiver> {
        self.register(filter, true, capacity)
    }

    /// As [`Hub::receive`], for who decodes what it needs itself.
    pub fn receive_passing(self: &Arc<Self>, filter: Filter, capacity: usize) -> Option<Receiver> {
        self.register(filter, false, capacity)
    }

    fn register(
        self: &Arc<Self>,
        filter: Filter,
        whole: bool,
        capacity: usize,
    ) -> Option<Receiver> {
        let (sender, commits) = mpsc::channel(capacity.max(1));
        let mut receivers = self.receivers.lock();
        if receivers.closed {
            return None;
        }
        let id = receivers.next_id;
        receivers.next_id += 1;
        let glances = Arc::new(Glances::default());
        let (shared, wanted) = (Arc::clone(&glances), filter.clone());
        receivers.add(Entry { id, filter: wanted, whole, glances: shared, sender });
        // Under the lock, so that no commit falls between `from` and the first one received.
        let from = self.head();
        Some(Receiver { hub: Arc::clone(self), id, filter, from, glances, commits })
    }

    /// Ends every receiver: nothing will be published any more.
    pub fn close(&self) {
        let mut receivers = self.receivers.lock();
        receivers.closed = true;
        receivers.drop_all();
    }

    pub fn is_closed(&self) -> bool {
        self.receivers.lock().closed
    }

    /// How many receivers there are.
    pub fn receivers(&self) -> usize {
        self.receivers.lock().count()
    }
}

impl Receivers {
    fn add(&mut self, entry: Entry) {
        let Filter { scope, kinds, stream } = &entry.filter;
        let entries = match (stream, scope, kinds.single()) {
            (Some(stream), _, _) => self.by_stream.entry(stream.clone()).or_default(),
            (None, Some(scope), _) => self.by_scope.entry(*scope).or_default(),
            (None, None, Some(kind)) => self.by_kind.entry(kind).or_default(),
            (None, None, None) => &mut self.everything,
        };
        entries.push(entry);
    }

    fn remove(&mut self, filter: &Filter, id: u64) {
        match (&filter.stream, filter.scope, filter.kinds.single()) {
            (Some(stream), _, _) => remove_from(&mut self.by_stream, stream, id),
            (None, Some(scope), _) => remove_from(&mut self.by_scope, &scope, id),
            (None, None, Some(kind)) => remove_from(&mut self.by_kind, &kind, id),
            (None, None, None) => self.everything.retain(|entry| entry.id != id),
        }
    }

    /// Whether somebody wants the commits on `stream` decoded.
    fn want(&self, stream: &StreamId) -> bool {
        let keyed = [
            self.by_kind.get(&stream.kind),
            self.by_scope.get(&stream.scope),
            self.by_stream.get(stream),
        ];
        let mut entries = self.everything.iter().chain(keyed.into_iter().flatten().flatten());
        entries.any(|entry| entry.whole && entry.filter.matches_stream(stream))
    }

    fn deliver(&mut self, commit: &Passing) {
        let stream = commit.stream();
        offer(&mut self.everything, commit);
        offer_keyed(&mut self.by_kind, &stream.kind, commit);
        offer_keyed(&mut self.by_scope, &stream.scope, commit);
        offer_keyed(&mut self.by_stream, stream, commit);
    }

    fn drop_all(&mut self) {
        self.everything.clear();
        self.by_kind.clear();
        self.by_scope.clear();
        self.by_stream.clear();
    }

    fn count(&self) -> usize {
        self.everything.len()
            + self.by_kind.values().map(Vec::len).sum::<usize>()
            + self.by_scope.values().map(Vec::len).sum::<usize>()
            + self.by_stream.values().map(Vec::len).sum::<usize>()
    }
}

type Keyed<K> = HashMap<K, Vec<Entry>>;

fn remove_from<K: Eq + std::hash::Hash>(keyed: &mut Keyed<K>, key: &K, id: u64) {
    if let Some(entries) = keyed.get_mut(key) {
        entries.retain(|entry| entry.id != id);
        if entries.is_empty() {
            keyed.remove(key);
        }
    }
}

fn offer_keyed<K: Eq + std::hash::Hash>(keyed: &mut Keyed<K>, key: &K, commit: &Passing) {
    if let Some(entries) = keyed.get_mut(key) {
        offer(entries, commit);
        if entries.is_empty() {
            keyed.remove(key);
        }
    }
}

/// Gives `commit` to those that match; who has no room, or is gone, is dropped.
fn offer(entries: &mut Vec<Entry>, commit: &Passing) {
    entries.retain(|entry| !entry.filter.matches_stream(commit.stream()) || entry.take(commit));
}

impl Entry {
    /// `false` when it has no room, or is gone.
    fn take(&self, commit: &Passing) -> bool {
        // First: what there is no room for is read again, and glanced at then.
        let Ok(room) = self.sender.try_reserve() else { return false };
        match self.glances.glance.get() {
            Some(glance) if !glance(commit) => {
                self.glances.passed.store(commit.position().0, Ordering::Release);
            }
            _ => room.send(commit.clone()),
        }
        true
    }
}

impl Receiver {
    /// The position after which nothing is missed.
    pub fn from(&self) -> Position {
        self.from
    }

    /// The next commit; `None` when the receiver has lagged or the hub is closed.
    pub async fn recv(&mut self) -> Option<Passing> {
        self.commits.recv().await
    }

    /// Lets the publisher glance at the commits to come, if those that were published are the ones
    /// up to `cursor`; from then on only what `glance` lets through is received. Answers whether it
    /// does so now.
    pub fn leave_to_publisher(&self, glance: &Glance, cursor: Position) -> bool {
        // Under the lock, so that nothing comes in between.
        let _publisher_waits = self.hub.receivers.lock();
        // A log may be read further than it was published.
        let all_taken = self.commits.is_empty() && self.hub.head() >= cursor;
        all_taken && self.glances.glance.set(Arc::clone(glance)).is_ok()
    }

    /// The last commit that the publisher glanced at in vain.
    pub fn passed(&self) -> Position {
        Position(self.glances.passed.load(Ordering::Acquire))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.hub.receivers.lock().remove(&self.filter, self.id);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::conformance::fixtures::{draft, scope, session};
    use crate::{Commit, Hash, Kinds, RawCommit, commit::Draft, encode};

    fn commit(position: u64, stream: &StreamId) -> Passing {
        let Draft { id, stream, time, actor, events, .. } = draft(stream, "text");
        Passing::from(Arc::new(Commit {
            id,
            stream,
            position: Position(position),
            previous: Position::START,
            time,
            actor,
            request_id: None,
            causation: None,
            correlation: None,
            events,
            previous_hash: Hash::default(),
            hash: Hash::default(),
        }))
    }

    fn next(receiver: &mut Receiver) -> Option<Option<u64>> {
        receiver.recv().now_or_never().map(|got| got.map(|commit| commit.position().0))
    }

    #[test]
    fn each_receives_what_it_asked_for() {
        let hub = Hub::new(Position(4));
        let (a, b) = (session(scope(0), 1), session(scope(1), 1));
        let mut of_stream = hub.receive(Filter::stream(a.clone()), 8).unwrap();
        let mut of_scope = hub.receive(Filter::scope(scope(1)), 8).unwrap();
        let agents = Kinds::of(&[Kind::Agent]);
        let mut of_none =
            hub.receive(Filter { kinds: agents, ..Filter::scope(scope(1)) }, 8).unwrap();
        let mut of_kinds = hub.receive(Filter::kinds(&[Kind::Agent, Kind::Session]), 8).unwrap();
        let mut of_others = hub.receive(Filter::kinds(&[Kind::Agent, Kind::Task]), 8).unwrap();
        let mut of_all = hub.receive(Filter::all(), 8).unwrap();
        assert_eq!(of_all.from(), Position(4));
        hub.publish(&[commit(5, &a), commit(6, &b)]);
        assert_eq!((next(&mut of_stream), next(&mut of_stream)), (Some(Some(5)), None));
        assert_eq!((next(&mut of_scope), next(&mut of_scope)), (Some(Some(6)), None));
        assert_eq!((next(&mut of_none), next(&mut of_others)), (None, None));
        assert_eq!((next(&mut of_kinds), next(&mut of_kinds)), (Some(Some(5)), Some(Some(6))));
        assert_eq!((next(&mut of_all), next(&mut of_all)), (Some(Some(5)), Some(Some(6))));
        assert_eq!(hub.receive(Filter::all(), 8).unwrap().from(), Position(6));
    }

    #[test]
    fn one_that_lags_is_told_after_what_it_has() {
        let hub = Hub::new(Position::START);
        let stream = session(scope(0), 1);
        let mut slow = hub.receive(Filter::all(), 2).unwrap();
        for position in 1..=5 {
            hub.publish(&[commit(position, &stream)]);
        }
        assert_eq!(hub.receivers(), 0, "the hub holds nothing for it any more");
        let got = [next(&mut slow), next(&mut slow), next(&mut slow)];
        assert_eq!(got, [Some(Some(1)), Some(Some(2)), Some(None)]);
    }

    #[test]
    fn what_cannot_be_read_sends_everybody_back_to_the_log() {
        let hub = Hub::new(Position(4));
        let mut all = hub.receive(Filter::all(), 2).unwrap();
        hub.pass(Position(5));
        assert_eq!(next(&mut all), Some(None));
        assert_eq!(hub.receive(Filter::all(), 2).unwrap().from(), Position(5));
    }

    #[test]
    fn a_closed_hub_ends_all_and_takes_none() {
        let hub = Hub::new(Position::START);
        let mut open = hub.receive(Filter::all(), 2).unwrap();
        hub.close();
        assert_eq!(next(&mut open), Some(None));
        assert!(hub.is_closed() && hub.receive(Filter::all(), 2).is_none());
    }

    #[test]
    fn who_goes_away_leaves_nothing() {
        let hub = Hub::new(Position::START);
        let receivers: Vec<_> = (0..100)
            .map(|n| hub.receive(Filter::stream(session(scope(0), n)), 2).unwrap())
            .collect();
        assert_eq!(hub.receivers(), 100);
        drop(receivers);
        assert_eq!(hub.receivers(), 0);
        assert!(hub.receivers.lock().by_stream.is_empty());
    }

    #[test]
    fn the_publisher_glances_once_everything_before_was_taken() {
        let hub = Hub::new(Position::START);
        let stream = session(scope(0), 1);
        let mut receiver = hub.receive_passing(Filter::all(), 8).unwrap();
        let even: Glance = Arc::new(|commit| commit.position().0 % 2 == 0);
        hub.publish(&[commit(1, &stream)]);
        assert!(!receiver.leave_to_publisher(&even, Position(1)), "the first is not taken yet");
        assert_eq!(next(&mut receiver), Some(Some(1)));
        assert!(!receiver.leave_to_publisher(&even, Position(2)), "the second was read already");
        assert!(receiver.leave_to_publisher(&even, Position(1)));
        for position in 2..=5 {
            hub.publish(&[commit(position, &stream)]);
        }
        assert_eq!(receiver.passed(), Position(5));
        assert_eq!((next(&mut receiver), next(&mut receiver)), (Some(Some(2)), Some(Some(4))));
        assert_eq!(next(&mut receiver), None);
    }

    #[test]
    fn only_what_somebody_wants_is_decoded() {
        let hub = Hub::new(Position::START);
        let (a, b) = (session(scope(0), 1), session(scope(0), 2));
        let _of_a = hub.receive(Filter::stream(a.clone()), 8).unwrap();
        let _of_all = hub.receive_passing(Filter::all(), 8).unwrap();
        let upcasters = Arc::default();
        let [of_a, of_b] = [(1, &a), (2, &b)].map(|(position, stream)| {
            let draft = draft(stream, "text");
            let raw = RawCommit {
                position: Position(position),
                previous: Position::START,
                stream: stream.clone(),
                id: draft.id,
                body: encode(&draft).unwrap(),
                previous_hash: Hash::default(),
                hash: Hash::default(),
            };
            Passing::stored(raw, &upcasters)
        });
        hub.publish(&[of_a.clone(), of_b.clone()]);
        assert!(of_a.decoded().is_some() && of_b.decoded().is_none());
        assert_eq!(of_b.commit().unwrap().stream, b);
    }
}
