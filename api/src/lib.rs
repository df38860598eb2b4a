//! The REST API: one file per resource in `routes/`, its wire shapes in `wire/`.
//!
//! ```text
//! connection ─▶ serve ─▶ edge ─────────────────────▶ gate ──────────────▶ handler
//!               HTTP/1   request id, panics, time     key, rate limit,     parse, call,
//!               limits   limit, trace, metrics,       idempotency          convert
//!                        error envelope, proxy
//! ```
//!
//! Architecture invariants:
//! - a handler gets at the write side only through [`authority::Writer`] and at the read models
//!   only through [`authority::Reader`], both of which need an authenticated caller;
//! - [`error::ApiError`] is the only thing that becomes an error answer;
//! - no body, key or secret is logged;
//! - nothing here decides: rules are in `theazo-domain`.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod authority;
mod config;
mod cursor;
mod definitions;
mod edge;
pub mod error;
pub mod extract;
mod gate;
mod idempotency;
mod keys;
mod metrics;
mod openapi;
pub mod page;
mod probes;
pub mod proxy;
mod rate;
mod router;
pub mod routes;
mod serve;
mod shared;
mod state;
mod step_view;
mod stream;
mod submit;
mod task_view;
#[cfg(test)]
#[path = "../../commands/tests/support/postgres.rs"]
mod test_postgres;
pub mod wire;
pub mod write;
mod wrong_field;

pub use config::ApiConfig;
pub use idempotency::{IdempotencyError, IdempotencyStore, PostgresIdempotency, SqliteIdempotency};
pub use metrics::prometheus;
pub use probes::{Ready, serve_probes};
pub use router::{openapi, router};
pub use serve::serve;
pub use shared::Shared;
pub use state::{AppParts, AppState, ProviderHealth, ToolInfo};
