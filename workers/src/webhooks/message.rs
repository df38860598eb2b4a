//! What a webhook says, and to whom: of a task that has ended, the seed's payload; of a limit, how
//! far it is used.

use serde::Serialize;
use theazo_commands::{CommandError, Commander, TaskPart, now};
use theazo_domain::agent::{Agent, Failure};
use theazo_domain::delivery::{About, Delivery};
use theazo_domain::session::{LimitKind, Notice, Session};
use theazo_domain::task::{Task, TaskStatus};
use theazo_domain::{AgentId, Day, Money, Pico, Scope, SessionId, StreamId, TaskId, Timestamp};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TaskBody<'t> {
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LimitBody<'s> {
    r#type: &'static str,
    session_id: SessionId,
    user_id: &'s str,
    limit: LimitKind,
    /// Whose `costCap` it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<AgentId>,
    /// What the limit is, of costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_minutes: Option<u64>,
    /// The first day (UTC) of the period that it is about.
    since: Day,
}

/// One webhook's message.
pub(super) struct Message {
    pub url: String,
    pub body: Vec<u8>,
}

/// What `delivery` says; why there is nothing to be said.
pub(super) async fn of(
    commander: &Commander,
    scope: Scope,
    delivery: &Delivery,
) -> Result<Result<Message, &'static str>, CommandError> {
    let (url, body) = match &delivery.about {
        About::Task { task_id } => {
            let stream = StreamId::task(scope, *task_id);
            let Some(task) = commander.load::<Task>(&stream).await?.state else {
                return Ok(Err("its task is gone"));
            };
            let agent = StreamId::agent(scope, task.agent_id());
            let agent = commander.load::<Agent>(&agent).await?.state;
            let part = TaskPart::Webhook;
            let url = commander.open_task_text(scope, task.id, part, &delivery.url).await?;
            (url, of_task(commander, scope, &task, agent.as_deref()).await?)
        }
        About::Limit { notice } => {
            let stream = StreamId::session(scope, delivery.session_id);
            let Some(session) = commander.load::<Session>(&stream).await?.state else {
                return Ok(Err("its session is gone"));
            };
            let url = commander.open_limits_webhook(scope, session.id, &delivery.url).await?;
            (url, of_limit(&session, notice)?)
        }
    };
    Ok(Ok(Message { url, body }))
}

fn of_limit(session: &Session, notice: &Notice) -> Result<Vec<u8>, CommandError> {
    let minutes = notice.limit == LimitKind::MaxComputeMinutes;
    json(&LimitBody {
        r#type: if notice.reached { "session.limit_reached" } else { "session.limit_warning" },
        session_id: session.id,
        user_id: &session.user_id,
        limit: notice.limit,
        agent_id: notice.agent_id,
        max: (!minutes)
            .then(|| Pico::from_cents(i64::try_from(notice.max).unwrap_or(i64::MAX)).to_money()),
        max_minutes: minutes.then_some(notice.max),
        since: notice.since,
    })
}

fn json(body: &impl Serialize) -> Result<Vec<u8>, CommandError> {
    serde_json::to_vec(body).map_err(|error| CommandError::Unavailable(error.to_string()))
}

async fn of_task(
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
    let body = TaskBody {
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
    json(&body)
}
