//! Tasks made readable: what is sealed is opened, and what they cost is added up.

use serde_json::Value;
use theazo_commands::{CommandError, Commander, TaskPart, now};
use theazo_domain::agent::Agent;
use theazo_domain::task::{StepKind, Task, TaskAgent, ToolStep};
use theazo_domain::{Money, Payload, Pico, Scope, StreamId};

use crate::error::ApiError;
use crate::wire::task::{RunResult, Task as Shown, TaskFailure, Tokens, ToolCall};

/// Opens what tasks of one tenant hold.
pub(crate) struct View<'a> {
    pub commander: &'a Commander,
    pub scope: Scope,
}

impl View<'_> {
    /// The task as lists show it.
    pub async fn brief(&self, task: &Task) -> Result<Shown, ApiError> {
        let now = now();
        let duration = task.active_millis_at(now);
        Ok(Shown {
            id: task.id,
            task_id: task.id,
            session_id: task.session_id,
            agent_id: task.agent_id(),
            status: task.status.into(),
            priority: task.priority.into(),
            progress: f64::from(task.progress) / 1_000.0,
            message: self.text(task, TaskPart::Message, &task.message).await?.unwrap_or_default(),
            output: self.text(task, TaskPart::Output, &task.output).await?,
            error: task.failure.as_ref().map(TaskFailure::from),
            artifacts: task.artifacts.iter().map(|artifact| artifact.path.clone()).collect(),
            tool_calls: None,
            cost: self.cost(task, duration).await?,
            duration,
            attempt: task.attempt,
            model_calls: task.model_calls,
            usage: Tokens::from(&task.tokens),
            unpriced: task.unpriced.then_some(true),
            webhook: task.webhook.as_ref().map(|_| true),
            retry_of: task.retry_of,
            created_at: task.created_at,
            started_at: task.started_at,
            finished_at: task.finished_at,
        })
    }

    /// The task with its tool calls: it must have been loaded with its steps.
    pub async fn whole(&self, task: &Task) -> Result<Shown, ApiError> {
        Ok(Shown { tool_calls: Some(self.tool_calls(task).await?), ..self.brief(task).await? })
    }

    /// What a completed task came to.
    pub async fn result(&self, task: &Task) -> Result<RunResult, ApiError> {
        let shown = self.brief(task).await?;
        Ok(RunResult {
            task_id: task.id,
            output: shown.output.unwrap_or_default(),
            artifacts: shown.artifacts,
            cost: shown.cost,
            duration: shown.duration,
            tool_calls: self.tool_calls(task).await?,
        })
    }

    async fn tool_calls(&self, task: &Task) -> Result<Vec<ToolCall>, ApiError> {
        let mut calls = Vec::new();
        for step in &task.steps {
            if let StepKind::Tool(tool) = &step.kind {
                let (input, output) = self.tool(task, step.number, tool).await?;
                calls.push(ToolCall {
                    id: tool.call_id.clone(),
                    name: tool.tool.clone(),
                    input,
                    output,
                    is_error: tool.output.as_ref().is_some_and(|(_, is_error)| *is_error),
                    duration_ms: step.duration_ms,
                });
            }
        }
        Ok(calls)
    }

    /// A tool call's input, and its output once there is one.
    pub async fn tool(
        &self,
        task: &Task,
        step: u32,
        tool: &ToolStep,
    ) -> Result<(Value, Option<Value>), ApiError> {
        let input = self.open(task, TaskPart::ToolInput { step }, &tool.input).await?;
        let input = serde_json::from_str(&input).unwrap_or(Value::String(input));
        let output = match &tool.output {
            Some((output, _)) => {
                let part = TaskPart::ToolOutput { step };
                Some(structured(self.open(task, part, output).await?))
            }
            None => None,
        };
        Ok((input, output))
    }

    pub async fn text(
        &self,
        task: &Task,
        part: TaskPart,
        payload: &Option<Payload>,
    ) -> Result<Option<String>, ApiError> {
        match payload {
            Some(payload) => Ok(Some(self.open(task, part, payload).await?)),
            None => Ok(None),
        }
    }

    pub async fn open(
        &self,
        task: &Task,
        part: TaskPart,
        payload: &Payload,
    ) -> Result<String, CommandError> {
        self.commander.open_task_text(self.scope, task.id, part, payload).await
    }

    /// Its model calls, and its agent's compute while it was worked on.
    async fn cost(&self, task: &Task, active_millis: u64) -> Result<Money, CommandError> {
        let compute = match &task.agent {
            TaskAgent::Own { spec, .. } => spec.price.cost(active_millis),
            TaskAgent::Existing { agent_id } => {
                // An agent's price never changes: what this process remembers is right.
                let stream = StreamId::agent(self.scope, *agent_id);
                let agent = self.commander.load::<Agent>(&stream).await?.state;
                agent.map_or(Pico::ZERO, |agent| agent.spec.price.cost(active_millis))
            }
        };
        Ok((task.model_cost + compute).to_money())
    }
}

/// A tool's output: an object or a list where its text is one as JSON.
pub(crate) fn structured(text: String) -> Value {
    if !text.trim_start().starts_with(['{', '[']) {
        return Value::String(text);
    }
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}
