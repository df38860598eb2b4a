//! The harness of the whole-system tests: the real binary, started, driven from outside through
//! HTTP and its command line, killed, started again, and looked at for what it leaves behind.
//!
//! - [`Server`] is one server over one data folder. Dropping it stops it with SIGTERM and fails the
//!   test when it does not end well or leaves a process, a mount or a cgroup.
//! - [`Cluster`] is two processes of each role over stores of its own, which can be killed, frozen,
//!   cut off and stopped one by one.
//! - [`Client`] speaks the API. Every answer is held against the conventions of all routes: a
//!   request id, and the error envelope.
//! - [`eventually`] waits for a state, with a deadline and the last thing it saw; nothing sleeps.
//! - [`Task`] is a run: submitted, waited for, its steps, its files.
//! - [`model_server`] stands in for the model vendors, and checks the manners of who calls it.
//! - [`stripe`] stands in for Stripe, and keeps to its rules.
//! - [`fault_proxy`] breaks what passes between a client and the server.
//! - [`Chance`] is where random choices come from: a seed that is printed and can be given again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it is")]
#![allow(clippy::expect_used, clippy::missing_panics_doc, reason = "as above")]

mod answer;
mod chance;
mod client;
mod cluster;
pub mod fault_proxy;
mod leftovers;
pub mod model_server;
mod resources;
mod runs;
mod server;
pub mod stripe;
mod wait;

pub use answer::Answer;
pub use chance::Chance;
pub use client::{Call, Client};
pub use cluster::{APIS, CORES, Cluster, WORKERS, Way};
pub use leftovers::Leftovers;
pub use resources::random_key;
pub use runs::{ANTHROPIC_KEY, OPENAI_KEY, Runs, Task, process_is};
pub use server::{Process, Server, Setup, Stores, UsageRecord, on_cluster, theazo};
pub use wait::eventually;

pub use reqwest::Method;
pub use serde_json::{Value, json};
