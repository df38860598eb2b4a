//! `Idempotency-Key`: the same key and request get the first answer again, byte for byte.
//!
//! This is the cache of *answers*. That a command is not applied twice does not hang on it: the ids
//! of what a request creates are derived from its key, so a repeat whose answer was lost in a crash
//! finds its own commit in the log.

mod answer;
mod in_flight;
mod postgres;
mod sqlite;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::response::Response;
use sha2::{Digest, Sha256};
use sqlx::{ColumnIndex, Decode, Row, Type};
use theazo_commands::{Owner, Vault, now};
use theazo_domain::{Scope, Sealed, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::error::ApiError;
use answer::Answer;
use in_flight::{InFlight, Place};

pub use postgres::PostgresIdempotency;
pub use sqlite::SqliteIdempotency;

/// Milliseconds that an answer is kept.
const KEPT: i64 = 24 * 60 * 60 * 1_000;
const SWEEP: Duration = Duration::from_secs(10 * 60);

/// A hash: of a scope and a key, or of a request.
pub type Fingerprint = [u8; 32];

/// An answer as a store keeps it: sealed, because answers hold what users' code printed, and keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// Of the request that it answers.
    pub request: Fingerprint,
    pub sealed: Sealed,
    pub expires: Timestamp,
}

impl StoredAnswer {
    /// From a row of either store.
    fn read<R: Row>(row: &R) -> Result<Self, IdempotencyError>
    where
        for<'r> &'r str: ColumnIndex<R>,
        for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    {
        let request = row.try_get::<Vec<u8>, _>("request")?;
        let request = request
            .try_into()
            .map_err(|_| IdempotencyError::Unavailable("a stored hash is too short".to_owned()))?;
        let sealed = Sealed { key: row.try_get("sealed_key")?, data: row.try_get("sealed_data")? };
        let expires = Timestamp::from_millis(row.try_get("expires")?);
        Ok(Self { request, sealed, expires })
    }
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum IdempotencyError {
    #[error("the store of idempotent answers cannot be reached: {0}")]
    Unavailable(String),
}

impl From<sqlx::Error> for IdempotencyError {
    fn from(error: sqlx::Error) -> Self {
        IdempotencyError::Unavailable(error.to_string())
    }
}

/// Where answers are kept.
#[async_trait]
pub trait IdempotencyStore: Send + Sync + 'static {
    /// The answer under `key`, unless it has expired at `now`.
    async fn get(
        &self,
        key: Fingerprint,
        now: Timestamp,
    ) -> Result<Option<StoredAnswer>, IdempotencyError>;

    /// Keeps an answer; it survives the process when this returns.
    async fn put(&self, key: Fingerprint, answer: StoredAnswer) -> Result<(), IdempotencyError>;

    /// Removes what has expired; answers how many.
    async fn sweep(&self, now: Timestamp) -> Result<u64, IdempotencyError>;
}

/// One request that has a key.
#[derive(Debug, Clone)]
pub(crate) struct Keyed {
    scope: Scope,
    key: Fingerprint,
    request: Fingerprint,
}

impl Keyed {
    pub fn new(scope: Scope, key: &str, method: &str, target: &str, body: &[u8]) -> Self {
        let org = scope.org.to_string();
        let mode = scope.mode.as_str().as_bytes();
        Self {
            scope,
            key: hash(&[org.as_bytes(), mode, key.as_bytes()]),
            request: hash(&[method.as_bytes(), target.as_bytes(), body]),
        }
    }

    /// Names the request within its key: ids are derived from it too, so that a key which is used
    /// for something else, long after, does not find what it made the first time.
    pub fn request_name(&self) -> String {
        hex::encode(self.request)
    }

    /// What the answer is sealed for.
    fn purpose(&self) -> String {
        format!("idempotent answer {}", hex::encode(self.key))
    }
}

/// What to do about a request that has a key.
pub(crate) enum Begun {
    /// It was answered before.
    Again(Response),
    /// It is the first; others with its key wait until this is dropped.
    First(Place),
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Idempotency {
    store: Arc<dyn IdempotencyStore>,
    vault: Vault,
    in_flight: InFlight,
}

impl Idempotency {
    pub fn new(store: Arc<dyn IdempotencyStore>, vault: Vault) -> Self {
        Self { store, vault, in_flight: InFlight::default() }
    }

    /// `patience`: how long a repeat waits for the first request with its key.
    ///
    /// # Errors
    /// 409 when the key was used for another request, or its first request takes longer; 503 when
    /// the store cannot be read.
    pub async fn begin(&self, keyed: &Keyed, patience: Duration) -> Result<Begun, ApiError> {
        let entering = self.in_flight.enter(keyed.key);
        let Ok(place) = tokio::time::timeout(patience, entering).await else {
            return Err(ApiError::conflict(
                "A request with this Idempotency-Key is still being processed; repeat it later.",
            )
            .retry_after(1));
        };
        let Some(stored) = self.store.get(keyed.key, now()).await? else {
            return Ok(Begun::First(place));
        };
        if stored.request != keyed.request {
            return Err(ApiError::conflict(
                "This Idempotency-Key was used for another request; use a new one.",
            ));
        }
        let plain = self.vault.unseal(keyed.scope, &keyed.purpose(), &stored.sealed).await?;
        let answer = Answer::decode(&plain)
            .ok_or_else(|| ApiError::internal(&"a stored answer cannot be read"))?;
        Ok(Begun::Again(answer.again()))
    }

    /// Keeps the answer of a first request, and gives it on. One that is not kept (5xx, 429, 401)
    /// leaves the key free.
    pub async fn finish(&self, keyed: &Keyed, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let body = match axum::body::to_bytes(body, usize::MAX).await {
            Ok(body) => body,
            Err(error) => {
                return axum::response::IntoResponse::into_response(ApiError::internal(&error));
            }
        };
        if Answer::is_kept(parts.status)
            && let Err(error) = self.keep(keyed, &Answer::of(&parts, body.clone())).await
        {
            // The request was done: it is answered. A repeat is told from the log.
            tracing::error!(%error, "an idempotent answer could not be kept");
        }
        Response::from_parts(parts, body.into())
    }

    async fn keep(&self, keyed: &Keyed, answer: &Answer) -> Result<(), String> {
        let plain = answer.encode();
        let sealed = self.vault.seal(keyed.scope, Owner::Org, &keyed.purpose(), &plain).await;
        let sealed = sealed.map_err(|e| e.to_string())?;
        let expires = Timestamp::from_millis(now().as_millis() + KEPT);
        let stored = StoredAnswer { request: keyed.request, sealed, expires };
        self.store.put(keyed.key, stored).await.map_err(|e| e.to_string())
    }

    /// Removes what has expired, until `stop`.
    pub async fn sweep(self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(SWEEP);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            match self.store.sweep(now()).await {
                Ok(removed) => tracing::debug!(removed, "swept idempotent answers"),
                Err(error) => tracing::warn!(%error, "idempotent answers could not be swept"),
            }
        }
    }
}

impl From<IdempotencyError> for ApiError {
    fn from(error: IdempotencyError) -> Self {
        ApiError::unavailable(&error)
    }
}

fn hash(parts: &[&[u8]]) -> Fingerprint {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
