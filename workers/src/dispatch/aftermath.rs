//! What the end of a task means for its agent: the run's costs are the agent's too, and an agent
//! that was made for the task ends with it; and somebody may want to be told. Every part can be
//! repeated.

use std::sync::Arc;

use theazo_commands::CommandError;
use theazo_domain::agent::{Agent, AgentCommand, Failure};
use theazo_domain::session::{Need, Reserve, RunNumber, Session, Spent};
use theazo_domain::task::{RequeueReason, Task, TaskAgent, TaskCommand, TaskStatus};
use theazo_domain::{Scope, StreamId, TaskId};
use theazo_log::Position;

use crate::Host;
use crate::retry::until_done;
use crate::webhooks;

/// Settles what `id`, which has ended by `since`, leaves; keeps at it while the log is out of
/// reach.
pub(crate) async fn settle(host: &Arc<Host>, scope: Scope, id: TaskId, since: Position) {
    until_done("the end of a task is not settled yet", || async {
        let stream = StreamId::task(scope, id);
        let Some(task) = host.commander.load_since::<Task>(&stream, since).await?.state else {
            return Ok(());
        };
        webhooks::request::of_task(host, scope, &task).await?;
        agent(host, scope, &task).await
    })
    .await;
}

/// What the models of an agent have cost, where somebody holds it against a limit, or waits for the
/// last of it.
async fn tell_session(
    host: &Host,
    scope: Scope,
    agent: &Agent,
    spent: Spent,
) -> Result<(), CommandError> {
    let stream = StreamId::session(scope, agent.session_id);
    let Some(session) = host.commander.load::<Session>(&stream).await?.state else { return Ok(()) };
    let released = session.budget.accounts.get(&agent.id).is_some_and(|account| account.released);
    if !released && !session.bounds(agent.id) {
        return Ok(());
    }
    let reserve = Reserve { agent_id: agent.id, spent, need: Need::Nothing };
    host.commander.reserve(&host.origin(scope), agent.session_id, reserve).await.map(|_| ())
}

/// Puts a task back whose worker is lost. What its attempt had reserved goes back first: others
/// would wait for it, who may have to come to their end before it begins again.
pub(super) async fn requeue_lost(
    host: &Host,
    scope: Scope,
    task: &Task,
) -> Result<(), CommandError> {
    give_back(host, scope, task, task.attempt).await?;
    let reason = RequeueReason::WorkerLost;
    let requeue = TaskCommand::Requeue { attempt: task.attempt, reason };
    host.commander.task(&host.origin(scope), task.id, &requeue).await.map(|_| ())
}

/// What this attempt at the task has reserved goes back: nothing of it can be billed any more.
pub(super) async fn give_back(
    host: &Host,
    scope: Scope,
    task: &Task,
    attempt: u32,
) -> Result<(), CommandError> {
    let agent = host.load_agent(scope, task.agent_id()).await?;
    let Some(agent) = agent.filter(|agent| agent.task == Some(task.id)) else { return Ok(()) };
    let run = RunNumber { run: agent.runs, attempt };
    let spent = agent.models_spent_with(&task.model_costs, run);
    tell_session(host, scope, &agent, spent).await
}

async fn agent(host: &Host, scope: Scope, task: &Task) -> Result<(), CommandError> {
    let origin = host.origin(scope);
    let id = task.agent_id();
    // It may never have had an agent of its own.
    let Some(agent) = host.load_agent(scope, id).await? else { return Ok(()) };
    if agent.task == Some(task.id) {
        // Before another run can begin: then what this one had reserved is free.
        let run = RunNumber::over(agent.runs);
        let spent = agent.models_spent_with(&task.model_costs, run);
        tell_session(host, scope, &agent, spent).await?;
    }
    let end = AgentCommand::EndRun { task_id: task.id, model_costs: task.model_costs.clone() };
    let agent = host.commander.agent(&origin, id, &end).await?.state;
    if agent.state.is_final() {
        tell_session(host, scope, &agent, agent.models_spent()).await?;
    }
    let last = match (task.status, &task.agent) {
        (TaskStatus::Completed, TaskAgent::Own { .. }) => Some(AgentCommand::RequestComplete),
        (TaskStatus::Failed, TaskAgent::Own { .. }) => {
            let failure = task.failure.clone().unwrap_or_else(|| Failure {
                code: "internal_error".to_owned(),
                message: "its task failed".to_owned(),
            });
            Some(AgentCommand::Fail { failure, lost_at: None })
        }
        // The seed: a running agent whose task is cancelled is terminated. One that never took it,
        // or has gone on to another, is left alone.
        (TaskStatus::Cancelled, of)
            if agent.last_task == Some(task.id) || matches!(of, TaskAgent::Own { .. }) =>
        {
            let reason = task.cancel.clone().unwrap_or_else(|| "its task was cancelled".to_owned());
            Some(AgentCommand::RequestTerminate { reason })
        }
        _ => None,
    };
    match last {
        Some(command) => host.commander.agent(&origin, id, &command).await.map(|_| ()),
        None => Ok(()),
    }
}
