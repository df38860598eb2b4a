//! The read models, over a real log.
#![allow(clippy::unwrap_used)]

mod audit;
mod audit_tasks;
mod chain;
mod definitions;
mod faults;
mod history;
mod property;
mod queries;
mod rebuild;
mod replay;
mod runs;
mod scoping;
mod stopping;
mod support;
mod tasks;
mod usage;
