use std::pin::pin;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use theazo_commands::Owner;
use theazo_commands::vault::ByteStream;
use theazo_domain::{Scope, SessionId, SnapshotId};
use theazo_providers::Provider;
use tokio_util::sync::CancellationToken;

use super::progress::Progress;
use super::{ShelfError, blob, purpose};
use crate::Host;

/// How long an upload that is not wanted any more may take to remove what it has sent.
const LEAVE: Duration = Duration::from_secs(10);

/// Puts a snapshot that this host has on the shelf; when this returns without an error it is there
/// whole. Ends early when `given_up` does.
pub(crate) async fn keep(
    host: &Host,
    provider: &dyn Provider,
    (scope, session): (Scope, SessionId),
    id: SnapshotId,
    given_up: impl Future<Output = ()>,
) -> Result<(), ShelfError> {
    let mut given_up = pin!(given_up);
    let _turn = tokio::select! {
        turn = host.moving.acquire() => turn.map_err(|_| ShelfError::GivenUp)?,
        () = given_up.as_mut() => return Err(ShelfError::GivenUp),
    };
    let progress = Progress::default();
    let stop = CancellationToken::new();
    let upload = async {
        let data = provider.export_snapshot(id).await?.map_err(ShelfError::from);
        let owner = Owner::Session(session);
        let vault = &host.commander.vault;
        let sealed = vault.seal_stream(scope, owner, &purpose(id), data).await?;
        let sealed = until(stop.clone(), progress.count(sealed));
        let stored = host.commander.blobs.put_stream(&blob(scope, id), sealed).await;
        stored.map_err(|error| ShelfError::of_store(id, "take", error))
    };
    let mut upload = pin!(progress.watch(id, upload));
    let size = tokio::select! {
        stored = upload.as_mut() => stored?,
        () = given_up.as_mut() => {
            stop.cancel();
            if tokio::time::timeout(LEAVE, upload).await.is_err() {
                tracing::warn!(snapshot = %id, "an upload that nobody wants did not end in time");
            }
            return Err(ShelfError::GivenUp);
        }
    };
    tracing::info!(snapshot = %id, bytes = size, "a snapshot is in the blob store");
    Ok(())
}

/// `data`, broken off when it is not wanted any more: then nothing is stored.
fn until(stop: CancellationToken, data: ByteStream<ShelfError>) -> ByteStream<ShelfError> {
    let next = |(stop, mut data): (CancellationToken, ByteStream<ShelfError>)| async move {
        let piece = match stop.run_until_cancelled(data.next()).await {
            Some(piece) => piece?,
            None => Err(ShelfError::GivenUp),
        };
        Some((piece, (stop, data)))
    };
    stream::unfold((stop, data), next).boxed()
}
