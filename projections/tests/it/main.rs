//! The read models, over a real log.
#![allow(clippy::unwrap_used)]

mod audit;
mod audit_tasks;
mod chain;
mod child;
mod cluster;
mod database;
mod definitions;
mod exports;
mod faults;
mod history;
mod leadership;
mod place;
mod plans;
mod property;
mod queries;
mod rebuild;
mod replay;
mod restart;
mod runs;
mod scoping;
mod stopping;
mod support;
mod takeover;
mod tasks;
mod usage;
mod watched;
