//! The log and the bus on real NATS servers: the suites that every log and bus pass, and what only
//! a server and the way to it can suffer.

#![allow(clippy::unwrap_used, reason = "a test panics when it fails")]

mod bus;
mod closing;
mod conforms;
mod defined;
mod import;
mod proxy;
mod racing;
mod server;
mod support;
mod trouble;
