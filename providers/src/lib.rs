//! Where agents run: the compute contract and its adapters.
//!
//! [`Provider`] is the contract; each adapter is a folder or file of its own and knows nothing of
//! the log, of commands or of the API. [`SandboxGateway`] is what the API sees of whichever process
//! holds an agent's sandbox. [`conformance`] is the suite that every adapter passes.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod archive;
pub mod conformance;
mod contract;
mod gateway;
pub mod local;
pub mod mock;
mod paths;

pub use contract::{
    Capabilities, Duplex, Egress, ExecOutput, ExecRequest, FileEntry, Health, Labels, Lang, Limits,
    Provider, ProviderError, Result, Sandbox, SandboxId, SandboxSpec, SnapshotData, TreeEntry,
};
pub use gateway::{Call, ExecAnswer, GatewayError, SandboxGateway};
pub use mock::MockProvider;
