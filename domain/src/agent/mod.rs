//! An agent: one sandbox, what may run in it, and what its compute costs.
//!
//! What is asked for (`*_requested`) and what came of it are separate events: the first is the
//! intent that a worker acts on, also after a crash; the second is its outcome.

mod decide;
mod event;
#[cfg(test)]
mod properties;
mod spec;
mod state;
#[cfg(test)]
mod tests;

pub use decide::AgentCommand;
pub use event::AgentEvent;
pub use spec::{AgentSpec, Approvals, DefinitionRef, Guardrails, TIMEOUT_DEFAULT_S, TIMEOUT_MAX_S};
pub(crate) use spec::{MAX_INSTRUCTIONS, check_names, check_secrets};
pub use state::{Agent, AgentState, Failure, Pending, SnapshotRef};
