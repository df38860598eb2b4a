use std::time::Duration;

use theazo_commands::{BlobError, CommandError, VaultError};
use theazo_domain::SnapshotId;
use theazo_domain::agent::Failure;
use theazo_providers::ProviderError;

/// Why a snapshot did not get to the shelf, or from there. Messages are fit for AgentCo: what the
/// stores say is in the trace.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShelfError {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error("the snapshot {0} is neither on this worker host nor in the blob store")]
    Missing(SnapshotId),
    #[error("the blob store did not {0} the snapshot; try again")]
    Store(&'static str),
    #[error("{0}")]
    BrokeOff(String),
    #[error("the data of the snapshot's session has been erased")]
    Erased,
    #[error("it was changed or cut short in the blob store")]
    Forged,
    #[error("the snapshot's key cannot be read now; try again")]
    Vault,
    #[error("the snapshot cannot be looked up now; try again")]
    Log,
    #[error("nothing of the snapshot moved for {} s; try again", .0.as_secs())]
    Stalled(Duration),
    #[error("the snapshot was not moved within {} min", .0.as_secs() / 60)]
    Slow(Duration),
    /// Nobody wants it any more, or this host stops.
    #[error("it is not wanted any more")]
    GivenUp,
}

impl ShelfError {
    /// `doing`: `take` or `give`.
    pub fn of_store(id: SnapshotId, doing: &'static str, error: BlobError) -> Self {
        match error {
            BlobError::Missing(_) => Self::Missing(id),
            BlobError::BrokeOff(why) => Self::BrokeOff(why),
            error => {
                tracing::error!(snapshot = %id, %error, "the blob store failed to {doing} it");
                Self::Store(doing)
            }
        }
    }

    pub fn failure(&self) -> Failure {
        let code = match self {
            Self::Stalled(_) | Self::Slow(_) => "timeout",
            _ => "provider_error",
        };
        Failure { code: code.to_owned(), message: self.to_string() }
    }
}

impl From<VaultError> for ShelfError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Erased => Self::Erased,
            VaultError::Forged => Self::Forged,
            error => {
                tracing::error!(%error, "the key of a snapshot cannot be read");
                Self::Vault
            }
        }
    }
}

impl From<CommandError> for ShelfError {
    fn from(error: CommandError) -> Self {
        tracing::error!(%error, "a snapshot cannot be looked up");
        Self::Log
    }
}

/// As the provider that imports it hears of it.
impl From<ShelfError> for ProviderError {
    fn from(error: ShelfError) -> Self {
        match error {
            ShelfError::Provider(error) => error,
            ShelfError::Forged | ShelfError::Erased => {
                ProviderError::BadSnapshot(error.to_string())
            }
            other => ProviderError::Failed { message: other.to_string(), retryable: true },
        }
    }
}
