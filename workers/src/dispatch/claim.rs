//! Takes a task from the queue to its end, or as far as it goes.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use serde::{Deserialize, Serialize};
use theazo_commands::{CommandError, Seed, now};
use theazo_domain::agent::{Agent, AgentCommand, AgentState, Failure};
use theazo_domain::session::Session;
use theazo_domain::task::{
    Ending, RequeueReason, SuspendReason, Task, TaskAgent, TaskCommand, TaskStatus,
};
use theazo_domain::{Rejection, Scope, StreamId, TaskId};

use crate::run::{Run, RunError, Runner, Stop, Stopper};

use super::aftermath;

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Claimed {
    /// Whatever came of it is in the log.
    Told,
    /// Another worker has it, or it has ended meanwhile.
    Lost,
    /// The session has no room for its agent, until one ends or a limit is raised.
    SessionFull,
    /// The log or the vault could not be reached, its agent is on another host, or all that its
    /// session may spend is reserved: it is to be tried again later.
    Failed,
}

/// Claims the task and works on it.
pub(crate) async fn claim(
    runner: Arc<Runner>,
    scope: Scope,
    id: TaskId,
    stopper: Stopper,
) -> Claimed {
    // A panic must not take the task with it: nobody else would look after it.
    match AssertUnwindSafe(try_claim(&runner, scope, id, &stopper)).catch_unwind().await {
        Ok(Ok(claimed)) => return claimed,
        Ok(Err(RunError::Overtaken)) => return Claimed::Lost,
        Ok(Err(RunError::Command(error))) => {
            tracing::warn!(task = %id, %error, "a run broke off; it will go on");
        }
        Err(_) => tracing::error!(task = %id, "a run panicked; it will go on"),
    }
    hand_back(&runner, scope, id).await;
    Claimed::Failed
}

async fn try_claim(
    runner: &Arc<Runner>,
    scope: Scope,
    id: TaskId,
    stopper: &Stopper,
) -> Result<Claimed, RunError> {
    let host = &runner.host;
    let commander = &host.commander;
    let stream = StreamId::task(scope, id);
    let Some(task) = commander.load::<Task>(&stream).await?.state else {
        return Ok(Claimed::Lost);
    };
    if let Some(claimed) = make_agent(runner, scope, &task).await? {
        return Ok(claimed);
    }
    if !is_with_us(runner, scope, &task).await? {
        return Ok(Claimed::Failed);
    }
    let start = TaskCommand::Start { attempt: task.attempt + 1, worker: host.name.clone() };
    let origin = host.origin(scope);
    let task = match commander.task(&origin, id, &start).await {
        Ok(done) => done.state,
        Err(CommandError::Rejected(_)) => return not_ours(runner, scope, &stream, id).await,
        Err(error) => return Err(error.into()),
    };
    if let Some(reason) = task.cancel.clone() {
        // Asked for while the worker before this one was lost.
        return end(runner, scope, &task, Ending::Cancelled { reason }).await;
    }
    if let Some(reason) = &task.cancel {
        // Asked for before this attempt: no event will tell of it.
        stopper.stop(Stop::Cancel { reason: reason.clone() });
    }
    let begin = AgentCommand::StartRun { task_id: id };
    let agent = match commander.agent(&origin, task.agent_id(), &begin).await {
        Ok(done) if takes_steps(&done.state) => done.state,
        // It has the task since before, and has been paused or ended meanwhile.
        Ok(_) => {
            let refused = Rejection::conflict("its agent has ended");
            return not_now(runner, scope, &task, &refused).await;
        }
        Err(CommandError::Rejected(refused)) => {
            return not_now(runner, scope, &task, &refused).await;
        }
        Err(error) => return Err(error.into()),
    };
    match Run::prepare(runner.clone(), scope, (task.clone(), agent), stopper).await? {
        Ok(run) => run.work().await?,
        Err(unfit) => {
            let ending = Ending::Failed { failure: unfit.0, output: None, artifacts: vec![] };
            end(runner, scope, &task, ending).await?;
        }
    }
    Ok(Claimed::Told)
}

fn takes_steps(agent: &Agent) -> bool {
    agent.pending.is_none() && works(agent)
}

/// Another worker was faster, or it was cancelled: then it leaves nothing, also not the agent that
/// has just been made for it.
async fn not_ours(
    runner: &Runner,
    scope: Scope,
    stream: &StreamId,
    id: TaskId,
) -> Result<Claimed, RunError> {
    let now = runner.host.commander.load_fresh::<Task>(stream).await?;
    let status = now.state.map(|task| task.status);
    if status.is_some_and(TaskStatus::is_final) {
        aftermath::settle(&runner.host, scope, id, now.revision).await;
    }
    Ok(if status == Some(TaskStatus::Queued) { Claimed::Failed } else { Claimed::Lost })
}

