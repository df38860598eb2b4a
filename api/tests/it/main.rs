//! The API as its callers see it, over a real log, real read models and sandboxes that are not
//! there.
#![allow(clippy::unwrap_used)]

mod sandboxes;
mod support;

mod agents;
mod api_keys;
mod audit;
mod conventions;
mod files;
mod idempotency;
mod lifecycle;
mod openapi;
mod ports;
mod providers;
mod secrets;
mod serving;
mod sessions;
mod settings;
mod tenancy;
