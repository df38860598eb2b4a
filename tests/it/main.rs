//! The whole system from outside: one module per area, each against a server of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it is")]

mod bodies;
mod cli;
mod contract;
mod conventions;
mod crash;
mod document;
mod files;
mod hostile;
mod lifecycle;
mod ports;
mod rates;
mod records;
mod routes;
mod sandbox;
mod shutdown;
mod tenants;
mod world;
