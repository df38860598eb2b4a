use std::sync::Arc;
use std::time::Duration;

use theazo_projections::{ReadError, ReadModels};
use theazo_providers::{Provider, ProviderError};
use tokio_util::sync::CancellationToken;

use crate::Host;

/// Deletions are heard of as they happen; this is for those that were not.
const PERIOD: Duration = Duration::from_secs(60 * 60);

/// Removes this host's copies of snapshots that were deleted while it was away: now, and then
/// every hour.
pub(crate) async fn run(host: Arc<Host>, reads: ReadModels, stop: CancellationToken) {
    let sweeping = async {
        loop {
            for (kind, provider) in host.providers.iter() {
                if !super::is_needed(&host, provider.as_ref()) {
                    continue;
                }
                if let Err(error) = sweep(provider.as_ref(), &reads).await {
                    tracing::warn!(provider = %kind, %error, "old snapshots cannot be removed");
                }
            }
            tokio::time::sleep(PERIOD).await;
        }
    };
    stop.run_until_cancelled(sweeping).await;
}

#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Reads(#[from] ReadError),
}

/// What is not known to be deleted stays: it may be the only copy.
async fn sweep(provider: &dyn Provider, reads: &ReadModels) -> Result<(), SweepError> {
    for id in provider.list_snapshots().await? {
        if reads.is_deleted_snapshot(id).await? {
            tracing::info!(snapshot = %id, "removing the files of a snapshot that was deleted");
            provider.delete_snapshot(id).await?;
        }
    }
    Ok(())
}
