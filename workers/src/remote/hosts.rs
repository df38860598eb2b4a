//! Which host an agent is on.

use async_trait::async_trait;
use theazo_commands::Commander;
use theazo_domain::agent::{Agent, AgentState};
use theazo_domain::{AgentId, Rejection, Scope, StreamId};
use theazo_log::Position;
use theazo_providers::GatewayError;

use crate::gateway::{PROVISIONING_PATIENCE, still_provisioning};
use crate::host::{not_usable, unavailable};

/// Where an agent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The host that has its sandbox, or is to make it.
    pub host: String,
    /// The agent's revision by which this is so.
    pub revision: Position,
}

/// Finds agents.
#[async_trait]
pub trait HostOf: Send + Sync + 'static {
    /// Where the agent is: [`host_by_log`] tells.
    async fn host_of(&self, scope: Scope, agent: AgentId) -> Result<Place, GatewayError>;

    /// Whose the agent is: a port is reached without a key.
    async fn scope_of(&self, agent: AgentId) -> Result<Option<Scope>, GatewayError>;
}

/// Where an agent is, by the log. One that has no host yet is waited for.
///
/// # Errors
/// A rejection for an agent that cannot work or is not there.
pub async fn host_by_log(
    commander: &Commander,
    scope: Scope,
    id: AgentId,
) -> Result<Place, GatewayError> {
    let stream = StreamId::agent(scope, id);
    let loaded = commander.load_fresh::<Agent>(&stream).await.map_err(unavailable)?;
    let mut agent = loaded.state.ok_or_else(|| Rejection::not_found("agent"))?;
    let mut revision = loaded.revision;
    let known = |agent: &Agent| agent.state != AgentState::Provisioning || agent.host.is_some();
    if !known(&agent) {
        let waited = commander.wait_until(&stream, PROVISIONING_PATIENCE, known).await;
        (agent, revision) = waited.map_err(unavailable)?.ok_or_else(still_provisioning)?;
    }
    match (agent.state, &agent.host) {
        (AgentState::Provisioning | AgentState::Idle | AgentState::Running, Some(host)) => {
            Ok(Place { host: host.clone(), revision })
        }
        (AgentState::Idle | AgentState::Running, None) => Err(GatewayError::Unavailable {
            message: format!("agent {id} has a sandbox, but the log does not say on which host"),
        }),
        _ => Err(not_usable(&agent).into()),
    }
}
