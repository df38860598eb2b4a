//! The public side of exposed ports: HTTP and its upgrades, into the sandbox.
//!
//! Neither form of address asks for a key. The agent's id is the capability (122 bits that nobody
//! outside chose), and only what the agent has exposed answers. What runs there is not trusted: it
//! sees no key of this API, sets no cookie beyond its own origin, and by path, where it shares the
//! API's origin, its pages get an opaque one.

mod address;
mod connections;
mod forward;
mod headers;
mod idle;
mod tunnel;

pub use address::{PortAddress, PublicUrl, PublicUrlError};
pub use forward::PortProxy;