/// Makes the agent that the task is to have for itself, if it has not been made yet.
async fn make_agent(
    runner: &Runner,
    scope: Scope,
    task: &Task,
) -> Result<Option<Claimed>, RunError> {
    let TaskAgent::Own { agent_id, spec } = &task.agent else { return Ok(None) };
    let commander = &runner.host.commander;
    if runner.host.load_agent(scope, *agent_id).await?.is_some() {
        return Ok(None);
    }
    let seed = Seed::of(&["agent of task", &task.id.to_string()]);
    let origin = runner.host.origin(scope).seeded(seed);
    let spec = spec.as_ref().clone();
    match commander.create_agent(&origin, task.session_id, *agent_id, spec).await {
        Ok(_) => Ok(None),
        Err(CommandError::Rejected(Rejection::LimitExceeded(why))) => {
            full(runner, scope, task, why).await
        }
        Err(CommandError::Rejected(refused)) => {
            let failure = Failure { code: "conflict".to_owned(), message: refused.to_string() };
            abandon(runner, scope, task, failure).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the task's agent works on this host; one that is nowhere is taken here. One that does
/// not work is nowhere in particular: the task will be told that it is paused or has ended.
async fn is_with_us(runner: &Runner, scope: Scope, task: &Task) -> Result<bool, RunError> {
    let host = &runner.host;
    let Some(agent) = host.load_agent(scope, task.agent_id()).await? else { return Ok(true) };
    if host.owns(&agent) || !works(&agent) {
        return Ok(true);
    }
    if agent.host.is_some() {
        return Ok(false);
    }
    let place = AgentCommand::Place { host: host.name.clone(), instead_of: None };
    let placed = host.commander.agent(&host.origin(scope), agent.id, &place).await?;
    Ok(host.owns(&placed.state))
}

fn works(agent: &Agent) -> bool {
    matches!(agent.state, AgentState::Provisioning | AgentState::Idle | AgentState::Running)
}

/// A session that has no room now may have some later: an agent ends, or a limit is raised; or what
/// others have reserved comes back. One that can never have any, or has spent all, ends its task.
async fn full(
    runner: &Runner,
    scope: Scope,
    task: &Task,
    why: String,
) -> Result<Option<Claimed>, RunError> {
    let stream = StreamId::session(scope, task.session_id);
    let session = runner.host.commander.load_fresh::<Session>(&stream).await?.state;
    let waits = session.filter(|session| {
        session.limits.max_agents != Some(0) && !session.is_spent(now()) && !has_no_money(task)
    });
    if let Some(session) = waits {
        let full = session.has_no_room();
        return Ok(Some(if full { Claimed::SessionFull } else { Claimed::Failed }));
    }
    let failure = Failure { code: "session_limit_exceeded".to_owned(), message: why };
    abandon(runner, scope, task, failure).await
}

/// Its agent's own cap leaves it nothing.
fn has_no_money(task: &Task) -> bool {
    let TaskAgent::Own { spec, .. } = &task.agent else { return false };
    spec.cost_cap_pico().is_some_and(|cap| cap.is_zero())
}

async fn abandon(
    runner: &Runner,
    scope: Scope,
    task: &Task,
    failure: Failure,
) -> Result<Option<Claimed>, RunError> {
    let origin = runner.host.origin(scope);
    let abandon = TaskCommand::Abandon { failure };
    runner.host.commander.task(&origin, task.id, &abandon).await?;
    Ok(Some(Claimed::Told))
}

/// The agent did not take the task: it waits, or it cannot go on.
async fn not_now(
    runner: &Runner,
    scope: Scope,
    task: &Task,
    refused: &Rejection,
) -> Result<Claimed, RunError> {
    let host = &runner.host;
    let origin = host.origin(scope);
    let attempt = task.attempt;
    let stream = StreamId::agent(scope, task.agent_id());
    let agent = host.commander.load_fresh::<Agent>(&stream).await?.state;
    let command = match agent.as_deref() {
        Some(agent)
            if agent.state.is_final() || agent.pending.as_ref().is_some_and(|p| p.ends()) =>
        {
            return end(runner, scope, task, ending_with(agent, refused)).await;
        }
        None => return end(runner, scope, task, gone(refused)).await,
        Some(agent) if agent.task.is_some_and(|other| other != task.id) => {
            TaskCommand::Requeue { attempt, reason: RequeueReason::AgentBusy }
        }
        Some(_) => TaskCommand::Suspend { attempt, reason: SuspendReason::AgentPaused },
    };
    host.commander.task(&origin, task.id, &command).await?;
    Ok(Claimed::Told)
}

fn ending_with(agent: &Agent, refused: &Rejection) -> Ending {
    match (&agent.failure, agent.state) {
        (Some(failure), AgentState::Failed) => {
            Ending::Failed { failure: failure.clone(), output: None, artifacts: vec![] }
        }
        _ => gone(refused),
    }
}

fn gone(refused: &Rejection) -> Ending {
    Ending::Cancelled { reason: refused.to_string() }
}

async fn end(
    runner: &Runner,
    scope: Scope,
    task: &Task,
    ending: Ending,
) -> Result<Claimed, RunError> {
    let end = TaskCommand::End { attempt: task.attempt, entries: vec![], ending };
    runner.host.commander.task(&runner.host.origin(scope), task.id, &end).await?;
    Ok(Claimed::Told)
}

/// Puts a task back that this worker had, as far as the log can be reached. If it cannot, the
/// lease runs out.
async fn hand_back(runner: &Runner, scope: Scope, id: TaskId) {
    let host = &runner.host;
    let stream = StreamId::task(scope, id);
    let handed_back = async {
        let Some(task) = host.commander.load_fresh::<Task>(&stream).await?.state else {
            return Ok(());
        };
        if task.worker.as_deref() != Some(host.name.as_str()) {
            return Ok(());
        }
        aftermath::requeue_lost(host, scope, &task).await
    };
    if let Err(error) = handed_back.await {
        let error: CommandError = error;
        tracing::error!(task = %id, %error, "a task could not be handed back; its lease runs out");
    }
}
