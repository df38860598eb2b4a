//! The shelf: the snapshots of paused agents in the blob store, where every host finds them.
//!
//! A host that pauses an agent puts the snapshot there before it says that the agent is paused, so
//! that the agent can be resumed though that host is gone. What is stored is sealed under the
//! session's key: the store sees no file of anybody's, and what was changed there is not unpacked.
//!
//! In one process, and with a provider whose snapshots every host finds anyway, nothing is stored.

mod error;
mod fetch;
mod keep;
mod progress;
mod remove;
mod sweep;

use theazo_domain::{Scope, SnapshotId};
use theazo_providers::Provider;

use crate::Host;

pub(crate) use error::ShelfError;
pub(crate) use fetch::fetch;
pub(crate) use keep::keep;
pub(crate) use remove::{discard, remove, repeat_removals};
pub(crate) use sweep::run as sweep;

/// Whether a snapshot of this provider must be put on the shelf to be found by other hosts.
pub(crate) fn is_needed(host: &Host, provider: &dyn Provider) -> bool {
    !host.sole && !provider.capabilities().shared_snapshots
}

fn blob(scope: Scope, id: SnapshotId) -> String {
    format!("snapshots/{}.{}/{id}", scope.org, scope.mode)
}

/// What it is sealed for: no other snapshot can be put in its place.
fn purpose(id: SnapshotId) -> String {
    format!("snapshot {id}")
}
