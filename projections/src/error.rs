use theazo_log::{LogError, Position};

/// Why a read model did not answer. Nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// The database cannot be read, or this read model has stopped or holds what this build cannot
    /// read.
    #[error("the read model is not available: {0}")]
    Unavailable(String),
}

impl From<sqlx::Error> for ReadError {
    fn from(error: sqlx::Error) -> Self {
        ReadError::Unavailable(error.to_string())
    }
}

/// Why the read models cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the read models at {path} cannot be opened")]
    Database { path: String, source: sqlx::Error },
    /// Its address has a password, and is not shown.
    #[error("the read models' Postgres database cannot be used")]
    Postgres { source: sqlx::Error },
    #[error(
        "the address of the read models' Postgres database is not one: \
         it is like postgres://user:password@host:5432/database"
    )]
    Address { source: sqlx::Error },
}

impl OpenError {
    pub(crate) fn address(source: sqlx::Error) -> Self {
        OpenError::Address { source }
    }
}

/// Why a projection did not go on. Nothing of the batch was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProjectionError {
    /// This commit cannot be folded into this read model; it stops there, and is never skipped.
    #[error("`{model}` cannot fold the commit at position {position}: {reason}")]
    Fold { model: &'static str, position: Position, reason: String },
    /// The read models cannot be read or written at the moment.
    #[error("the read models cannot be written: {0}")]
    Database(String),
    #[error(transparent)]
    Log(#[from] LogError),
    /// Someone else moved the checkpoint (a rebuild was swapped in): start again from it.
    #[error("the checkpoint was moved by another; starting again from it")]
    Moved,
    /// No read model has this name.
    #[error("there is no projection `{0}`")]
    UnknownName(String),
}

impl From<sqlx::Error> for ProjectionError {
    fn from(error: sqlx::Error) -> Self {
        ProjectionError::Database(error.to_string())
    }
}
