//! The read models, over a real log.
#![allow(clippy::unwrap_used)]

mod audit;
mod chain;
mod faults;
mod history;
mod property;
mod queries;
mod rebuild;
mod replay;
mod scoping;
mod stopping;
mod support;
mod usage;
