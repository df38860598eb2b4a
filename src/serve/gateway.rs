//! The way into the sandboxes, as the API has it.

use std::sync::Arc;

use async_trait::async_trait;
use theazo_commands::Commander;
use theazo_domain::{AgentId, Scope};
use theazo_projections::ReadModels;
use theazo_providers::{GatewayError, SandboxGateway};
use theazo_workers::{HostOf, Place, RemoteGateway, host_by_log};

use super::Parts;
use super::worker::Worker;

/// Into this process' own where it is all there is, else into those of every worker host.
pub async fn open(
    parts: &Parts,
    worker: Option<&Worker>,
) -> anyhow::Result<Arc<dyn SandboxGateway>> {
    let runtime = &parts.runtime;
    if let Some(worker) = worker.filter(|_| runtime.is_embedded()) {
        return Ok(worker.host.gateway());
    }
    let hosts =
        Arc::new(Hosts { commander: runtime.commander.clone(), reads: runtime.reads.clone() });
    let own = worker.map(|worker| worker.host.clone());
    Ok(RemoteGateway::start(own, runtime.bus.clone(), hosts, parts.stop.clone()).await?)
}

struct Hosts {
    commander: Arc<Commander>,
    reads: ReadModels,
}

#[async_trait]
impl HostOf for Hosts {
    async fn host_of(&self, scope: Scope, agent: AgentId) -> Result<Place, GatewayError> {
        host_by_log(&self.commander, scope, agent).await
    }

    async fn scope_of(&self, agent: AgentId) -> Result<Option<Scope>, GatewayError> {
        let unavailable = |error: theazo_projections::ReadError| GatewayError::Unavailable {
            message: error.to_string(),
        };
        self.reads.scope_of_live_agent(agent).await.map_err(unavailable)
    }
}
