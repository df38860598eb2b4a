//! Whose a session is.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use theazo_domain::session::{Session, SessionEvent};
use theazo_domain::validate::Metadata;
use theazo_domain::{Aggregate, Scope, SessionId, StreamId};
use theazo_log::{EventLog, LogError, Position};

/// Sessions that a replay remembers.
const SESSIONS: NonZeroUsize = NonZeroUsize::new(8_192).expect("not zero");
/// Bytes of metadata that they may come to.
const BYTES: usize = 16 << 20;

/// Who is billed for a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Billed {
    /// AgentCo's own name for its user.
    pub user_id: String,
    /// The session's, as of the head of the replay.
    pub metadata: Metadata,
}

/// The sessions of a scope as they were at one position, so that an answer does not depend on what
/// the cache happened to forget.
pub(crate) struct Users {
    scope: Scope,
    head: Position,
    known: LruCache<SessionId, (Arc<Billed>, usize)>,
    bytes: usize,
}

impl Users {
    pub(crate) fn new(scope: Scope, head: Position) -> Self {
        Self { scope, head, known: LruCache::new(SESSIONS), bytes: 0 }
    }

    /// `at` is the commit that names the session.
    pub(crate) async fn of(
        &mut self,
        log: &dyn EventLog,
        session: SessionId,
        at: Position,
    ) -> Result<Arc<Billed>, LogError> {
        if let Some((billed, _)) = self.known.get(&session) {
            return Ok(Arc::clone(billed));
        }
        let billed = self.load(log, session, at).await?;
        let size = size(&billed);
        self.bytes += size;
        if let Some((_, (_, old))) = self.known.push(session, (Arc::clone(&billed), size)) {
            self.bytes -= old;
        }
        while self.bytes > BYTES && self.known.len() > 1 {
            let Some((_, (_, old))) = self.known.pop_lru() else { break };
            self.bytes -= old;
        }
        Ok(billed)
    }

    async fn load(
        &self,
        log: &dyn EventLog,
        session: SessionId,
        at: Position,
    ) -> Result<Arc<Billed>, LogError> {
        let stream = StreamId::session(self.scope, session);
        let mut billed = None;
        for commit in log.read_stream(&stream, Position::START).await? {
            if commit.position > self.head {
                break;
            }
            for event in commit.events.iter().filter_map(Session::own) {
                after(&mut billed, event);
            }
        }
        billed.map(Arc::new).ok_or_else(|| LogError::Corrupt {
            position: at,
            reason: format!("it bills session {session}, which was never created"),
        })
    }
}

fn after(billed: &mut Option<Billed>, event: &SessionEvent) {
    match event {
        SessionEvent::Created { user_id, metadata, .. } => {
            *billed = Some(Billed { user_id: user_id.clone(), metadata: metadata.clone() });
        }
        SessionEvent::Updated { metadata: Some(metadata), .. } => {
            if let Some(billed) = billed {
                billed.metadata.clone_from(metadata);
            }
        }
        _ => (),
    }
}

fn size(billed: &Billed) -> usize {
    let metadata = billed.metadata.iter().map(|(key, value)| key.len() + value.to_string().len());
    billed.user_id.len() + metadata.sum::<usize>()
}
