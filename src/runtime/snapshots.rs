//! Aggregates start from the read models' rows: a row is a state and its revision. Only streams
//! that grow long are worth it.

use async_trait::async_trait;
use theazo_commands::Snapshots;
use theazo_domain::agent::Agent;
use theazo_domain::session::Session;
use theazo_domain::{Aggregate, Kind, StreamId};
use theazo_log::Position;
use theazo_projections::ReadModels;

pub(super) struct RowSnapshots(pub ReadModels);

#[async_trait]
impl Snapshots for RowSnapshots {
    async fn latest(&self, stream: &StreamId) -> Option<(String, Position)> {
        match stream.kind {
            Kind::Session => self.json::<Session>(stream).await,
            Kind::Agent => self.json::<Agent>(stream).await,
            _ => None,
        }
    }
}

impl RowSnapshots {
    async fn json<A: Aggregate>(&self, stream: &StreamId) -> Option<(String, Position)> {
        // A read model that cannot be read costs time, not truth: the log has the whole stream.
        let (state, revision) = self.0.snapshot_of::<A>(stream).await.ok().flatten()?;
        Some((serde_json::to_string(&state).ok()?, revision))
    }
}
