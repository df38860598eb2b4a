//! One file per resource: its routes, and handlers that parse, call and convert.

mod agent_lifecycle;
mod agent_logs;
pub mod agents;
pub mod api_keys;
pub mod audit;
pub mod billing_export;
pub mod billing_verify;
pub mod definitions;
pub mod docs;
mod exec;
pub mod exports;
pub mod files;
pub mod models;
pub mod ports;
pub mod providers;
pub mod runs;
pub mod secrets;
pub mod service;
pub mod sessions;
pub mod settings;
pub mod snapshots;
pub mod streams;
mod task_files;
mod task_steps;
pub mod tasks;
pub mod tools;
