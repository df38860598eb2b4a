//! How an attempt begins: from what the log says, whoever wrote it.

use std::sync::Arc;
use std::time::Duration;

use theazo_commands::TaskPart;
use theazo_domain::agent::{Agent, Failure};
use theazo_domain::task::{Entry, Task};
use theazo_domain::{Scope, tool};
use theazo_models::{Route, RouteError, Secrets};
use tokio::time::Instant;

use super::conversation::Conversation;
use super::{Run, RunError, Runner, Stopper};

/// Why a run cannot begin; for the task's failure.
#[derive(Debug)]
pub(crate) struct Unfit(pub Failure);

impl From<RouteError> for Unfit {
    fn from(error: RouteError) -> Self {
        let message = format!("{error}");
        Unfit(Failure { code: "unprocessable_entity".to_owned(), message })
    }
}

impl Run {
    /// Makes ready what the attempt needs. `task` was started by it, and `agent` works on it.
    pub async fn prepare(
        runner: Arc<Runner>,
        scope: Scope,
        (task, agent): (Arc<Task>, Arc<Agent>),
        stopper: &Stopper,
    ) -> Result<Result<Self, Unfit>, RunError> {
        let (route, secrets) = match route_of(&runner, scope, &agent).await? {
            Ok(found) => found,
            Err(unfit) => return Ok(Err(unfit)),
        };
        let commander = &runner.host.commander;
        let input = commander.open_task_text(scope, task.id, TaskPart::Input, &task.input).await?;
        let conversation = Conversation::of(commander, scope, &task, &input).await?;
        let own_prices = commander.model_prices(scope).await?;
        let seconds = agent.spec.timeout;
        let spent = Duration::from_millis(task.active_millis);
        let left = Duration::from_secs(u64::from(seconds)).saturating_sub(spent);
        let named = agent.spec.tools.iter().map(String::as_str);
        let tools = runner.tools.schemas(named.chain(tool::ALWAYS.iter().copied()));
        Ok(Ok(Self {
            signal: stopper.signal(Instant::now() + left, seconds),
            tools: tools.into(),
            filled: last_fill(&task),
            runner,
            scope,
            task,
            agent,
            input,
            route,
            secrets,
            conversation,
            own_prices,
            begun: None,
            reserved: super::budget::Reserved::default(),
            gate: None,
            broken: 0,
            reported_at: Instant::now(),
        }))
    }

    /// Model calls that an attempt before this one began have no outcome and never will. Tool calls
    /// are carried out again, or said to be unknown, when their turn comes.
    pub(super) async fn close_what_was_lost(&mut self) -> Result<(), RunError> {
        let lost = self.task.unfinished().filter(|step| step.as_model().is_some());
        let entries: Vec<Entry> = lost
            .map(|step| Entry::ModelCallFailed {
                step: step.number,
                failure: Failure {
                    code: "restart".to_owned(),
                    message: "the worker that made the call was lost".to_owned(),
                },
                usage: None,
            })
            .collect();
        if entries.is_empty() {
            return Ok(());
        }
        self.report(entries).await.map(|_| ())
    }
}

/// The agent's model, and the keys that it takes.
async fn route_of(
    runner: &Runner,
    scope: Scope,
    agent: &Agent,
) -> Result<Result<(Route, Secrets), Unfit>, RunError> {
    let route = match runner.models.route(agent.spec.model.as_ref(), scope.mode) {
        Ok(route) => route,
        Err(error) => return Ok(Err(error.into())),
    };
    let names: Vec<String> = route.secret_names().into_iter().map(str::to_owned).collect();
    let found = runner.host.commander.reveal_secrets(scope, agent.session_id, &names).await?;
    if let Some(missing) = names.iter().find(|name| !found.contains_key(*name)) {
        return Ok(Err(Unfit(Failure {
            code: "unprocessable_entity".to_owned(),
            message: format!(
                "The secret `{missing}`, which the model's credentialRef names, is not set; set it \
                 with POST /v1/secrets {{\"name\": \"{missing}\", \"value\": …}}."
            ),
        })));
    }
    Ok(Ok((route, found.into_iter().collect())))
}

/// Tokens that the last call of the model filled its window with.
fn last_fill(task: &Task) -> u64 {
    let mut calls = task.steps.iter().rev().filter_map(|step| step.as_model());
    let last = calls.find(|call| call.turn.is_some());
    last.and_then(|call| call.usage.as_ref())
        .map_or(0, |usage| usage.tokens.prompt().saturating_add(usage.tokens.output))
}
