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
use crate::pause::pause;
use crate::shelf::{self, ShelfError};

/// How long a provider may take to make, pause, resume or destroy a sandbox.
const PROVIDER_PATIENCE: Duration = Duration::from_secs(60);
/// How long the agent is followed before it is looked at anew.
const LOOK_AGAIN: Duration = Duration::from_secs(600);
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
                Some(AgentCommand::Terminated)
            }
            (Some(Pending::Complete), _) => {
                destroy(host, &agent).await;
                Some(AgentCommand::Completed)
            }
            (None, AgentState::Provisioning) => provision(host, scope, &agent).await,
            (Some(Pending::Pause { snapshot_id }), _) => {
                pause(host, scope, &agent, *snapshot_id).await?
            }
            (Some(Pending::Resume { snapshot_id }), _) => {
                resume(host, scope, &agent, *snapshot_id).await
            }
            (None, _) => return Ok(()),
        };
        let Some(outcome) = outcome else {
            // What was broken off is done at the next start.
            if host.leaving.is_cancelled() {
                return Ok(());
            }
            continue;
        };
        host.commander.agent(&host.origin(scope), id, &outcome).await?;
    }
    Ok(())
}

/// `work` on the provider, ended when it takes too long.
pub(crate) async fn bounded<T>(
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

/// `None` when the agent is to end meanwhile.
async fn provision(host: &Host, scope: Scope, agent: &Agent) -> Option<AgentCommand> {
    let snapshot = agent.spec.snapshot_id;
    let made = match host.providers.get(agent.spec.provider) {
        Ok(provider) => match fetch(host, provider.as_ref(), scope, agent, snapshot).await? {
            Ok(()) => {
                let made = make(provider.as_ref(), spec(scope, agent, snapshot)).await;
                made.map_err(|error| failure(&error))
            }
            Err(error) => Err(error.failure()),
        },
        Err(error) => Err(failure(&error)),
    };
    Some(match made {
        Ok(()) => {
            host.hold(scope, agent.id);
            AgentCommand::Provisioned { host: host.name.clone() }
        }
        Err(failure) => AgentCommand::Fail { failure, lost_at: None },
    })
}

/// Lets the sandbox go on where it was, if it is still there and this is where it was; else makes
/// a new one with the snapshot's files. `None` when that is not wanted any more.
async fn resume(
    host: &Host,
    scope: Scope,
    agent: &Agent,
    snapshot_id: SnapshotId,
) -> Option<AgentCommand> {
    let provider = match host.providers.get(agent.spec.provider) {
        Ok(provider) => provider,
        Err(error) => return Some(AgentCommand::RequestFailed { failure: failure(&error) }),
    };
    let id = SandboxId::of(agent.id);
    let own = agent.snapshot.is_some_and(|snapshot| snapshot.id == snapshot_id)
        && host.may_have_frozen(agent.id, snapshot_id);
    host.thawed(agent.id);
    if own && bounded(provider.resume(&id)).await.is_ok() {
        host.hold(scope, agent.id);
        return Some(AgentCommand::Resumed { host: host.name.clone(), memory: true });
    }
    if let Err(error) = fetch(host, provider.as_ref(), scope, agent, Some(snapshot_id)).await? {
        return Some(AgentCommand::RequestFailed { failure: error.failure() });
    }
    let made = match bounded(provider.destroy(&id)).await {
        Ok(()) => make(provider.as_ref(), spec(scope, agent, Some(snapshot_id))).await,
        Err(error) => Err(error),
    };
    Some(match made {
        Ok(()) => {
            host.hold(scope, agent.id);
            AgentCommand::Resumed { host: host.name.clone(), memory: false }
        }
        Err(error) => AgentCommand::RequestFailed { failure: failure(&error) },
    })
}

/// Gets the snapshot that the sandbox is to start from, where it is not here. `None` when the
/// sandbox is not wanted any more.
async fn fetch(
    host: &Host,
    provider: &dyn Provider,
    scope: Scope,
    agent: &Agent,
    snapshot: Option<SnapshotId>,
) -> Option<Result<(), ShelfError>> {
    let Some(snapshot) = snapshot.filter(|_| shelf::is_needed(host, provider)) else {
        return Some(Ok(()));
    };
    tokio::select! {
        fetched = shelf::fetch(host, provider, scope, snapshot) => Some(fetched),
        () = unwanted(host, scope, agent.id) => None,
    }
}

/// Waits until the agent is to end, or is not this host's any more, or this host is to stop: what
/// takes minutes does not go on then.
pub(crate) async fn unwanted(host: &Host, scope: Scope, id: AgentId) {
    let stream = StreamId::agent(scope, id);
    let is_unwanted = |agent: &Agent| {
        let ends = agent.pending.as_ref().is_some_and(Pending::ends);
        ends || agent.state.is_final() || !host.owns(agent)
    };
    let follow = async {
        loop {
            match host.commander.wait_until(&stream, LOOK_AGAIN, is_unwanted).await {
                Ok(Some(_)) => return,
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(agent = %id, %error, "the agent cannot be followed");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    };
    host.leaving.run_until_cancelled(follow).await;
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
    host.commander.release_agent(&origin, agent).await?;
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
