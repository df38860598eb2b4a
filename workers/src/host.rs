//! A worker host: the process that holds sandboxes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use theazo_commands::{CommandError, Commander, Origin};
use theazo_domain::agent::{Agent, AgentState, Pending};
use theazo_domain::providers::ProviderKind;
use theazo_domain::{AgentId, Rejection, Scope, SnapshotId, StreamId};
use theazo_providers::{GatewayError, Provider, ProviderError, SandboxId};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::lane::{Lane, Lanes};

/// The providers that this host can run agents on.
#[derive(Clone, Default)]
pub struct ProviderSet(HashMap<ProviderKind, Arc<dyn Provider>>);

impl ProviderSet {
    pub fn with(mut self, kind: ProviderKind, provider: Arc<dyn Provider>) -> Self {
        self.0.insert(kind, provider);
        self
    }

    pub fn get(&self, kind: ProviderKind) -> Result<&Arc<dyn Provider>, ProviderError> {
        self.0.get(&kind).ok_or_else(|| {
            ProviderError::Unsupported(format!("the provider `{kind}` is not set up on this host"))
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = (ProviderKind, &Arc<dyn Provider>)> {
        self.0.iter().map(|(kind, provider)| (*kind, provider))
    }
}

/// Snapshots that go to the blob store, or come from there, at the same time: each has parts of it
/// in memory.
const MOVED_AT_ONCE: usize = 4;

/// Holds sandboxes and does what is asked of them.
pub struct Host {
    /// Names this host in events.
    pub name: String,
    /// Whether it is the only one there is: then every agent is its own.
    pub(crate) sole: bool,
    pub(crate) commander: Arc<Commander>,
    pub(crate) providers: ProviderSet,
    pub(crate) lanes: Lanes,
    /// Agents whose sandbox is here or is to be made here, and whose they are.
    held: Mutex<HashMap<AgentId, Scope>>,
    /// Sandboxes that stopped where they were, here and in this life, and the snapshot of that.
    frozen: Mutex<HashMap<AgentId, SnapshotId>>,
    /// Agents whose sandbox is being made again after a start.
    pub(crate) recovering: Recovering,
    pub(crate) moving: Semaphore,
    /// Cancelled when this host is to stop: what takes minutes is broken off.
    pub(crate) leaving: CancellationToken,
}

/// Agents that are not to be worked with before their sandbox is there again.
#[derive(Default)]
pub(crate) struct Recovering(watch::Sender<HashSet<AgentId>>);

impl Recovering {
    pub fn begin(&self, agent: AgentId) {
        self.0.send_modify(|agents| {
            agents.insert(agent);
        });
    }

    pub fn end(&self, agent: AgentId) {
        self.0.send_modify(|agents| {
            agents.remove(&agent);
        });
    }

    /// Waits until the agent's sandbox is there again, or is known to be lost.
    pub async fn over(&self, agent: AgentId) {
        // The sender is ours, so it cannot be gone.
        let _ = self.0.subscribe().wait_for(|agents| !agents.contains(&agent)).await;
    }
}

impl Host {
    /// The host of a deployment that is one process.
    pub fn sole(name: &str, commander: Arc<Commander>, providers: ProviderSet) -> Arc<Self> {
        Self::new(name, true, commander, providers)
    }

    /// One host of several. Its name is its own for good: what is in its folder is found by it.
    pub fn one_of_several(
        name: &str,
        commander: Arc<Commander>,
        providers: ProviderSet,
    ) -> Arc<Self> {
        Self::new(name, false, commander, providers)
    }

    fn new(name: &str, sole: bool, commander: Arc<Commander>, providers: ProviderSet) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            sole,
            commander,
            providers,
            lanes: Lanes::default(),
            held: Mutex::default(),
            frozen: Mutex::default(),
            recovering: Recovering::default(),
            moving: Semaphore::new(MOVED_AT_ONCE),
            leaving: CancellationToken::new(),
        })
    }

    pub fn providers(&self) -> &ProviderSet {
        &self.providers
    }

    pub(crate) fn origin(&self, scope: Scope) -> Origin {
        Origin::system(scope, "worker")
    }

    pub(crate) fn hold(&self, scope: Scope, agent: AgentId) {
        self.held.lock().insert(agent, scope);
    }

    pub(crate) fn let_go(&self, agent: AgentId) {
        self.held.lock().remove(&agent);
        self.thawed(agent);
        self.lanes.remove(agent);
    }

    pub(crate) fn froze(&self, agent: AgentId, snapshot: SnapshotId) {
        self.frozen.lock().insert(agent, snapshot);
    }

