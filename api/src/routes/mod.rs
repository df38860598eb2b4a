//! One file per resource: its routes, and handlers that parse, call and convert.

mod agent_lifecycle;
mod agent_logs;
pub mod agents;
pub mod api_keys;
pub mod audit;
pub mod docs;
mod exec;
pub mod files;
pub mod ports;
pub mod providers;
pub mod secrets;
pub mod service;
pub mod sessions;
pub mod settings;
pub mod snapshots;
