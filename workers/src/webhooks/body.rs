//! What a webhook says: the seed's task payload.

use serde::Serialize;
use theazo_commands::{CommandError, Commander, TaskPart, now};
use theazo_domain::agent::{Agent, Failure};
use theazo_domain::task::{Task, TaskStatus};
use theazo_domain::{AgentId, Money, Scope, SessionId, TaskId, Timestamp};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'t> {
    r#type: &'static str,
    task_id: TaskId,
    session_id: SessionId,
    agent_id: AgentId,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'t Failure>,
    artifacts: Vec<&'t str>,
    cost: Money,
    /// Milliseconds.
    duration: u64,
    finished_at: Option<Timestamp>,
}

/// The body of the webhook of a task that has ended.
pub(super) async fn of(
    commander: &Commander,
    scope: Scope,
    task: &Task,
    agent: Option<&Agent>,
) -> Result<Vec<u8>, CommandError> {
    let output = match &task.output {
        Some(output) => {
            Some(commander.open_task_text(scope, task.id, TaskPart::Output, output).await?)
        }
        None => None,
    };
    let body = Body {
        r#type: match task.status {
            TaskStatus::Completed => "task.completed",
            TaskStatus::Cancelled => "task.cancelled",
            _ => "task.failed",
        },
        task_id: task.id,
        session_id: task.session_id,
        agent_id: task.agent_id(),
        status: task.status.as_str(),
        output,
        error: task.failure.as_ref(),
        artifacts: task.artifacts.iter().map(|artifact| artifact.path.as_str()).collect(),
        cost: task.cost_at(agent.map(|agent| &agent.spec.price), now()).to_money(),
        duration: task.active_millis,
        finished_at: task.finished_at,
    };
    serde_json::to_vec(&body).map_err(|error| CommandError::Unavailable(error.to_string()))
}