    pub(crate) fn thawed(&self, agent: AgentId) {
        self.frozen.lock().remove(&agent);
    }

    /// Whether the agent's sandbox may be here, stopped where it was at this snapshot. One of an
    /// older pause must not go on: the agent may have worked on another host since.
    pub(crate) fn may_have_frozen(&self, agent: AgentId, snapshot: SnapshotId) -> bool {
        self.sole || self.frozen.lock().get(&agent) == Some(&snapshot)
    }

    /// Whether the agent's sandbox is this host's to look after.
    pub(crate) fn owns(&self, agent: &Agent) -> bool {
        self.sole || agent.host.as_ref() == Some(&self.name)
    }

    pub(crate) fn holds(&self, agent: AgentId) -> bool {
        self.held.lock().contains_key(&agent)
    }

    pub(crate) fn scope_of(&self, agent: AgentId) -> Option<Scope> {
        self.held.lock().get(&agent).copied()
    }

    pub(crate) fn lane(&self, agent: AgentId) -> Arc<Lane> {
        self.lanes.get(agent)
    }

    pub(crate) async fn load_agent(
        &self,
        scope: Scope,
        id: AgentId,
    ) -> Result<Option<Arc<Agent>>, CommandError> {
        Ok(self.commander.load::<Agent>(&StreamId::agent(scope, id)).await?.state)
    }

    /// An agent that can work now, its provider and its sandbox. To be called while its lane's
    /// gate is held, so that no pause comes in between.
    pub(crate) async fn usable(
        &self,
        scope: Scope,
        id: AgentId,
    ) -> Result<(Arc<Agent>, Arc<dyn Provider>, SandboxId), GatewayError> {
        let agent = self.load_agent(scope, id).await.map_err(unavailable)?;
        let agent = agent.ok_or_else(|| Rejection::not_found("agent"))?;
        let ready = matches!(agent.state, AgentState::Idle | AgentState::Running);
        if !ready || agent.pending.is_some() {
            return Err(not_usable(&agent).into());
        }
        if !self.owns(&agent) {
            return Err(elsewhere());
        }
        let provider = self.providers.get(agent.spec.provider)?.clone();
        Ok((agent, provider, SandboxId::of(id)))
    }

    /// The sandbox for a step of a run that was begun: also while the agent is about to be paused,
    /// for the pause waits for the step.
    pub(crate) async fn sandbox_of_run(
        &self,
        scope: Scope,
        id: AgentId,
    ) -> Result<(Arc<dyn Provider>, SandboxId), GatewayError> {
        self.provisioned(scope, id).await?;
        let agent = self.load_agent(scope, id).await.map_err(unavailable)?;
        let agent = agent.ok_or_else(|| Rejection::not_found("agent"))?;
        if !matches!(agent.state, AgentState::Idle | AgentState::Running) {
            return Err(not_usable(&agent).into());
        }
        if !self.owns(&agent) {
            return Err(elsewhere());
        }
        Ok((self.providers.get(agent.spec.provider)?.clone(), SandboxId::of(id)))
    }
}

fn elsewhere() -> GatewayError {
    let message = "the agent is on another worker host; try again".to_owned();
    GatewayError::Unavailable { message }
}

pub(crate) fn not_usable(agent: &Agent) -> Rejection {
    let (now, next) = match (&agent.pending, agent.state) {
        (Some(Pending::Terminate { .. }), _) => ("being terminated", "Create a new agent."),
        (Some(Pending::Complete), _) => ("done", "Create a new agent."),
        (Some(Pending::Pause { .. }), _) => ("being paused", "Resume it with POST …/resume."),
        (Some(Pending::Resume { .. }), _) => ("being resumed", "Try again in a moment."),
        (None, AgentState::Paused) => ("paused", "Resume it with POST …/resume."),
        (None, state) => (state.as_str(), "Create a new agent."),
    };
    let why = agent.failure.as_ref().filter(|_| agent.state == AgentState::Failed);
    let why = why.map(|f| format!(" ({})", f.message)).unwrap_or_default();
    Rejection::conflict(format!("This agent is {now}{why}. {next}"))
}

/// A command that could not be carried out, as the gateway's caller sees it.
pub(crate) fn unavailable(error: CommandError) -> GatewayError {
    match error {
        CommandError::Rejected(rejection) => GatewayError::Rejected(rejection),
        unknown @ CommandError::Unknown(_) => {
            GatewayError::Unknown { message: unknown.to_string() }
        }
        other => GatewayError::Unavailable { message: other.to_string() },
    }
}
