//! What the dispatcher knows of where agents are. Pure bookkeeping.

use std::collections::HashMap;

use theazo_domain::agent::Agent;
use theazo_domain::providers::ProviderKind;
use theazo_domain::{AgentId, Scope};
use tokio::time::Instant;

/// Where an agent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub scope: Scope,
    pub provider: ProviderKind,
    /// The host that has its sandbox or files, or is to make it.
    pub host: Option<String>,
}

/// The agents that have not ended.
#[derive(Debug, Default)]
pub(crate) struct Places {
    agents: HashMap<AgentId, Place>,
    /// Those that are to be given to a host, and could not be yet.
    homeless: HashMap<AgentId, Instant>,
    /// How many agents each host has.
    on_host: HashMap<String, usize>,
}

impl Places {
    /// An agent as it was found.
    pub fn enter(&mut self, scope: Scope, agent: &Agent) {
        self.created(scope, agent.id, agent.spec.provider);
        if let Some(host) = &agent.host {
            self.moved(agent.id, host);
        }
    }

    pub fn created(&mut self, scope: Scope, agent: AgentId, provider: ProviderKind) {
        self.agents.entry(agent).or_insert(Place { scope, provider, host: None });
    }

    /// The agent is on `host` now.
    pub fn moved(&mut self, agent: AgentId, host: &str) {
        self.homeless.remove(&agent);
        let Some(place) = self.agents.get_mut(&agent) else { return };
        if place.host.as_deref() == Some(host) {
            return;
        }
        if let Some(before) = place.host.replace(host.to_owned()) {
            self.one_less(&before);
        }
        *self.on_host.entry(host.to_owned()).or_default() += 1;
    }

    /// How many agents are on `host`.
    pub fn count(&self, host: &str) -> usize {
        self.on_host.get(host).copied().unwrap_or(0)
    }

    fn one_less(&mut self, host: &str) {
        if let Some(count) = self.on_host.get_mut(host) {
            *count -= 1;
            if *count == 0 {
                self.on_host.remove(host);
            }
        }
    }

    /// It has ended. Answers where it was.
    pub fn ended(&mut self, agent: AgentId) -> Option<Place> {
        self.homeless.remove(&agent);
        let place = self.agents.remove(&agent)?;
        if let Some(host) = &place.host {
            self.one_less(host);
        }
        Some(place)
    }

    pub fn get(&self, agent: AgentId) -> Option<&Place> {
        self.agents.get(&agent)
    }

    /// It needs a host.
    pub fn homeless(&mut self, agent: AgentId) {
        if self.agents.contains_key(&agent) {
            self.homeless.entry(agent).or_insert_with(Instant::now);
        }
    }

    /// Takes those that need a host; who gets none is to be put back.
    pub fn take_homeless(&mut self) -> Vec<(AgentId, Instant)> {
        self.homeless.drain().collect()
    }

    /// There is no host for it yet.
    pub fn put_back(&mut self, agent: AgentId, since: Instant) {
        self.homeless.insert(agent, since);
    }

    /// The agents on `host`.
    pub fn on(&self, host: &str) -> Vec<(AgentId, Scope)> {
        self.agents
            .iter()
            .filter(|(_, place)| place.host.as_deref() == Some(host))
            .map(|(agent, place)| (*agent, place.scope))
            .collect()
    }

    /// Every host that some agent is on.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.on_host.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use theazo_domain::{Mode, OrgId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn agents_are_counted_where_they_are() {
        let scope = Scope { org: OrgId::from_uuid(Uuid::from_u128(1)), mode: Mode::Live };
        let agent = |n| AgentId::from_uuid(Uuid::from_u128(n));
        let mut places = Places::default();
        for n in 1..=3 {
            places.created(scope, agent(n), ProviderKind::Mock);
            places.homeless(agent(n));
            places.moved(agent(n), "a");
            places.moved(agent(n), "a");
        }
        assert!(places.take_homeless().is_empty(), "who has a host needs none");
        places.moved(agent(3), "b");
        assert_eq!((places.count("a"), places.count("b")), (2, 1));
        places.ended(agent(3));
        assert_eq!((places.count("b"), places.hosts().count()), (0, 1));
        places.moved(agent(3), "b");
        assert_eq!(places.count("b"), 0, "it has ended");
        assert_eq!(places.on("a").len(), 2);
    }
}
