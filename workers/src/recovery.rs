//! What a start finds: intents without outcomes, and agents whose sandbox went with the process
//! that held it. Each is finished, or said to be lost; none is passed over.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use theazo_commands::CommandError;
use theazo_domain::agent::{Agent, AgentCommand, AgentState, Failure, Pending};
use theazo_domain::execution::{Execution, ExecutionCommand};
use theazo_domain::file_operation::{FileOperation, FileOperationCommand};
use theazo_domain::session::{Session, SessionEvent, SessionStatus};
use theazo_domain::{AgentId, Event, Scope, StreamId, Timestamp};
use theazo_log::{Filter, Position};
use theazo_projections::ReadModels;
use theazo_providers::ProviderError;

use crate::reactions;
use crate::retry::until_done;
use crate::walk::walk;
use crate::{Host, WorkerError, lifecycle, sweeper};

/// Sandboxes that are made again at the same time.
const ADOPTED_AT_ONCE: usize = 8;
/// How long the read models may take to catch up with the log.
const CATCH_UP: Duration = Duration::from_secs(600);

const LOST: &str = "the server restarted, and nothing of this agent's sandbox is left; \
                    create a new agent, or resume one from a snapshot";
const UNKNOWN_OUTCOME: &str = "the server restarted while this was under way; whether it was \
                               done is not known";

/// Recovers what this host had, and answers the position from which events are to be reacted to.
/// `last_alive`: when it was last known to live, where that is known
/// better than by the log's last commit.
pub(crate) async fn run(
    host: &Arc<Host>,
    reads: &ReadModels,
    last_alive: Option<Timestamp>,
) -> Result<Position, WorkerError> {
    let head = caught_up(host, reads).await?;
    let last_alive = match last_alive {
        Some(at) => Some(at),
        None => last_time(host, head).await?,
    };
    executions(host, reads, Whose::Own).await?;
    file_operations(host, reads, Whose::Own).await?;
    let ran = agents(host, reads).await?;
    tokio::spawn(readopt_all(host.clone(), ran, last_alive));
    Ok(head)
}

/// Waits until the read models have what the log has now: answers up to where.
pub(crate) async fn caught_up(host: &Host, reads: &ReadModels) -> Result<Position, WorkerError> {
    let head = host.commander.log().head().await?;
    match reads.wait_for(head, CATCH_UP).await {
        true => Ok(head),
        false => Err(WorkerError::Lagging),
    }
}

/// Says of what was under way in these agents, whose host is lost, that nothing is known of it.
pub(crate) async fn settle_lost_work(
    host: &Arc<Host>,
    reads: &ReadModels,
    agents: &HashSet<AgentId>,
) {
    let settled = async {
        executions(host, reads, Whose::Of(agents)).await?;
        file_operations(host, reads, Whose::Of(agents)).await
    };
    if let Err(error) = settled.await {
        // Its host does so when it comes back.
        tracing::error!(%error, "what was under way on a lost host is not settled");
    }
}

/// Whose work is looked at.
#[derive(Clone, Copy)]
enum Whose<'a> {
    /// Of the agents that this host owns, and of those that nobody does any more.
    Own,
    Of(&'a HashSet<AgentId>),
}

impl Whose<'_> {
    async fn includes(self, host: &Host, scope: Scope, id: AgentId) -> Result<bool, CommandError> {
        match self {
            Whose::Own if host.sole => Ok(true),
            Whose::Own => {
                let agent = host.load_agent(scope, id).await?;
                Ok(agent.is_none_or(|agent| agent.state.is_final() || host.owns(&agent)))
            }
            Whose::Of(agents) => Ok(agents.contains(&id)),
        }
    }
}

fn unknown() -> Failure {
    Failure { code: "provider_error".to_owned(), message: UNKNOWN_OUTCOME.to_owned() }
}

/// When the last thing happened: nothing is billed beyond it.
async fn last_time(host: &Host, head: Position) -> Result<Option<Timestamp>, WorkerError> {
    let before = Position(head.0.saturating_sub(1));
    let last = host.commander.log().read(&Filter::all(), before, 1).await?;
    Ok(last.first().map(|commit| commit.time))
}

async fn executions(host: &Host, reads: &ReadModels, whose: Whose<'_>) -> Result<(), WorkerError> {
    let mut rows = pin!(walk(|after, limit| reads.unfinished_executions(after, limit)));
    while let Some(found) = rows.try_next().await? {
        if !whose.includes(host, found.scope, found.row.value.agent_id).await? {
            continue;
        }
        let stream = StreamId::execution(found.scope, found.row.value.id);
        let fail = ExecutionCommand::Fail { failure: unknown() };
        let origin = host.origin(found.scope);
        host.commander.execute::<Execution>(&origin, &stream, &fail).await?;
    }
    Ok(())
}

