//! One tool call: what it needs, and the call itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use secrecy::SecretString;
use theazo_commands::{CommandError, TaskPart};
use theazo_domain::task::{Step, Task};
use theazo_domain::{AgentId, Scope};
use theazo_models::ToolCall;
use theazo_providers::GatewayError;

use crate::tools::{Outputs, ToolContext, ToolError, ToolOutput};

use super::{Run, RunError, Runner};

/// What is said of a call whose worker died while it went on.
const UNKNOWN: &str = "The server stopped while this was being done, and whether it was done is \
                       not known. Look before you do it again.";

/// A call that has come to its end.
pub(super) struct Performed {
    pub step: Arc<Step>,
    pub output: Result<ToolOutput, ToolError>,
    pub duration_ms: u64,
}

/// What one call needs.
pub(super) struct Stage {
    runner: Arc<Runner>,
    scope: Scope,
    agent: AgentId,
    /// Whether the agent has this tool.
    enabled: bool,
    env: BTreeMap<String, SecretString>,
    patience: Duration,
    outputs: Arc<dyn Outputs>,
    /// Whether an attempt before this one began it, and it must not be done twice.
    lost: bool,
}

impl Run {
    pub(super) async fn stage(&self, step: &Arc<Step>) -> Result<Stage, RunError> {
        let commander = &self.runner.host.commander;
        let names = &self.agent.spec.secrets;
        let env = match names.is_empty() {
            true => BTreeMap::new(),
            false => commander.reveal_secrets(self.scope, self.task.session_id, names).await?,
        };
        let tool = step.as_tool();
        Ok(Stage {
            runner: self.runner.clone(),
            scope: self.scope,
            agent: self.agent.id,
            enabled: tool.is_some_and(|tool| self.tools.iter().any(|t| t.name == tool.tool)),
            env,
            patience: self.signal.left(),
            outputs: Arc::new(WholeOutputs {
                runner: self.runner.clone(),
                scope: self.scope,
                task: self.task.clone(),
            }),
            lost: step.attempt != self.attempt() && tool.is_some_and(|tool| !tool.repeatable),
        })
    }
}

/// Makes the call of `step`. Dropped, it is stopped.
pub(super) async fn perform(stage: Stage, step: Arc<Step>, call: Option<ToolCall>) -> Performed {
    let began = Instant::now();
    let output = match (&call, stage.lost) {
        (_, true) | (None, _) => Ok(ToolOutput::error(UNKNOWN)),
        (Some(call), false) => stage.call(call).await,
    };
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Performed { step, output, duration_ms }
}

impl Stage {
    async fn call(self, call: &ToolCall) -> Result<ToolOutput, ToolError> {
        let registry = &self.runner.tools;
        let Some(tool) = registry.get(&call.name).filter(|_| self.enabled) else {
            let name = &call.name;
            return Ok(ToolOutput::error(format!("There is no tool `{name}` here.")));
        };
        let input = match registry.check(&call.name, &call.arguments) {
            Ok(input) => input,
            Err(wrong) => return Ok(ToolOutput::error(wrong)),
        };
        let (provider, sandbox) =
            match self.runner.host.sandbox_of_run(self.scope, self.agent).await {
                Ok(there) => there,
                Err(GatewayError::Unavailable { message } | GatewayError::Unknown { message }) => {
                    return Err(ToolError::Unavailable(message));
                }
                Err(_) => return Err(ToolError::Gone),
            };
        let context = ToolContext {
            provider,
            sandbox,
            env: self.env,
            patience: self.patience,
            outputs: self.outputs,
        };
        tool.call(&context, input).await
    }
}

/// The whole outputs of a task's calls, from the log.
struct WholeOutputs {
    runner: Arc<Runner>,
    scope: Scope,
    task: Arc<Task>,
}

#[async_trait]
impl Outputs for WholeOutputs {
    async fn whole(&self, number: u32) -> Result<Option<String>, ToolError> {
        let step = self.task.steps.iter().find(|step| step.number == number);
        let Some(tool) = step.and_then(|step| step.as_tool()) else { return Ok(None) };
        let (part, payload) = match (&tool.whole, &tool.output) {
            (Some(whole), _) => (TaskPart::ToolWhole { step: number }, whole),
            (None, Some((output, _))) => (TaskPart::ToolOutput { step: number }, output),
            (None, None) => return Ok(None),
        };
        let commander = &self.runner.host.commander;
        let text = commander.open_task_text(self.scope, self.task.id, part, payload).await;
        text.map(Some).map_err(|error: CommandError| ToolError::Unavailable(error.to_string()))
    }
}
