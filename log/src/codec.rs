//! A commit's stored form, the only encode and decode of it:
//!
//! ```json
//! { "id", "org", "mode", "stream", "time", "actor", "requestId"?, "causation"?, "correlation"?,
//!   "schema", "events": [ { "type", "data" } ] }
//! ```
//!
//! These bytes are what is hashed, so they are stored as they were made and never made again.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use theazo_domain::{Actor, CommitId, Event, Mode, OrgId, RequestId, Scope, StreamId, Timestamp};

use crate::{Commit, Draft, Hash, LogError, Position, SCHEMA, Upcasters};

/// A commit as it is stored: what [`verify`](crate::verify) hashes again, and what survives an
/// event that this build cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawCommit {
    pub position: Position,
    /// The stream's revision before this commit.
    pub previous: Position,
    pub stream: StreamId,
    pub id: CommitId,
    /// The JSON text.
    pub body: String,
    pub previous_hash: Hash,
    pub hash: Hash,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    id: CommitId,
    org: OrgId,
    mode: Mode,
    stream: &'a StreamId,
    time: Timestamp,
    actor: &'a Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<RequestId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation: Option<CommitId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<CommitId>,
    schema: u16,
    events: &'a [Event],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored<'a> {
    id: CommitId,
    stream: StreamId,
    time: Timestamp,
    actor: Actor,
    #[serde(default)]
    request_id: Option<RequestId>,
    #[serde(default)]
    causation: Option<CommitId>,
    #[serde(default)]
    correlation: Option<CommitId>,
    schema: u16,
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

/// The stored body of `draft`.
///
/// # Errors
/// When an event cannot be written as JSON (a time out of range, a map with a key that is no text).
pub fn encode(draft: &Draft) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Written {
        id: draft.id,
        org: draft.stream.scope.org,
        mode: draft.stream.scope.mode,
        stream: &draft.stream,
        time: draft.time,
        actor: &draft.actor,
        request_id: draft.request_id,
        causation: draft.causation,
        correlation: draft.correlation,
        schema: SCHEMA,
        events: &draft.events,
    })
}

/// Where a stored commit is, and its links.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub position: Position,
    pub previous: Position,
    pub previous_hash: Hash,
    pub hash: Hash,
}

/// The commit in `body`.
///
/// # Errors
/// [`LogError::Corrupt`] when this build cannot read it: it fails closed.
pub fn decode(place: Place, body: &str, upcasters: &Upcasters) -> Result<Commit, LogError> {
    let corrupt = |reason: String| LogError::Corrupt { position: place.position, reason };
    let stored: Stored = serde_json::from_str(body).map_err(|e| corrupt(e.to_string()))?;
    if stored.schema != SCHEMA {
        return Err(corrupt(format!(
            "its schema is {}, and this version reads {SCHEMA}; start a newer one",
            stored.schema
        )));
    }
    let events = stored
        .events
        .iter()
        .map(|event| upcasters.decode(event).map_err(|e| corrupt(e.to_string())))
        .collect::<Result<_, _>>()?;
    Ok(Commit {
        id: stored.id,
        stream: stored.stream,
        position: place.position,
        previous: place.previous,
        time: stored.time,
        actor: stored.actor,
        request_id: stored.request_id,
        causation: stored.causation,
        correlation: stored.correlation,
        events,
        previous_hash: place.previous_hash,
        hash: place.hash,
    })
}

#[derive(Deserialize)]
struct Envelope {
    id: CommitId,
    org: OrgId,
    mode: Mode,
    stream: StreamId,
}

impl RawCommit {
    /// What the body says of itself: its id and its stream, when its org and mode agree with that.
    pub(crate) fn envelope(&self) -> Option<(CommitId, StreamId)> {
        let Envelope { id, org, mode, stream } = serde_json::from_str(&self.body).ok()?;
        (stream.scope == Scope { org, mode }).then_some((id, stream))
    }

    /// The commit in it, with `upcasters` for what is old.
    pub fn decode(&self, upcasters: &Upcasters) -> Result<Commit, LogError> {
        let place = Place {
            position: self.position,
            previous: self.previous,
            previous_hash: self.previous_hash,
            hash: self.hash,
        };
        decode(place, &self.body, upcasters)
    }
}
