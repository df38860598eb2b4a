//! HTTP as the agent's sandbox does it. The server itself never connects to what a model names: a
//! script inside the sandbox does, under the sandbox's egress rules.
//!
//! On the `mock` provider, which runs no code and has no network, every valid request is answered
//! `200` with the text `mock: <METHOD> <URL>`.

mod fetch;
mod request;

pub use fetch::{SCRIPT, fetch, script};
pub use request::{MAX_BODY, Reply, Request, parse_url};
