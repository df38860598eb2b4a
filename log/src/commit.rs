use std::fmt;

use serde::{Deserialize, Serialize};
use theazo_domain::{Actor, CommitId, Event, RequestId, StreamId, Timestamp};

use crate::Hash;

/// The version of a commit's own shape (not of its events').
pub const SCHEMA: u16 = 1;

/// A commit's place in the log; 0 is before the first.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    std::hash::Hash,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    pub const START: Position = Position(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A commit that has no place yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Derived from the caller's idempotency key where there is one: the log takes it once.
    pub id: CommitId,
    pub stream: StreamId,
    pub time: Timestamp,
    pub actor: Actor,
    pub request_id: Option<RequestId>,
    /// The commit that this one reacts to.
    pub causation: Option<CommitId>,
    /// The first commit of the chain of reactions.
    pub correlation: Option<CommitId>,
    pub events: Vec<Event>,
}

/// The events of one decision, in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    pub id: CommitId,
    pub stream: StreamId,
    pub position: Position,
    /// The stream's revision before this commit.
    pub previous: Position,
    pub time: Timestamp,
    pub actor: Actor,
    pub request_id: Option<RequestId>,
    pub causation: Option<CommitId>,
    pub correlation: Option<CommitId>,
    pub events: Vec<Event>,
    /// Of the stream's previous commit; zero for the first.
    pub previous_hash: Hash,
    /// Of this commit's content and `previous_hash`.
    pub hash: Hash,
}
