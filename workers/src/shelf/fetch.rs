use futures::{StreamExt, TryStreamExt};
use theazo_commands::Owner;
use theazo_domain::snapshot::Snapshot;
use theazo_domain::{Scope, SnapshotId, StreamId};
use theazo_providers::{Limits, Provider, ProviderError};

use super::progress::Progress;
use super::{ShelfError, blob, purpose};
use crate::Host;

/// Gets a snapshot from the shelf, unless this host has it. Nothing of it is here after an error,
/// or when the future is dropped.
pub(crate) async fn fetch(
    host: &Host,
    provider: &dyn Provider,
    scope: Scope,
    id: SnapshotId,
) -> Result<(), ShelfError> {
    if provider.has_snapshot(id).await? {
        return Ok(());
    }
    let stream = StreamId::snapshot(scope, id);
    let snapshot = host.commander.load_fresh::<Snapshot>(&stream).await?.state;
    let snapshot = snapshot.filter(|snapshot| snapshot.deleted_at.is_none());
    let owner = Owner::Session(snapshot.ok_or(ProviderError::NoSnapshot)?.session_id);
    let _turn = host.moving.acquire().await.map_err(|_| ShelfError::GivenUp)?;
    let progress = Progress::default();
    let moving = async {
        let of_store = move |error| ShelfError::of_store(id, "give", error);
        let sealed = host.commander.blobs.get_stream(&blob(scope, id)).await.map_err(of_store)?;
        let sealed = progress.count(sealed.map_err(of_store));
        let vault = &host.commander.vault;
        let data = vault.unseal_stream(scope, owner, &purpose(id), sealed).await?;
        let data = data.map_err(ProviderError::from).boxed();
        Ok(provider.import_snapshot(id, data, Limits::default().disk_bytes).await?)
    };
    match progress.watch(id, moving).await {
        // Whether its head or what comes after it: the caller hears the same.
        Err(error @ (ShelfError::Forged | ShelfError::Erased)) => {
            Err(ProviderError::from(error).into())
        }
        moved => {
            moved?;
            tracing::info!(snapshot = %id, "a snapshot was fetched from the blob store");
            Ok(())
        }
    }
}
