//! Who calls, and what they may get at. A handler names [`Reader`] or [`Writer`] as an argument:
//! there is no other way to the read models and the commands.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use theazo_commands::{Commander, Origin};
use theazo_domain::org::Plan;
use theazo_domain::{ApiKeyId, RequestId, Scope};
use theazo_log::Position;
use theazo_projections::ReadModels;
use theazo_providers::Call;

use crate::AppState;
use crate::error::{ApiError, ErrorCode};

/// Reads that carry it wait until the read models have got that far.
pub const MIN_POSITION: &str = "x-theazo-min-position";
/// How long a read waits for the read models to catch up.
const CATCH_UP: Duration = Duration::from_secs(2);

/// The last position that this process has written in a scope.
#[derive(Debug, Default)]
pub(crate) struct LastWritten(AtomicU64);

impl LastWritten {
    pub fn note(&self, position: Position) {
        self.0.fetch_max(position.0, Ordering::AcqRel);
    }

    pub fn get(&self) -> Position {
        Position(self.0.load(Ordering::Acquire))
    }
}

/// An authenticated caller of one request.
#[derive(Debug, Clone)]
pub struct Caller {
    pub scope: Scope,
    pub key_id: ApiKeyId,
    pub plan: Plan,
    pub request_id: RequestId,
    /// For commands; with a seed when the request has an `Idempotency-Key`.
    pub origin: Origin,
    pub(crate) written: Arc<LastWritten>,
}

impl Caller {
    /// For work in a sandbox.
    pub fn call(&self) -> Call {
        Call { scope: self.scope, actor: self.origin.actor.clone(), request_id: self.request_id }
    }

    /// Waits until `models` have what this scope wrote on this process. Best effort: the caller did
    /// not ask for it.
    pub(crate) async fn catch_up(&self, models: &ReadModels) {
        let own = self.written.get();
        if models.position() < own {
            models.wait_for(own, CATCH_UP).await;
        }
    }

    /// From now on this scope's reads, on this process, see `position`.
    pub fn wrote(&self, position: Position) {
        self.written.note(position);
    }
}

/// The right to read what the caller's scope has, as of the caller's own writes.
pub struct Reader {
    pub caller: Caller,
    pub models: ReadModels,
}

/// The right to change what the caller's scope has.
#[derive(Clone)]
pub struct Writer {
    pub caller: Caller,
    pub commander: Arc<Commander>,
}

impl Reader {
    pub fn scope(&self) -> Scope {
        self.caller.scope
    }
}

impl Writer {
    pub fn scope(&self) -> Scope {
        self.caller.scope
    }

    pub fn origin(&self) -> &Origin {
        &self.caller.origin
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        // The gate puts it there, or does not let the request through.
        parts.extensions.get::<Caller>().cloned().ok_or_else(|| {
            ApiError::internal(&"a handler that needs a caller is mounted outside of /v1")
        })
    }
}

impl FromRequestParts<AppState> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let models = state.reads.clone();
        if let Some(position) = wanted(parts)? {
            catch_up(&models, &state.commander, position).await?;
        }
        // Another client of the same caller may have written since, and have told this one of it.
        caller.catch_up(&models).await;
        Ok(Self { caller, models })
    }
}

impl FromRequestParts<AppState> for Writer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if let Some(position) = wanted(parts)? {
            counts(&state.commander, position).await?;
        }
        Ok(Self { caller, commander: state.commander.clone() })
    }
}

fn wanted(parts: &Parts) -> Result<Option<Position>, ApiError> {
    let Some(value) = parts.headers.get(MIN_POSITION) else { return Ok(None) };
    let position = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    position.map(|position| Some(Position(position))).ok_or_else(|| {
        ApiError::invalid("X-Theazo-Min-Position", "must be the X-Theazo-Position of an answer")
    })
}

async fn catch_up(
    models: &ReadModels,
    commander: &Commander,
    position: Position,
) -> Result<(), ApiError> {
    counts(commander, position).await?;
    if models.wait_for(position, CATCH_UP).await { Ok(()) } else { Err(behind()) }
}

/// Waits until commands here are decided on what was committed up to `position`.
async fn counts(commander: &Commander, position: Position) -> Result<(), ApiError> {
    if commander.fresh_as_of(position, CATCH_UP).await { Ok(()) } else { Err(behind()) }
}

fn behind() -> ApiError {
    let message = "The read models have not got as far as X-Theazo-Min-Position yet; try again.";
    ApiError::new(ErrorCode::Unavailable, message).retry_after(1)
}
