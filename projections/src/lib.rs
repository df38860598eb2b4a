//! Read models: what the log says, as rows that can be listed, filtered and found.
//!
//! A *projector* reads commits in batches, folds them, and writes the rows and its checkpoint in
//! one transaction: a crash repeats nothing and skips nothing, and the whole database can be
//! deleted and is made again from the log. Each read model has a checkpoint of its own; those that
//! stand at the same position share one pass over the log.
//!
//! Architecture invariants:
//! - this crate never appends to the log;
//! - every query takes a [`Scope`](theazo_domain::Scope) and has it in its SQL, except those that
//!   say why they are for the platform itself;
//! - a commit that cannot be folded stops its read model and is never skipped;
//! - only `dialect/` knows which database it is: SQLite or Postgres;
//! - what writes is fenced by the checkpoints and the epoch in the database, never by who leads.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bulk;
mod cells;
mod dialect;
mod error;
mod follow;
mod hot;
mod leadership;
mod model;
mod open;
mod page;
mod projection;
mod projector;
mod query;
mod reads;
mod standing;
mod status;
mod table;
mod tables;
mod tenants;
mod tidy;

#[cfg(test)]
#[path = "../tests/it/database.rs"]
mod database;

mod agents;
mod api_keys;
pub mod audit;
mod definitions;
mod deliveries;
mod executions;
mod exports;
mod file_operations;
pub mod org_chain;
mod orgs;
mod secrets;
mod sessions;
mod singletons;
mod snapshots;
mod tasks;

pub use agents::AgentFilter;
pub use api_keys::KeyRecord;
pub use audit::{AuditEvent, AuditFilter};
pub use error::{OpenError, ProjectionError, ReadError};
pub use executions::ExecutionFilter;
pub use exports::{LedgerEntry, LedgerFilter, LedgerStatus, LedgerTotal};
pub use leadership::Leadership;
pub use model::Model;
pub use open::Options;
pub use org_chain::{ChainCheckpoint, ChainKey};
pub use page::{Page, Row};
pub use projector::{Projector, Rebuilt, rebuild};
pub use query::Scoped;
pub use reads::ReadModels;
pub use secrets::SecretEntry;
pub use sessions::{OpenSpan, SessionFilter, SessionUsage, SessionView};
pub use status::{Lag, ProjectionStatus};
pub use tasks::TaskFilter;
