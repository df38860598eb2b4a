//! What keeps the work on one agent apart.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use theazo_domain::AgentId;
use tokio::sync;

/// One agent's locks.
#[derive(Default)]
pub(crate) struct Lane {
    /// Held by the one reconciliation that is under way.
    pub turn: sync::Mutex<()>,
    /// Held shared by each exec and file operation, alone by a pause: it waits for them.
    pub gate: Arc<sync::RwLock<()>>,
}

#[derive(Default)]
pub(crate) struct Lanes(Mutex<HashMap<AgentId, Arc<Lane>>>);

impl Lanes {
    pub fn get(&self, agent: AgentId) -> Arc<Lane> {
        self.0.lock().entry(agent).or_default().clone()
    }

    /// Forgets the lane of an agent that has ended; whoever holds it keeps it.
    pub fn remove(&self, agent: AgentId) {
        self.0.lock().remove(&agent);
    }
}
