//! The shapes that go over the wire: never domain types, which may change with the log.

pub mod agent;
pub mod agent_log;
pub mod api_key;
pub mod audit;
pub mod billing_export;
pub mod billing_verify;
pub mod common;
pub mod definition;
pub mod delivery;
pub mod error;
pub mod exec;
pub mod export;
pub mod file;
pub mod model;
pub mod port;
pub mod provider;
pub mod secret;
pub mod session;
pub mod settings;
pub mod snapshot;
pub mod step;
pub mod stream;
pub mod submission;
pub mod task;
pub mod tool;
