//! Sandboxes of other hosts, over the message bus.
//!
//! Each call is a tunnel to the agent's host ([`tunnel`]), which does it as if it had been asked
//! there: intent and outcome are written by the host, whatever becomes of the caller. So a call
//! whose answer was lost is done or not, and the same call again tells.

mod error;
mod gateway;
mod hosts;
mod serve;
mod tunnel;
mod wire;

pub use gateway::RemoteGateway;
pub use hosts::{HostOf, Place, host_by_log};
pub use serve::serve;

/// Where a host answers.
fn subject(host: &str) -> String {
    format!("host.{host}.gateway")
}
