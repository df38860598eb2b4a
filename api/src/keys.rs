//! The keys of callers, cached: a digest is looked up once, and forgotten when its key or its org
//! changes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use theazo_domain::org::Plan;
use theazo_domain::{ApiKeyId, Event, Kind, Scope};
use theazo_log::{EventLog, Filter, LogError, Position};
use theazo_projections::{ReadError, ReadModels};
use tokio_util::sync::CancellationToken;

use crate::authority::LastWritten;

/// How long a key that was not seen yet waits for the read model to hear of the latest changes.
const CATCH_UP: Duration = Duration::from_secs(2);
/// Before following the log again after it failed.
const RETRY: Duration = Duration::from_millis(500);
/// Keys that are kept; past it the ring starts anew.
const MAX_CACHED: usize = 100_000;

type KeyHash = [u8; 32];

/// A key that a caller has shown.
#[derive(Debug)]
pub(crate) struct KnownKey {
    pub id: ApiKeyId,
    pub scope: Scope,
    pub plan: Plan,
    pub written: Arc<LastWritten>,
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct KeyRing {
    reads: ReadModels,
    shared: Arc<RwLock<Shared>>,
}

#[derive(Default)]
struct Shared {
    known: HashMap<KeyHash, Arc<KnownKey>>,
    written: HashMap<Scope, Arc<LastWritten>>,
    /// The last change of any key or org that this process has heard of.
    changed: Position,
    /// Whether changes are heard of at all: nothing is cached while they are not.
    following: bool,
}

impl KeyRing {
    pub fn new(reads: ReadModels) -> Self {
        Self { reads, shared: Arc::default() }
    }

    /// The key with this secret; `None` when there is none, or it was revoked.
    pub async fn find(&self, secret: &str) -> Result<Option<Arc<KnownKey>>, ReadError> {
        let hash: KeyHash = Sha256::digest(secret.as_bytes()).into();
        if let Some(key) = self.shared.read().known.get(&hash) {
            return Ok(Some(key.clone()));
        }
        self.look_up(hash).await
    }

    async fn look_up(&self, hash: KeyHash) -> Result<Option<Arc<KnownKey>>, ReadError> {
        let before = self.shared.read().changed;
        // Fails closed: a read model that lags may still have a key that was revoked.
        if !self.reads.wait_for(before, CATCH_UP).await {
            return Err(ReadError::Unavailable(format!("keys are not known as of {before} yet")));
        }
        let as_of = self.reads.position();
        let Some(record) = self.reads.key_by_digest(&hex::encode(hash)).await? else {
            return Ok(None);
        };
        let mut shared = self.shared.write();
        let written = shared.written.entry(record.scope).or_default().clone();
        let key = KnownKey { id: record.key.id, scope: record.scope, plan: record.plan, written };
        let key = Arc::new(key);
        // A change that came in meanwhile may not be in what was read.
        if shared.following && shared.changed <= as_of {
            if shared.known.len() >= MAX_CACHED {
                shared.known.clear();
            }
            shared.known.insert(hash, key.clone());
        }
        Ok(Some(key))
    }

    /// A key or an org changed at `position`: what is cached may be old.
    pub fn changed(&self, position: Position, which: impl Fn(&KnownKey) -> bool) {
        let mut shared = self.shared.write();
        shared.changed = shared.changed.max(position);
        shared.known.retain(|_, key| !which(key));
    }

    /// Hears of changes until `stop`, wherever they are made.
    pub async fn follow(self, log: Arc<dyn EventLog>, stop: CancellationToken) {
        loop {
            let lost = tokio::select! {
                () = stop.cancelled() => return,
                lost = self.listen(&log) => lost,
            };
            self.lose();
            if let Err(error) = lost {
                tracing::warn!(%error, "the log is lost: each key is read until it is back");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    /// Changes are not heard of for a while: nothing that is cached can be relied on.
    fn lose(&self) {
        let mut shared = self.shared.write();
        shared.following = false;
        shared.known.clear();
    }

    async fn listen(&self, log: &Arc<dyn EventLog>) -> Result<(), LogError> {
        let head = log.head().await?;
        let of_kind = |kind| log.subscribe(Filter::kind(kind), head);
        let mut commits = futures::stream::select(of_kind(Kind::ApiKey), of_kind(Kind::Org));
        {
            let mut shared = self.shared.write();
            shared.changed = shared.changed.max(head);
            shared.following = true;
        }
        while let Some(commit) = commits.next().await {
            let commit = commit?;
            for event in &commit.events {
                match event {
                    Event::ApiKey(_) => {
                        let id = commit.stream.key().parse().ok();
                        self.changed(commit.position, |key| Some(key.id) == id);
                    }
                    Event::Org(_) => {
                        let org = commit.stream.scope.org;
                        self.changed(commit.position, |key| key.scope.org == org);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
