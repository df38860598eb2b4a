//! What a start finds: intents without outcomes, and agents whose sandbox went with the process
//! that held it. Each is finished, or said to be lost; none is passed over.

use std::collections::HashSet;
use std::time::Duration;

use theazo_commands::CommandError;
use theazo_domain::agent::{Agent, AgentCommand, AgentState, Failure};
use theazo_domain::execution::{Execution, ExecutionCommand};
use theazo_domain::file_operation::{FileOperation, FileOperationCommand};
use theazo_domain::session::{Session, SessionEvent, SessionStatus};
use theazo_domain::{AgentId, Event, Scope, StreamId, Timestamp};
use theazo_log::{Filter, Position};
use theazo_projections::ReadModels;
use theazo_providers::SandboxId;

use crate::reactions;
use crate::{Host, WorkerError, lifecycle, sweeper};

/// Rows looked at together.
const BATCH: u32 = 500;
/// How long the read models may take to catch up with the log.
const CATCH_UP: Duration = Duration::from_secs(600);

const LOST: &str = "the server restarted, and the sandbox of this agent was lost with it; \
                    create a new agent, or resume one from a snapshot";
const UNKNOWN_OUTCOME: &str = "the server restarted while this was under way; whether it was \
                               done is not known";

/// Recovers, and answers the position from which events are to be reacted to.
pub(crate) async fn run(host: &Host, reads: &ReadModels) -> Result<Position, WorkerError> {
    let head = host.commander.log().head().await?;
    if !reads.wait_for(head, CATCH_UP).await {
        return Err(WorkerError::Lagging);
    }
    let last_alive = last_time(host, head).await?;
    executions(host, reads).await?;
    file_operations(host, reads).await?;
    admissions(host, reads).await?;
    agents(host, reads, last_alive).await?;
    sweeper::sweep(host).await;
    Ok(head)
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

async fn executions(host: &Host, reads: &ReadModels) -> Result<(), WorkerError> {
    let mut after = 0;
    loop {
        let batch = reads.unfinished_executions(after, BATCH).await?;
        for found in &batch {
            after = found.row.seq;
            let stream = StreamId::execution(found.scope, found.row.value.id);
            let fail = ExecutionCommand::Fail { failure: unknown() };
            let origin = host.origin(found.scope);
            host.commander.execute::<Execution>(&origin, &stream, &fail).await?;
        }
        if batch.len() < BATCH as usize {
            return Ok(());
        }
    }
}

async fn file_operations(host: &Host, reads: &ReadModels) -> Result<(), WorkerError> {
    let mut after = 0;
    loop {
        let batch = reads.unfinished_file_operations(after, BATCH).await?;
        for found in &batch {
            after = found.row.seq;
            let stream = StreamId::file_operation(found.scope, found.row.value.id);
            let fail = FileOperationCommand::Fail { failure: unknown() };
            let origin = host.origin(found.scope);
            host.commander.execute::<FileOperation>(&origin, &stream, &fail).await?;
        }
        if batch.len() < BATCH as usize {
            return Ok(());
        }
    }
}

/// Creates the agents that their session admitted and that were not created.
async fn admissions(host: &Host, reads: &ReadModels) -> Result<(), WorkerError> {
    let mut after = 0;
    loop {
        let batch = reads.sessions_holding_agents(after, BATCH).await?;
        for found in &batch {
            after = found.row.seq;
            for agent in &found.row.value.session.agents {
                if host.load_agent(found.scope, *agent).await?.is_none() {
                    let session = StreamId::session(found.scope, found.row.value.session.id);
                    finish_admission(host, &session, *agent).await?;
                }
            }
        }
        if batch.len() < BATCH as usize {
            return Ok(());
        }
    }
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

async fn agents(
    host: &Host,
    reads: &ReadModels,
    last_alive: Option<Timestamp>,
) -> Result<(), WorkerError> {
    let there = sandboxes(host).await?;
    let mut after = 0;
    loop {
        let batch = reads.all_live(after, BATCH).await?;
        for found in &batch {
            after = found.row.seq;
            agent(host, found.scope, &found.row.value, &there, last_alive).await?;
        }
        if batch.len() < BATCH as usize {
            return Ok(());
        }
    }
}

/// Every sandbox that the providers have, also of before the restart.
async fn sandboxes(host: &Host) -> Result<HashSet<SandboxId>, WorkerError> {
    let mut there = HashSet::new();
    for (_, provider) in host.providers.iter() {
        there.extend(provider.list().await?.into_iter().map(|sandbox| sandbox.id));
    }
    Ok(there)
}

async fn agent(
    host: &Host,
    scope: Scope,
    agent: &Agent,
    there: &HashSet<SandboxId>,
    last_alive: Option<Timestamp>,
) -> Result<(), CommandError> {
    let origin = host.origin(scope);
    let session = StreamId::session(scope, agent.session_id);
    let session = host.commander.load::<Session>(&session).await?.state;
    if session.is_some_and(|session| session.status == SessionStatus::Ended) {
        let reason = "the session ended".to_owned();
        host.commander.agent(&origin, agent.id, &AgentCommand::RequestTerminate { reason }).await?;
    }
    let ran = matches!(agent.state, AgentState::Idle | AgentState::Running);
    let held = there.contains(&SandboxId::of(agent.id));
    if ran && held {
        host.hold(scope, agent.id);
    } else if ran {
        let failure = Failure { code: "provider_error".to_owned(), message: LOST.to_owned() };
        let fail = AgentCommand::Fail { failure, lost_at: last_alive };
        host.commander.agent(&origin, agent.id, &fail).await?;
    }
    lifecycle::settle(host, scope, agent.id, Position::START).await;
    Ok(())
}
