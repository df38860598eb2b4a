//! The log and the message bus on NATS: what makes many processes one.
//!
//! ```text
//!  append ──▶ encode, hash ──▶ publish, expecting the revision ──▶ acknowledged: written
//!             (the head's hash)                                    lost: the same message again
//!  tail   ◀── one consumer per process ──▶ recent commits, heads, hub ──▶ subscriptions
//! ```
//!
//! One commit is one message on the subject of its stream, and its position is the message's
//! sequence, so a revision is what JetStream calls the last sequence of a subject. The server
//! decides every append; what a process knows of streams only spares it questions.

mod append;
mod bus;
mod connect;
mod definition;
mod direct;
mod durability;
mod heads;
mod import;
mod link;
mod log;
mod message;
mod options;
mod publish;
mod reader;
mod scan;
mod subjects;
mod tail;
mod under_way;
mod version;

pub use bus::NatsBus;
pub use connect::{Nats, NatsError, NatsOptions};
pub use durability::Durability;
pub use import::{Import, ImportError};
pub use log::JetStreamLog;
pub use options::JetStreamOptions;
