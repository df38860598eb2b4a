//! A session: the isolation boundary, the limits and the bill of one of AgentCo's users.
//!
//! The session admits agents: `maxAgents` holds however many creations race, because each is a
//! commit on the session. An admission carries the whole spec of the agent, so that a crash between
//! it and the agent's own first commit loses nothing: a process manager finishes it.

mod decide;
mod event;
mod limits;
#[cfg(test)]
mod properties;
mod state;
#[cfg(test)]
mod tests;

pub use decide::{CreateSession, SessionCommand, SessionPatch};
pub use event::SessionEvent;
pub use limits::{Limits, MaxCost, Period};
pub use state::{Session, SessionStatus};
