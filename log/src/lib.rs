//! The durable log: commits, positions, and the contract that every log keeps.
//!
//! ```text
//!  position   1      2      3      4      5   …  head
//!            ┌────┐ ┌────┐ ┌────┐ ┌────┐ ┌────┐
//!            │ s/A│ │ a/B│ │ s/A│ │ s/C│ │ a/B│      one total order
//!            └────┘ └────┘ └────┘ └────┘ └────┘
//!  stream s/A: 1 ─────────▶ 3                        revision of s/A = 3
//! ```
//!
//! A *commit* is the events of one decision on one aggregate, written as one record: all or
//! nothing. A *position* is its place in the total order (from 1, increasing; gaps are allowed). A
//! stream's *revision* is the position of its last commit, 0 before the first. *Durable* means
//! that neither `kill -9` nor a loss of power takes it back.
//!
//! The contract, which [`conformance`] checks on every implementation:
//!
//! 1. `append` answers only when the commit is durable.
//! 2. Of several appends at the same revision of a stream exactly one wins; each other gets
//!    [`AppendError::Conflict`], and by then what it conflicts with is durable.
//! 3. An append whose commit id is in the stream already writes nothing and answers the first one.
//! 4. After an append was answered, every read and every subscription sees it.
//! 5. A subscription gives every commit after its start that matches, once, in order, first from
//!    the past and then live, with no seam.
//! 6. What was written is read back as it was: stored events are never rewritten, old versions are
//!    upcast when read.
//! 7. Each commit holds the hash of its content and of its stream's previous commit.

pub mod bench;
pub mod bus;
mod chain;
mod codec;
mod commit;
pub mod conformance;
mod filter;
mod hub;
pub mod live;
mod passing;
mod recent;
mod sqlite;
mod subscribe;
mod unbroken;
mod upcast;
mod verify;

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use theazo_domain::{CommitId, StreamId};

pub use chain::{Hash, OrgChain};
pub use codec::{Place, RawCommit, decode, encode};
pub use commit::{Commit, Draft, Position, SCHEMA};
pub use filter::{Filter, Kinds};
pub use hub::{Hub, Receiver};
pub use passing::{Glance, Passing};
pub use recent::Recent;
pub use sqlite::{SqliteLog, SqliteOptions};
pub use subscribe::{Page, Past, follow, watch};
pub use unbroken::{unbroken, unbroken_watch};
pub use upcast::{Upcast, UpcastError, Upcasters};
pub use verify::{
    Break, ChainError, Verified, Verifier, VerifyError, verify, verify_readable, verify_stream,
};

/// Commits in log order; after an error the subscription is over and is to be made anew from the
/// last position seen.
pub type Subscription = BoxStream<'static, Result<Arc<Commit>, LogError>>;

/// Commits in log order, as they pass by; after an error it is over, and is to be made anew from
/// where that says.
pub type Watch = BoxStream<'static, Result<Passing, Broken>>;

/// Why a [`Watch`] ended.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct Broken {
    pub error: LogError,
    /// Everything up to here was given or glanced at, and nothing after it.
    pub reached: Position,
}

/// What an append came to.
#[derive(Debug, Clone)]
pub struct Appended {
    pub commit: Arc<Commit>,
    /// The commit id was in the stream already: nothing was written.
    pub duplicate: bool,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The stream is at another revision. Nothing was written.
    #[error("the stream is at revision {actual}")]
    Conflict { actual: Position },
    /// Nothing was written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The commit may or may not be durable: [`EventLog::find`] tells.
    #[error("the log did not acknowledge the commit: {0}")]
    Unknown(String),
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    #[error("the log cannot be reached: {0}")]
    Unavailable(String),
    /// A stored commit that this build cannot read, or that is not what was written.
    #[error("the commit at position {position} cannot be read: {reason}")]
    Corrupt { position: Position, reason: String },
}

#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// Appends `draft` to its stream, if that is at revision `expected`.
    async fn append(&self, expected: Position, draft: Draft) -> Result<Appended, AppendError>;

    /// The commits of one stream after `after`, in order.
    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Position,
    ) -> Result<Vec<Arc<Commit>>, LogError>;

    /// The commit with this id in this stream.
    async fn find(&self, stream: &StreamId, id: CommitId) -> Result<Option<Arc<Commit>>, LogError>;

    /// At most `limit` commits after `after` that match, in log order.
    async fn read(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Arc<Commit>>, LogError>;

    /// As [`EventLog::read`], but as stored, and also what this build cannot decode: for
    /// verification, which hashes the stored bytes again.
    async fn read_raw(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RawCommit>, LogError>;

    /// The position of the last durable commit, 0 in an empty log.
    async fn head(&self) -> Result<Position, LogError>;

    /// Every commit after `after` that matches: those there are, then those to come.
    fn subscribe(&self, filter: Filter, after: Position) -> Subscription;

    /// As [`EventLog::subscribe`], but nothing is decoded that nobody asks for, and only what
    /// `glance` lets through is given: it looks at each commit that matches once, in order.
    fn watch(&self, filter: Filter, glance: Option<Glance>, after: Position) -> Watch {
        subscribe::watched(self.subscribe(filter, after), glance, after)
    }

    /// Finishes the appends that are under way, ends every subscription, and lets go of what the
    /// log is kept in. Later appends are refused.
    async fn close(&self);
}
