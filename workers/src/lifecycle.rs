//! Brings an agent's sandbox to where its events say it should be.
//!
//! [`settle`] is a reconciler: it looks at the agent as it is, does the one thing that is missing,
//! commits what came of it, and looks again. It can be called at any time and any number of times.

use std::time::Duration;

use theazo_commands::{CommandError, agent::release_seed};
use theazo_domain::agent::{Agent, AgentCommand, AgentState, Failure, Pending};
use theazo_domain::snapshot::{Snapshot, SnapshotCommand};
use theazo_domain::{AgentId, Scope, SnapshotId, StreamId};
use theazo_log::Position;
use theazo_providers::{Egress, Labels, Limits, Provider, ProviderError, SandboxId, SandboxSpec};

use crate::Host;

/// How long a provider may take to make, pause, resume or destroy a sandbox.
const PROVIDER_PATIENCE: Duration = Duration::from_secs(60);
/// How long a pause waits for what runs: longer than any exec may take.
const DRAIN_PATIENCE: Duration = Duration::from_secs(125);
/// Tries while the log is out of reach, with a pause that doubles from 100 ms.
const MAX_TRIES: u32 = 8;

/// Settles the agent as it was at `since` or later; keeps at it while the log or the vault is out
/// of reach.
pub(crate) async fn settle(host: &Host, scope: Scope, id: AgentId, since: Position) {
    host.recovering.over(id).await;
    let lane = host.lane(id);
    let _turn = lane.turn.lock().await;
    for tried in 0..MAX_TRIES {
        match settle_once(host, scope, id, since).await {
            Ok(()) => return,
            Err(CommandError::Rejected(rejection)) => {
                tracing::warn!(agent = %id, %rejection, "an outcome was refused");
                return;
            }
            Err(error) => {
                tracing::warn!(agent = %id, %error, "the agent could not be settled yet");
                tokio::time::sleep(Duration::from_millis(100) * 2u32.pow(tried)).await;
            }
        }
    }
    tracing::error!(agent = %id, "gave up settling the agent; the sweeper will come back to it");
}

async fn settle_once(
    host: &Host,
    scope: Scope,
    id: AgentId,
    since: Position,
) -> Result<(), CommandError> {
    let stream = StreamId::agent(scope, id);
    while let Some(agent) = host.commander.load_since::<Agent>(&stream, since).await?.state {
        if !agent.state.is_final() && !host.owns(&agent) {
            return Ok(());
        }
        let outcome = match (&agent.pending, agent.state) {
            (_, state) if state.is_final() => return clean_up(host, scope, &agent).await,
            (Some(Pending::Terminate { .. }), _) => {
                destroy(host, &agent).await;
                AgentCommand::Terminated
            }
            (Some(Pending::Complete), _) => {
                destroy(host, &agent).await;
                AgentCommand::Completed
            }
            (None, AgentState::Provisioning) => provision(host, scope, &agent).await,
            (Some(Pending::Pause { snapshot_id }), _) => {
                match pause(host, scope, &agent, *snapshot_id).await? {
                    Some(outcome) => outcome,
                    None => continue,
                }
            }
            (Some(Pending::Resume { snapshot_id }), _) => {
                resume(host, scope, &agent, *snapshot_id).await
            }
            (None, _) => return Ok(()),
        };
        host.commander.agent(&host.origin(scope), id, &outcome).await?;
    }
    Ok(())
}

/// `work` on the provider, ended when it takes too long.
async fn bounded<T>(
    work: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    tokio::time::timeout(PROVIDER_PATIENCE, work).await.unwrap_or_else(|_| {
        let message = "the compute provider did not answer within 60 s".to_owned();
        Err(ProviderError::Failed { message, retryable: true })
    })
}

pub(crate) fn failure(error: &ProviderError) -> Failure {
    let code = match error {
        ProviderError::Timeout(_) => "timeout",
        _ => "provider_error",
    };
    Failure { code: code.to_owned(), message: error.to_string() }
}

pub(crate) fn spec(scope: Scope, agent: &Agent, snapshot: Option<SnapshotId>) -> SandboxSpec {
    let domains = agent.spec.guardrails.as_ref().and_then(|g| g.allowed_domains.clone());
    SandboxSpec {
        id: SandboxId::of(agent.id),
        labels: Labels { scope, session: agent.session_id, agent: agent.id },
        limits: Limits::default(),
        egress: domains.map_or(Egress::Public, Egress::Domains),
        snapshot,
        browser: agent.spec.browser,
    }
}

