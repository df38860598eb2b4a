//! The host as the API sees it. Each call runs in a task of its own, so that a caller that goes
//! away does not leave an intent without its outcome.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use theazo_commands::Origin;
use theazo_domain::agent::{Agent, AgentState};
use theazo_domain::{AgentId, ExecutionId, FileOperationId, Rejection, Scope, StreamId};
use theazo_providers::{Call, Duplex, ExecAnswer, FileEntry, GatewayError, Lang, SandboxGateway};

use crate::host::unavailable;
use crate::{Host, exec, files};

/// How long work on an agent waits for its sandbox to be there.
pub(crate) const PROVISIONING_PATIENCE: Duration = Duration::from_secs(60);

/// The gateway into the sandboxes of this host.
pub(crate) struct LocalGateway(pub Arc<Host>);

impl Host {
    /// What the API calls to work in this host's sandboxes.
    pub fn gateway(self: &Arc<Self>) -> Arc<dyn SandboxGateway> {
        Arc::new(LocalGateway(self.clone()))
    }

    /// Waits while the agent's sandbox is being made, or made again.
    pub(crate) async fn provisioned(&self, scope: Scope, id: AgentId) -> Result<(), GatewayError> {
        self.recovering.over(id).await;
        let agent = self.load_agent(scope, id).await.map_err(unavailable)?;
        if agent.is_none_or(|agent| agent.state != AgentState::Provisioning) {
            return Ok(());
        }
        let there = |agent: &Agent| agent.state != AgentState::Provisioning;
        let stream = StreamId::agent(scope, id);
        let waited = self.commander.wait_until(&stream, PROVISIONING_PATIENCE, there).await;
        match waited.map_err(unavailable)? {
            Some(_) => Ok(()),
            None => Err(still_provisioning().into()),
        }
    }
}

/// What a call is answered when an agent's sandbox takes too long.
pub(crate) fn still_provisioning() -> Rejection {
    Rejection::conflict("This agent is still provisioning; try again in a moment.")
}

pub(crate) fn origin(call: &Call) -> Origin {
    Origin {
        scope: call.scope,
        actor: call.actor.clone(),
        request_id: Some(call.request_id),
        seed: None,
        cause: None,
    }
}

/// Runs `work` to its end, also when the caller is dropped.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, GatewayError>> + Send + 'static,
) -> Result<T, GatewayError> {
    tokio::spawn(work).await.unwrap_or_else(|panic| {
        Err(GatewayError::Unknown { message: format!("the work broke off: {panic}") })
    })
}

#[async_trait]
impl SandboxGateway for LocalGateway {
    async fn exec(
        &self,
        call: Call,
        agent: AgentId,
        id: ExecutionId,
        lang: Lang,
        code: String,
    ) -> Result<ExecAnswer, GatewayError> {
        let host = self.0.clone();
        to_the_end(async move { exec::run(&host, &call, agent, id, lang, code).await }).await
    }

    async fn read_file(
        &self,
        call: Call,
        agent: AgentId,
        path: String,
    ) -> Result<Bytes, GatewayError> {
        files::read(&self.0, &call, agent, &path).await
    }

    async fn list_files(
        &self,
        call: Call,
        agent: AgentId,
        path: String,
    ) -> Result<Vec<FileEntry>, GatewayError> {
        files::list(&self.0, &call, agent, &path).await
    }

    async fn write_file(
        &self,
        call: Call,
        agent: AgentId,
        id: FileOperationId,
        path: String,
        data: Bytes,
    ) -> Result<(), GatewayError> {
        let host = self.0.clone();
        to_the_end(async move { files::write(&host, &call, agent, id, path, data).await }).await
    }

    async fn delete_file(
        &self,
        call: Call,
        agent: AgentId,
        id: FileOperationId,
        path: String,
    ) -> Result<(), GatewayError> {
        let host = self.0.clone();
        to_the_end(async move { files::delete(&host, &call, agent, id, path).await }).await
    }

    async fn connect(&self, agent: AgentId, port: u16) -> Result<Box<dyn Duplex>, GatewayError> {
        let host = &self.0;
        let scope = host.scope_of(agent).ok_or_else(|| Rejection::not_found("agent"))?;
        let (state, provider, sandbox) = host.usable(scope, agent).await?;
        if !state.ports.contains(&port) {
            return Err(Rejection::not_found("exposed port").into());
        }
        Ok(provider.connect(&sandbox, port).await?)
    }
}