async fn file_operations(
    host: &Host,
    reads: &ReadModels,
    whose: Whose<'_>,
) -> Result<(), WorkerError> {
    let mut rows = pin!(walk(|after, limit| reads.unfinished_file_operations(after, limit)));
    while let Some(found) = rows.try_next().await? {
        if !whose.includes(host, found.scope, found.row.value.agent_id).await? {
            continue;
        }
        let stream = StreamId::file_operation(found.scope, found.row.value.id);
        let fail = FileOperationCommand::Fail { failure: unknown() };
        let origin = host.origin(found.scope);
        host.commander.execute::<FileOperation>(&origin, &stream, &fail).await?;
    }
    Ok(())
}

/// Creates the agents that their session admitted and that were not created, ends those whose
/// session has ended, and gives back the places of those that have ended.
pub(crate) async fn admissions(host: &Host, reads: &ReadModels) -> Result<(), WorkerError> {
    let mut rows = pin!(walk(|after, limit| reads.sessions_holding_agents(after, limit)));
    while let Some(found) = rows.try_next().await? {
        let session = &found.row.value.session;
        for agent in &session.agents {
            match host.load_agent(found.scope, *agent).await? {
                None => {
                    let session = StreamId::session(found.scope, session.id);
                    finish_admission(host, &session, *agent).await?;
                }
                Some(ended) if ended.state.is_final() => {
                    lifecycle::settle(host, found.scope, *agent, Position::START).await;
                }
                Some(_) => {}
            }
        }
        if session.status == SessionStatus::Ended {
            reactions::end_agents(host, found.scope, session.id).await;
        }
    }
    Ok(())
}

async fn finish_admission(
    host: &Host,
    session: &StreamId,
    agent: AgentId,
) -> Result<(), WorkerError> {
    for commit in host.commander.log().read_stream(session, Position::START).await? {
        let admits = |event: &Event| {
            matches!(event, Event::Session(SessionEvent::AgentAdmitted { agent_id, .. })
                if *agent_id == agent)
        };
        if commit.events.iter().any(admits) {
            reactions::finish_admission(host, &commit).await;
        }
    }
    Ok(())
}

/// Looks at every agent of this host that has not ended; answers those that ran, which are to be
/// made again.
async fn agents(host: &Arc<Host>, reads: &ReadModels) -> Result<Vec<(Scope, Agent)>, WorkerError> {
    let mut ran = Vec::new();
    let mut rows = pin!(walk(|after, limit| reads.all_live(after, limit)));
    while let Some(found) = rows.try_next().await? {
        let (scope, agent) = (found.scope, found.row.value);
        if !host.owns(&agent) {
            continue;
        }
        host.hold(scope, agent.id);
        end_with_session(host, scope, &agent).await?;
        if matches!(agent.state, AgentState::Idle | AgentState::Running) {
            host.recovering.begin(agent.id);
            ran.push((scope, agent));
        } else {
            lifecycle::settle(host, scope, agent.id, Position::START).await;
        }
    }
    Ok(ran)
}

async fn end_with_session(host: &Host, scope: Scope, agent: &Agent) -> Result<(), CommandError> {
    let session = StreamId::session(scope, agent.session_id);
    let session = host.commander.load::<Session>(&session).await?.state;
    if session.is_some_and(|session| session.status == SessionStatus::Ended) {
        let reason = "the session ended".to_owned();
        let terminate = AgentCommand::RequestTerminate { reason };
        host.commander.agent(&host.origin(scope), agent.id, &terminate).await?;
    }
    Ok(())
}

/// Makes the sandboxes again that the process before this one held, over the files that they had.
/// Runs go on meanwhile: a step that needs its sandbox waits for it. What is nobody's is swept
/// last.
async fn readopt_all(host: Arc<Host>, ran: Vec<(Scope, Agent)>, last_alive: Option<Timestamp>) {
    stream::iter(ran)
        .for_each_concurrent(ADOPTED_AT_ONCE, |(scope, agent)| {
            let host = host.clone();
            async move { readopt(&host, scope, &agent, last_alive).await }
        })
        .await;
    sweeper::sweep(&host).await;
}

async fn readopt(host: &Host, scope: Scope, agent: &Agent, last_alive: Option<Timestamp>) {
    let adopted = match host.providers.get(agent.spec.provider) {
        Ok(provider) => provider.adopt(lifecycle::spec(scope, agent, agent.spec.snapshot_id)).await,
        Err(error) => Err(error),
    };
    let recovered = AgentCommand::Recovered { host: host.name.clone(), lost_at: last_alive };
    let outcome = match adopted {
        Ok(()) => recovered,
        // It was being ended: that its sandbox is gone is as it should be.
        Err(_) if agent.pending.as_ref().is_some_and(Pending::ends) => recovered,
        Err(error) => {
            let message = match error {
                ProviderError::NoSandbox => LOST.to_owned(),
                error => format!("{LOST} ({error})"),
            };
            let failure = Failure { code: "provider_error".to_owned(), message };
            AgentCommand::Fail { failure, lost_at: last_alive }
        }
    };
    until_done("an agent is not recovered yet", || async {
        host.commander.agent(&host.origin(scope), agent.id, &outcome).await.map(|_| ())
    })
    .await;
    host.recovering.end(agent.id);
    lifecycle::settle(host, scope, agent.id, Position::START).await;
}