async fn make(provider: &dyn Provider, spec: SandboxSpec) -> Result<(), ProviderError> {
    match bounded(provider.create(spec.clone())).await {
        // Made before a crash, by us: it may be half a sandbox.
        Err(ProviderError::Conflict(_)) => {
            bounded(provider.destroy(&spec.id)).await?;
            bounded(provider.create(spec)).await
        }
        made => made,
    }
}

async fn provision(host: &Host, scope: Scope, agent: &Agent) -> AgentCommand {
    let made = match host.providers.get(agent.spec.provider) {
        Ok(provider) => make(provider.as_ref(), spec(scope, agent, agent.spec.snapshot_id)).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(()) => {
            host.hold(scope, agent.id);
            AgentCommand::Provisioned { host: host.name.clone() }
        }
        Err(error) => AgentCommand::Fail { failure: failure(&error), lost_at: None },
    }
}

/// Waits for what runs, then freezes the sandbox and keeps its files. `None` when the agent is to
/// be terminated meanwhile, which does not wait.
async fn pause(
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
    let paused = match host.providers.get(agent.spec.provider) {
        Ok(provider) => bounded(provider.pause(&SandboxId::of(agent.id), snapshot_id)).await,
        Err(error) => Err(error),
    };
    let size = match paused {
        Ok(size) => size,
        Err(error) => return Ok(Some(AgentCommand::RequestFailed { failure: failure(&error) })),
    };
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

/// Lets the sandbox go on where it was, if it is still there and this is where it was; else makes
/// a new one with the snapshot's files.
async fn resume(host: &Host, scope: Scope, agent: &Agent, snapshot_id: SnapshotId) -> AgentCommand {
    let provider = match host.providers.get(agent.spec.provider) {
        Ok(provider) => provider,
        Err(error) => return AgentCommand::RequestFailed { failure: failure(&error) },
    };
    let id = SandboxId::of(agent.id);
    let own = agent.snapshot.is_some_and(|snapshot| snapshot.id == snapshot_id);
    if own && bounded(provider.resume(&id)).await.is_ok() {
        host.hold(scope, agent.id);
        return AgentCommand::Resumed { host: host.name.clone(), memory: true };
    }
    let made = match bounded(provider.destroy(&id)).await {
        Ok(()) => make(provider.as_ref(), spec(scope, agent, Some(snapshot_id))).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(()) => {
            host.hold(scope, agent.id);
            AgentCommand::Resumed { host: host.name.clone(), memory: false }
        }
        Err(error) => AgentCommand::RequestFailed { failure: failure(&error) },
    }
}

/// Ends everything in the sandbox, also what is under way.
async fn destroy(host: &Host, agent: &Agent) {
    let destroyed = match host.providers.get(agent.spec.provider) {
        Ok(provider) => bounded(provider.destroy(&SandboxId::of(agent.id))).await,
        Err(error) => Err(error),
    };
    if let Err(error) = destroyed {
        // The agent is over either way; the sweeper destroys what is left of it.
        tracing::warn!(agent = %agent.id, %error, "the sandbox could not be destroyed yet");
    }
}

/// What an agent that has ended leaves behind: its sandbox, its place in the session and, when it
/// was terminated, its snapshots.
async fn clean_up(host: &Host, scope: Scope, agent: &Agent) -> Result<(), CommandError> {
    if agent.state == AgentState::Failed
        && let Ok(provider) = host.providers.get(agent.spec.provider)
        && let Err(error) = bounded(provider.destroy(&SandboxId::of(agent.id))).await
    {
        tracing::warn!(agent = %agent.id, %error, "the sandbox could not be destroyed yet");
    }
    if agent.state == AgentState::Terminated {
        for snapshot in &agent.snapshots {
            delete_snapshot(host, scope, *snapshot).await?;
        }
    }
    let origin = host.origin(scope).seeded(release_seed(agent.id));
    host.commander.release_agent(&origin, agent.session_id, agent.id).await?;
    host.let_go(agent.id);
    Ok(())
}

async fn delete_snapshot(host: &Host, scope: Scope, id: SnapshotId) -> Result<(), CommandError> {
    let stream = StreamId::snapshot(scope, id);
    let delete = SnapshotCommand::Delete;
    match host.commander.execute::<Snapshot>(&host.origin(scope), &stream, &delete).await {
        // Deleted before, by its owner.
        Ok(_) | Err(CommandError::Rejected(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
