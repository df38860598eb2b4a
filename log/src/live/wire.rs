//! Live text as it crosses the bus.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use theazo_domain::StreamId;

use super::{Piece, Voice};
use crate::Position;

/// Bytes of text in one message: as JSON it has six times as many at most.
pub(super) const TEXT_MAX: usize = 64 << 10;

/// What is told on a stream's subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Told {
    /// The call at `at` says `text`, after `offset` bytes.
    Piece {
        at: Position,
        offset: usize,
        voice: Voice,
        text: String,
    },
    Ended {
        ended: Position,
    },
}

/// Asks who speaks for what was said after the first `offset` bytes of the call at `at`; of another
/// call for all.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Question {
    pub at: Position,
    pub offset: usize,
}

/// What follows `offset`, or the first part of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SoFar {
    pub at: Position,
    pub offset: usize,
    pub pieces: Vec<Piece>,
    /// Bytes said in all.
    pub said: usize,
}

/// Where a stream's live text is told.
pub(super) fn subject(stream: &StreamId) -> String {
    format!("live.{stream}")
}

/// Where the process that speaks on a stream is asked.
pub(super) fn so_far(stream: &StreamId) -> String {
    format!("live-so-far.{stream}")
}

pub(super) fn encode(message: &impl Serialize) -> serde_json::Result<Bytes> {
    serde_json::to_vec(message).map(Bytes::from)
}
