//! The API as its callers see it, over a real log, real read models and sandboxes that are not
//! there.
#![allow(clippy::unwrap_used)]

mod sandboxes;
mod support;
mod worker;

mod agents;
mod api_keys;
mod audit;
mod billing_export;
mod conventions;
mod definitions;
mod files;
mod idempotency;
mod lifecycle;
mod models;
mod openapi;
mod ports;
mod providers;
mod runs;
mod secrets;
mod serving;
mod sessions;
mod settings;
mod streams;
mod tasks;
mod tenancy;
mod usage;
