//! The whole system from outside: one module per area, each against a server of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it is")]

mod bodies;
mod caps;
mod chaos;
mod cli;
mod contract;
mod conventions;
mod crash;
mod document;
mod embedded;
mod fault_proxy;
mod files;
mod hostile;
mod lifecycle;
mod migrate;
mod model_server;
mod ports;
mod push;
mod rates;
mod records;
mod routes;
mod run_crash;
mod run_crash_stops;
mod run_loop;
mod run_models;
mod run_queue;
mod run_results;
mod run_stops;
mod run_webhooks;
mod sandbox;
mod sdk;
mod shutdown;
mod streams;
mod tenants;
mod world;
