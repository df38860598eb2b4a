//! The one retry loop: load, decide, append, and again when another was faster.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rand::Rng;
use theazo_domain::{Aggregate, Ctx, Rejection, StreamId};
use theazo_log::{AppendError, Commit, Draft, EventLog, Position};
use tokio::sync::watch;

use crate::cache::Cache;
use crate::load::{Snapshots, fold_commits};
use crate::reservations::Reservations;
use crate::turns::Turns;
use crate::{Blobs, CommandError, Loaded, Origin, Vault, now};

/// Decisions on one command before the caller is told to come back.
const MAX_ATTEMPTS: u32 = 50;
const CACHED_AGGREGATES: NonZeroUsize = NonZeroUsize::new(65_536).expect("not zero");
/// Bytes of all of them, about.
const CACHED_BYTES: usize = 256 << 20;

/// Executes commands against the log. Cheap to share behind an `Arc`.
pub struct Commander {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) snapshots: OnceLock<Arc<dyn Snapshots>>,
    turns: Turns,
    pub(crate) reservations: Reservations,
    /// How far the commits of other processes have been seen; `None` where there are none.
    pub(crate) seen: watch::Sender<Option<Position>>,
    pub vault: Vault,
    pub blobs: Blobs,
}

/// A command that was accepted.
#[derive(Debug, Clone)]
pub struct Done<A> {
    /// After the command.
    pub state: Arc<A>,
    /// The stream's revision after it: what a reader waits for.
    pub position: Position,
    /// Whether it changed anything now; false when it had been done before.
    pub changed: bool,
}

impl Commander {
    pub fn new(log: Arc<dyn EventLog>, vault: Vault, blobs: Blobs) -> Self {
        let cache = Arc::new(Cache::new(CACHED_AGGREGATES, CACHED_BYTES));
        let (turns, reservations) = (Turns::default(), Reservations::default());
        let seen = watch::Sender::new(None);
        Self { log, cache, snapshots: OnceLock::new(), turns, reservations, seen, vault, blobs }
    }

