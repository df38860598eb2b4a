//! Pausing: what runs comes to its end, the sandbox stops where it is, and its files are kept.

use std::time::Duration;

use theazo_commands::CommandError;
use theazo_domain::agent::{Agent, AgentCommand, Failure, Pending};
use theazo_domain::snapshot::{Snapshot, SnapshotCommand};
use theazo_domain::{Scope, SnapshotId, StreamId};
use theazo_providers::{Provider, SandboxId};

use crate::Host;
use crate::lifecycle::{bounded, failure, unwanted};
use crate::shelf::{self, ShelfError};

/// How long a pause waits for what runs: longer than any exec may take.
const DRAIN_PATIENCE: Duration = Duration::from_secs(125);

/// Waits for what runs, then freezes the sandbox and keeps its files. `None` when the agent is to
/// be terminated meanwhile, which does not wait.
pub(crate) async fn pause(
    host: &Host,
    scope: Scope,
    agent: &Agent,
    snapshot_id: SnapshotId,
) -> Result<Option<AgentCommand>, CommandError> {
    let lane = host.lane(agent.id);
    let stream = StreamId::agent(scope, agent.id);
    let overtaken = |agent: &Agent| agent.pending.as_ref().is_some_and(Pending::ends);
    let _gate = tokio::select! {
        gate = lane.gate.write() => gate,
        waited = host.commander.wait_until(&stream, DRAIN_PATIENCE, overtaken) => {
            if waited?.is_some() {
                return Ok(None);
            }
            let message = "code is still running in the agent; try again when it has ended";
            let failure = Failure { code: "timeout".to_owned(), message: message.to_owned() };
            return Ok(Some(AgentCommand::RequestFailed { failure }));
        }
    };
    let failed = |failure| Ok(Some(AgentCommand::RequestFailed { failure }));
    let provider = match host.providers.get(agent.spec.provider) {
        Ok(provider) => provider.as_ref(),
        Err(error) => return failed(failure(&error)),
    };
    let size = match bounded(provider.pause(&SandboxId::of(agent.id), snapshot_id)).await {
        Ok(size) => size,
        Err(error) => return failed(failure(&error)),
    };
    if shelf::is_needed(host, provider) {
        let given_up = unwanted(host, scope, agent.id);
        let owner = (scope, agent.session_id);
        if let Err(error) = shelf::keep(host, provider, owner, snapshot_id, given_up).await {
            return Ok(unpause(host, provider, scope, agent, snapshot_id, error).await);
        }
    }
    host.froze(agent.id, snapshot_id);
    let create = SnapshotCommand::Create {
        snapshot_id,
        session_id: agent.session_id,
        agent_id: agent.id,
        provider: agent.spec.provider,
        size,
    };
    let stream = StreamId::snapshot(scope, snapshot_id);
    host.commander.execute::<Snapshot>(&host.origin(scope), &stream, &create).await?;
    Ok(Some(AgentCommand::Paused { snapshot_id, size }))
}

/// Takes back a pause whose snapshot could not be put where it outlives this host.
async fn unpause(
    host: &Host,
    provider: &dyn Provider,
    scope: Scope,
    agent: &Agent,
    snapshot_id: SnapshotId,
    error: ShelfError,
) -> Option<AgentCommand> {
    if host.leaving.is_cancelled() {
        return None;
    }
    // Also here, so that a pause that is repeated does not find what was then.
    shelf::discard(host, provider, scope, snapshot_id).await;
    if matches!(error, ShelfError::GivenUp) {
        return None;
    }
    let why = error.failure();
    tracing::warn!(agent = %agent.id, snapshot = %snapshot_id, %error, "a pause is taken back");
    match bounded(provider.resume(&SandboxId::of(agent.id))).await {
        Ok(()) => Some(AgentCommand::RequestFailed { failure: why }),
        Err(stuck) => {
            let message = format!("{}; and the sandbox did not go on: {stuck}", why.message);
            let failure = Failure { code: why.code, message };
            Some(AgentCommand::Fail { failure, lost_at: None })
        }
    }
}
