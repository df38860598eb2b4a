//! The log in one SQLite file: the embedded default.
//!
//! ```text
//!  append ──▶ encode, hash ──▶ queue ──▶ writer ──▶ publisher ──▶ answer
//!  (caller's task, parallel)            one INSERT   recent, hub
//!                                       one fsync
//! ```
//!
//! One writer takes what has queued up, decides each append on the stream heads it keeps in memory,
//! and writes all that won as one statement, which is one transaction and one fsync (group commit).
//! Who lost is answered afterwards too, so that what it conflicts with is durable by then. Readers
//! have connections of their own and never wait for the writer; a third party moves the
//! write-ahead log into the database, so that the writer does not have to.

mod answer;
mod checkpoint;
mod connect;
#[cfg(test)]
mod explain;
mod heads;
mod insert;
mod job;
mod log;
mod options;
mod packed;
mod plan;
mod publish;
mod raw;
mod reader;
mod rows;
mod schema;
mod scopes;
mod selects;
mod writer;

pub use log::SqliteLog;
pub use options::SqliteOptions;
