//! What the dispatcher knows of where agents are. Pure bookkeeping.

use std::collections::{HashMap, HashSet};

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
}

impl Places {
    /// An agent as it was found.
    pub fn enter(&mut self, scope: Scope, agent: &Agent) {
        let place = Place { scope, provider: agent.spec.provider, host: agent.host.clone() };
        self.agents.insert(agent.id, place);
    }

    pub fn created(&mut self, scope: Scope, agent: AgentId, provider: ProviderKind) {
        self.agents.entry(agent).or_insert(Place { scope, provider, host: None });
    }

    /// The agent is on `host` now.
    pub fn moved(&mut self, agent: AgentId, host: &str) {
        self.homeless.remove(&agent);
        if let Some(place) = self.agents.get_mut(&agent) {
            place.host = Some(host.to_owned());
        }
    }

    /// It has ended. Answers where it was.
    pub fn ended(&mut self, agent: AgentId) -> Option<Place> {
        self.homeless.remove(&agent);
        self.agents.remove(&agent)
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
    pub fn hosts(&self) -> HashSet<&str> {
        self.agents.values().filter_map(|place| place.host.as_deref()).collect()
    }
}
