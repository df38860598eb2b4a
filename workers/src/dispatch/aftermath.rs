//! What the end of a task means for its agent: the run's costs are the agent's too, and an agent
//! that was made for the task ends with it; and somebody may want to be told. Every part can be
//! repeated.

use std::sync::Arc;

use theazo_commands::CommandError;
use theazo_domain::agent::{AgentCommand, Failure};
use theazo_domain::task::{Task, TaskAgent, TaskStatus};
use theazo_domain::{Rejection, Scope, StreamId, TaskId};
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
        webhooks::request(host, scope, &task).await?;
        agent(host, scope, &task).await
    })
    .await;
}

async fn agent(host: &Host, scope: Scope, task: &Task) -> Result<(), CommandError> {
    let origin = host.origin(scope);
    let id = task.agent_id();
    let end = AgentCommand::EndRun { task_id: task.id, model_costs: task.model_costs.clone() };
    let agent = match host.commander.agent(&origin, id, &end).await {
        Ok(done) => done.state,
        // It never had an agent of its own.
        Err(CommandError::Rejected(Rejection::NotFound(_))) => return Ok(()),
        Err(error) => return Err(error),
    };
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
