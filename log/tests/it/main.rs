//! The SQLite log: the suite that every log passes, and what only a file can suffer.

#![allow(clippy::unwrap_used, reason = "a test panics when it fails")]

mod checkpoints;
mod closing;
mod conforms;
mod crash;
mod full_disk;
mod support;
mod tampering;
mod trouble;
mod unreadable;
mod upcasting;