    /// Lets loads start from the read models' rows. To be called once, at start.
    pub fn use_snapshots(&self, snapshots: Arc<dyn Snapshots>) {
        if self.snapshots.set(snapshots).is_err() {
            tracing::warn!("the source of snapshots was set twice; the first stays");
        }
    }

    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }

    /// Executes `command` on the aggregate at `stream`.
    pub async fn execute<A: Aggregate>(
        &self,
        origin: &Origin,
        stream: &StreamId,
        command: &A::Command,
    ) -> Result<Done<A>, CommandError> {
        if let Some(done) = self.done_before(origin, stream).await? {
            return Ok(done);
        }
        let loaded = self.load(stream).await?;
        self.decide_and_append(origin, stream, command, loaded).await
    }

    /// The same for an aggregate whose id was just made: nothing is there to load.
    pub async fn execute_new<A: Aggregate>(
        &self,
        origin: &Origin,
        stream: &StreamId,
        command: &A::Command,
    ) -> Result<Done<A>, CommandError> {
        if let Some(done) = self.done_before(origin, stream).await? {
            return Ok(done);
        }
        let nothing = Loaded { state: None, revision: Position::START };
        self.decide_and_append(origin, stream, command, nothing).await
    }

    /// What a request with the same idempotency key came to, as it was then.
    async fn done_before<A: Aggregate>(
        &self,
        origin: &Origin,
        stream: &StreamId,
    ) -> Result<Option<Done<A>>, CommandError> {
        if origin.seed.is_none() {
            return Ok(None);
        }
        match self.log.find(stream, origin.commit_id(stream)).await? {
            Some(commit) => self.answer_again(stream, &commit).await.map(Some),
            None => Ok(None),
        }
    }

    async fn answer_again<A: Aggregate>(
        &self,
        stream: &StreamId,
        commit: &Commit,
    ) -> Result<Done<A>, CommandError> {
        let then = self.load_as_of(stream, |position, _| position <= commit.position).await?;
        let state = then.state.ok_or_else(|| {
            CommandError::Unavailable(format!("{stream} has a commit but no state"))
        })?;
        Ok(Done { state, position: commit.position, changed: false })
    }

    async fn decide_and_append<A: Aggregate>(
        &self,
        origin: &Origin,
        stream: &StreamId,
        command: &A::Command,
        mut loaded: Loaded<A>,
    ) -> Result<Done<A>, CommandError> {
        let id = origin.commit_id(stream);
        let mut settled_at = None;
        let mut turn = None;
        for attempt in 0..MAX_ATTEMPTS {
            let ctx = Ctx { now: now() };
            let decided = A::decide(loaded.state.as_deref(), command, ctx);
            // The state may be stale: only what the log has may refuse, or have it done already.
            let nothing_to_do = decided.as_ref().map_or(true, Vec::is_empty);
            if nothing_to_do && settled_at.replace(loaded.revision) != Some(loaded.revision) {
                loaded = self.load_fresh(stream).await?;
                continue;
            }
            let events = decided?;
            if events.is_empty() {
                return unchanged(loaded);
            }
            let draft = Draft {
                id,
                stream: stream.clone(),
                time: ctx.now,
                actor: origin.actor.clone(),
                request_id: origin.request_id,
                causation: origin.cause.map(|(cause, _)| cause),
                correlation: origin.cause.map(|(_, first)| first),
                events: events.into_iter().map(Into::into).collect(),
            };
            match self.append(loaded.revision, draft).await {
                Ok(Some(commit)) if commit.previous == loaded.revision => {
                    return self.applied(stream, &loaded, &commit);
                }
                Ok(Some(commit)) => return self.answer_again(stream, &commit).await,
                Ok(None) => {
                    if turn.is_none() {
                        turn = Some(self.turns.of(stream).await);
                    } else {
                        back_off(attempt).await;
                    }
                    loaded = self.load_fresh(stream).await?;
                }
                Err(error) => {
                    self.cache.forget(stream);
                    return Err(error);
                }
            }
        }
        Err(CommandError::Contention)
    }

    /// The commit, now or before; `None` when another was faster.
    async fn append(
        &self,
        expected: Position,
        draft: Draft,
    ) -> Result<Option<Arc<Commit>>, CommandError> {
        let (stream, id) = (draft.stream.clone(), draft.id);
        match self.log.append(expected, draft).await {
            Ok(appended) => Ok(Some(appended.commit)),
            Err(AppendError::Conflict { .. }) => Ok(None),
            Err(AppendError::Log(error)) => Err(error.into()),
            // Settled by looking, not by guessing.
            Err(AppendError::Unknown(reason)) => match self.log.find(&stream, id).await {
                Ok(Some(commit)) => Ok(Some(commit)),
                Ok(None) => Err(CommandError::Unavailable(reason)),
                Err(_) => Err(CommandError::Unknown(reason)),
            },
        }
    }

    fn applied<A: Aggregate>(
        &self,
        stream: &StreamId,
        before: &Loaded<A>,
        commit: &Arc<Commit>,
    ) -> Result<Done<A>, CommandError> {
        let state = before.state.as_deref().cloned();
        let state = fold_commits(state, std::slice::from_ref(commit)).ok_or_else(|| {
            CommandError::Unknown(format!("the commit {} on {stream} makes no state", commit.id))
        })?;
        let state = Arc::new(state);
        self.cache.put(stream, state.clone(), commit.position);
        Ok(Done { state, position: commit.position, changed: true })
    }
}

fn unchanged<A: Aggregate>(loaded: Loaded<A>) -> Result<Done<A>, CommandError> {
    let Some(state) = loaded.state else {
        let nothing =
            Rejection::conflict("The command had no effect on a thing that is not there.");
        return Err(nothing.into());
    };
    Ok(Done { state, position: loaded.revision, changed: false })
}

/// Jitter, so that racing commands do not meet again in step.
async fn back_off(attempt: u32) {
    let most = 1u64 << attempt.min(6);
    let micros = rand::rng().random_range(0..=most * 100);
    tokio::time::sleep(Duration::from_micros(micros)).await;
}
