//! The workers on a real log, with a provider whose every answer the test decides.

#![allow(clippy::unwrap_used)]

mod cluster;
mod exec;
mod exports;
mod hosts;
mod lifecycle;
mod provider;
mod recovery;
mod remote;
mod shelf;
mod tools;
mod world;
