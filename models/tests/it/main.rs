//! Calls over real sockets, against a server that does what the test says.

#![allow(clippy::unwrap_used)]

mod calls;
mod failures;
mod routes;
mod server;
