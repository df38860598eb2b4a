//! Every adapter against the contract, and the local one against hostile code.
#![allow(clippy::unwrap_used)]

mod adoption;
mod conformance;
mod egress;
mod figures;
mod files;
mod host;
mod hostile;
mod languages;
mod leftovers;
mod limits;
mod mock;
mod moving;
mod pausing;
mod processes;
mod support;
