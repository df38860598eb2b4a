//! How many connections one agent's ports have at a time: a public address must not use up the
//! server's file descriptors.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use theazo_domain::AgentId;

/// Connections into one agent's sandbox at the same time.
pub const MAX_PER_AGENT: u32 = 256;

/// The open connections, by agent.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Mutex<HashMap<AgentId, u32>>>);

/// One connection's place; dropping it makes room.
#[derive(Debug)]
pub struct Place {
    connections: Connections,
    agent: AgentId,
}

impl Connections {
    /// A place, unless the agent has as many as it may.
    pub fn take(&self, agent: AgentId) -> Option<Place> {
        let mut open = self.0.lock();
        let count = open.entry(agent).or_default();
        if *count >= MAX_PER_AGENT {
            return None;
        }
        *count += 1;
        Some(Place { connections: self.clone(), agent })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.0.lock();
        if let Some(count) = open.get_mut(&self.agent) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.agent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_that_is_full_has_room_again_when_a_connection_ends() {
        let connections = Connections::default();
        let agent = |n: &str| format!("agt_0000000000000000000000000{n}").parse().unwrap();
        let mut places: Vec<Place> =
            (0..MAX_PER_AGENT).map(|_| connections.take(agent("1")).unwrap()).collect();
        assert!(connections.take(agent("1")).is_none());
        assert!(connections.take(agent("2")).is_some());
        places.pop();
        assert!(connections.take(agent("1")).is_some());
        places.clear();
        assert!(connections.0.lock().is_empty());
    }
}
