//! A session: the isolation boundary, the limits and the bill of one of AgentCo's users.
//!
//! The session admits agents: `maxAgents` holds however many creations race, because each is a
//! commit on the session. An admission carries the whole spec of the agent, so that a crash between
//! it and the agent's own first commit loses nothing: a process manager finishes it.
//!
//! It holds the budget too: what may spend reserves here first, see [`Budget`].

mod budget;
mod decide;
mod event;
mod limits;
mod notices;
#[cfg(test)]
mod properties;
mod reserve;
#[cfg(test)]
mod spending;
mod state;
#[cfg(test)]
mod tests;

pub use budget::{Account, Budget, LimitKind, Notice, RunNumber, Side, Spender, Told};
pub use decide::{CreateSession, SessionCommand, SessionPatch};
pub use event::SessionEvent;
pub use limits::{Limits, MaxCost, Period};
pub use reserve::{Need, Reserve, Room, Spent};
pub use state::{Session, SessionStatus};
