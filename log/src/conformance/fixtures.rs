//! What the cases are made of: tenants, streams, drafts, and chance that can be repeated.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use theazo_domain::org::{OrgEvent, Plan};
use theazo_domain::{
    Actor, CommitId, Kind, Mode, OrgId, RequestId, Scope, SessionId, StreamId, Timestamp,
};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::{AppendError, Appended, Commit, Draft, EventLog, Filter, Position, Subscription};

/// How long something that must happen may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The live world of the `n`th org.
pub fn scope(n: u128) -> Scope {
    Scope { org: OrgId::from_uuid(Uuid::from_u128(n + 1)), mode: Mode::Live }
}

/// The `n`th session of `scope`.
pub fn session(scope: Scope, n: u128) -> StreamId {
    StreamId::session(scope, SessionId::from_uuid(Uuid::from_u128(n)))
}

/// A stream of another kind.
pub fn settings(scope: Scope) -> StreamId {
    StreamId::singleton(scope, Kind::Settings)
}

/// A commit id that no other call gives in this process.
pub fn fresh_id() -> CommitId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    // Spread over the range, as ids that are derived from keys are.
    let spread = Rng(next).draw();
    CommitId::from_uuid(Uuid::from_u64_pair(spread, next))
}

/// A draft with one event that says `text`.
pub fn draft(stream: &StreamId, text: &str) -> Draft {
    draft_with_id(stream, fresh_id(), text)
}

pub fn draft_with_id(stream: &StreamId, id: CommitId, text: &str) -> Draft {
    Draft {
        id,
        stream: stream.clone(),
        time: Timestamp::from_millis(1_780_000_000_123),
        actor: Actor::system("conformance"),
        request_id: Some(RequestId::from_uuid(id.as_uuid())),
        causation: None,
        correlation: None,
        events: vec![event(stream, text)],
    }
}

/// An event that says `text`.
pub fn event(stream: &StreamId, text: &str) -> theazo_domain::Event {
    let (org_id, name) = (stream.scope.org, text.to_owned());
    OrgEvent::Created { org_id, name, plan: Plan::Enterprise { requests_per_minute: 7 } }.into()
}

/// Appends to the end of `stream`, retrying on conflict; panics when the log fails.
pub async fn append(log: &dyn EventLog, stream: &StreamId, text: &str) -> Arc<Commit> {
    append_draft(log, draft(stream, text)).await
}

pub async fn append_draft(log: &dyn EventLog, draft: Draft) -> Arc<Commit> {
    let known = log.read_stream(&draft.stream, Position::START).await.unwrap();
    let mut expected = known.last().map_or(Position::START, |last| last.position);
    loop {
        match log.append(expected, draft.clone()).await {
            Ok(Appended { commit, .. }) => return commit,
            Err(AppendError::Conflict { actual }) => expected = actual,
            Err(error) => panic!("the log did not take an append: {error}"),
        }
    }
}

/// Appends to a stream of another org for as long as it is held, so that a log that writes in
/// batches has a batch under way when a race begins, and the racers meet in the next one.
pub struct Noise {
    _writers: Vec<AbortOnDropHandle<()>>,
}

impl Noise {
    pub fn on(log: &Arc<dyn EventLog>) -> Self {
        let writer = |n| {
            let log = Arc::clone(log);
            AbortOnDropHandle::new(tokio::spawn(async move {
                loop {
                    append(&*log, &session(scope(NOISE), fresh_id().as_uuid().as_u128()), n).await;
                }
            }))
        };
        Self { _writers: ["a", "b"].map(writer).into() }
    }
}

/// The org that [`Noise`] is made in.
pub const NOISE: u128 = 1_000_000;

/// Every commit of the log.
pub async fn everything(log: &dyn EventLog) -> Vec<Arc<Commit>> {
    log.read(&Filter::all(), Position::START, usize::MAX).await.unwrap()
}

/// The next `count` commits of `subscription`; panics when they do not come.
pub async fn take(subscription: &mut Subscription, count: usize) -> Vec<Arc<Commit>> {
    let mut commits = Vec::with_capacity(count);
    while commits.len() < count {
        match tokio::time::timeout(PATIENCE, subscription.next()).await {
            Ok(Some(Ok(commit))) => commits.push(commit),
            Ok(Some(Err(error))) => panic!("the subscription failed: {error}"),
            Ok(None) => panic!("the subscription ended after {} of {count}", commits.len()),
            Err(_) => panic!("only {} of {count} commits came", commits.len()),
        }
    }
    commits
}

pub fn positions(commits: &[Arc<Commit>]) -> Vec<Position> {
    commits.iter().map(|commit| commit.position).collect()
}

pub fn ids(commits: &[Arc<Commit>]) -> Vec<CommitId> {
    commits.iter().map(|commit| commit.id).collect()
}

/// SplitMix64: chance that a seed repeats.
#[derive(Debug, Clone)]
pub struct Rng(pub u64);

impl Rng {
    /// From `THEAZO_TEST_SEED`, else drawn; printed either way.
    pub fn seeded(case: &str) -> Self {
        let given = std::env::var("THEAZO_TEST_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        println!("{case}: THEAZO_TEST_SEED={seed}");
        Self(seed)
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.draw() % n.max(1) as u64).unwrap_or(0)
    }

    /// One of `items`.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
