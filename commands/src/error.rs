use theazo_domain::Rejection;
use theazo_log::LogError;

use crate::vault::VaultError;

/// What became of a command that was not done. The variant says whether the world changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommandError {
    /// The domain refused. Nothing was changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Others changed the same thing too often meanwhile. Nothing was changed; try again.
    #[error("the same thing is being changed by too many requests at once")]
    Contention,
    /// The log, the vault or the blob store cannot be reached. Nothing was changed; try again.
    #[error("{0}")]
    Unavailable(String),
    /// The log did not say. A retry with the same idempotency key settles it.
    #[error("it is not known whether the command was stored: {0}")]
    Unknown(String),
}

impl From<LogError> for CommandError {
    fn from(error: LogError) -> Self {
        CommandError::Unavailable(error.to_string())
    }
}

impl From<VaultError> for CommandError {
    fn from(error: VaultError) -> Self {
        CommandError::Unavailable(error.to_string())
    }
}
