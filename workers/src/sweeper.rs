//! Destroys what no live agent owns, and comes back to what could not be settled.

use std::sync::Arc;
use std::time::Duration;

use theazo_domain::agent::AgentState;
use theazo_log::Position;
use theazo_providers::Sandbox;
use tokio_util::sync::CancellationToken;

use crate::{Host, lifecycle};

/// How often. A sandbox that its agent's end did not take along lives this long at most.
const PERIOD: Duration = Duration::from_secs(30);

pub(crate) async fn run(host: Arc<Host>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_some() {
        sweep(&host).await;
    }
}

/// One sweep over every provider's sandboxes.
pub(crate) async fn sweep(host: &Host) {
    for (kind, provider) in host.providers.iter() {
        match provider.list().await {
            Ok(sandboxes) => {
                for sandbox in sandboxes {
                    look_after(host, &sandbox).await;
                }
            }
            Err(error) => tracing::warn!(provider = %kind, %error, "sandboxes cannot be listed"),
        }
    }
}

async fn look_after(host: &Host, sandbox: &Sandbox) {
    let labels = &sandbox.labels;
    let agent = match host.load_agent(labels.scope, labels.agent).await {
        Ok(agent) => agent,
        Err(error) => {
            // Not knowing whose it is, it is left alone.
            tracing::warn!(agent = %labels.agent, %error, "the agent cannot be loaded");
            return;
        }
    };
    match agent {
        // Also releases the agent's place and destroys what is left.
        Some(agent) if agent.state.is_final() || agent.pending.is_some() => {
            destroy_if(host, sandbox, agent.state == AgentState::Terminated).await;
            lifecycle::settle(host, labels.scope, labels.agent, Position::START).await;
        }
        // It was given up while this host was away, and is somewhere else now.
        Some(agent) if !host.owns(&agent) => destroy_if(host, sandbox, true).await,
        Some(_) => {}
        None => destroy_if(host, sandbox, true).await,
    }
}

async fn destroy_if(host: &Host, sandbox: &Sandbox, orphan: bool) {
    if !orphan {
        return;
    }
    tracing::info!(agent = %sandbox.labels.agent, "destroying a sandbox that nobody owns");
    for (_, provider) in host.providers.iter() {
        if let Err(error) = provider.destroy(&sandbox.id).await {
            tracing::warn!(agent = %sandbox.labels.agent, %error, "it could not be destroyed");
        }
    }
}
