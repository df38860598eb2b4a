//! The worker hosts of a deployment and the scheduler that gives them work, as they talk to each
//! other over the bus.
//!
//! ```text
//! host ──beat──────▶ scheduler     once a second, and when it is called: who it is, what it runs
//! scheduler ─assign▶ host          this task is yours to claim
//! host ──back──────▶ scheduler     the claim is over: the slot is free
//! ```
//!
//! None of it is the truth. A task is claimed by a commit, and what a message did not say a beat
//! or the log says soon after: an assignment that was lost is missing in the beats that follow, and
//! is made again.

mod health;
mod roster;
mod wire;

pub(crate) use health::answer as answer_health;
pub use health::ask_health;
pub(crate) use roster::Roster;
pub use wire::is_host_name;
pub(crate) use wire::{Assignment, BEAT, Back, Beat, CALL, assignments, back_to, receive, send};
