//! Packed rows of `commits` become commits.

use std::sync::Arc;

use theazo_domain::{CommitId, StreamId};

use super::packed::Columns;
use crate::codec::{Place, decode};
use crate::{Commit, Hash, LogError, Position, RawCommit, Upcasters};

/// What [`commit`] reads, in order.
pub(super) const COMMIT: [&str; 5] = ["position", "previous", "previous_hash", "hash", "body"];

/// What [`raw`] reads, in order.
pub(super) const RAW: [&str; 10] = [
    "position",
    "previous",
    "previous_hash",
    "hash",
    "body",
    "stream",
    "id",
    "org",
    "mode",
    "kind",
];

pub(super) fn commit(
    columns: &Columns<'_, { COMMIT.len() }>,
    upcasters: &Upcasters,
) -> Result<Arc<Commit>, LogError> {
    let place = place(columns)?;
    let body = columns.text(4, place.position)?;
    decode(place, body, upcasters).map(Arc::new)
}

/// The row as it is, when its columns agree with each other.
pub(super) fn raw(columns: &Columns<'_, { RAW.len() }>) -> Result<RawCommit, LogError> {
    let Place { position, previous, previous_hash, hash } = place(columns)?;
    let name = columns.text(5, position)?;
    let stream: StreamId = name.parse().map_err(|e| corrupt(position, e))?;
    let id = uuid::Uuid::from_slice(columns.bytes(6)).map_err(|e| corrupt(position, e))?;
    let text = |column| columns.text(column, position);
    let (org, mode, kind) = (text(7)?, text(8)?, text(9)?);
    let filed = format!("{org}.{mode}.{kind}.{}", stream.key());
    if filed != name {
        return Err(corrupt(position, format!("it is filed under `{filed}`, not `{name}`")));
    }
    Ok(RawCommit {
        position,
        previous,
        stream,
        id: CommitId::from_uuid(id),
        body: text(4)?.to_owned(),
        previous_hash,
        hash,
    })
}

/// The place of the commit in the first four columns.
fn place<const N: usize>(columns: &Columns<'_, N>) -> Result<Place, LogError> {
    let position = columns.position(0)?;
    let hash = |column| {
        let bytes = columns.bytes(column).try_into();
        bytes.map(Hash).map_err(|_| corrupt(position, "a hash is not of 32 bytes"))
    };
    Ok(Place { position, previous: columns.position(1)?, previous_hash: hash(2)?, hash: hash(3)? })
}

pub(super) fn corrupt(position: Position, reason: impl std::fmt::Display) -> LogError {
    LogError::Corrupt { position, reason: reason.to_string() }
}
