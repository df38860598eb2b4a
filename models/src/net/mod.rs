//! HTTP to the outside, and the guard that keeps calls on somebody else's behalf out of our
//! network.

mod client;
mod guard;

pub use client::{Client, NetError, Response};
pub use guard::{Guard, check_url, guarded_client};
