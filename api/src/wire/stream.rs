//! The events of a stream, as its readers see them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use theazo_domain::{AgentId, Money, TaskId};
use utoipa::{IntoParams, ToSchema};

use super::common;
use super::task::RunResult;

/// Where a stream begins.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// `start`: with the resource's whole history.
    #[param(inline)]
    pub from: Option<From>,
    /// The same as the header `Last-Event-ID`, for clients that cannot send it.
    pub last_event_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = StreamFrom)]
pub enum From {
    Start,
}

/// One event: `event` is its name in the stream, `data` the JSON of its `data:` line, and the `id:`
/// beside them is what `Last-Event-ID` takes.
#[derive(ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum StreamEvent {
    Status(Status<'static>),
    Thinking(Thinking<'static>),
    Text(Text<'static>),
    ToolCall(ToolCall<'static>),
    ToolResult(ToolResult<'static>),
    Progress(Progress),
    Output(Output),
    Error(Error<'static>),
    Done(Done),
}

/// Something began, waits, goes on, or is tried again. Of the task where `taskId` is set, of the
/// agent where `agentId` is.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StatusEvent)]
pub struct Status<'a> {
    /// A task: `queued`, `running`, `paused`, `cancelling`. An agent: its state.
    #[schema(example = "running")]
    pub status: &'a str,
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// Which attempt at the task: after the first, a worker was lost or stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
    /// The model call with this step broke off: its `text` and `thinking` are void. Where it is
    /// made again, its text comes with another step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discarded_step: Option<u32>,
}

/// More of the reasoning that the model shows.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ThinkingEvent)]
pub struct Thinking<'a> {
    pub text: &'a str,
    /// The model call that it is of.
    pub step: u32,
    #[schema(value_type = String)]
    pub task_id: TaskId,
}

/// More of the model's text.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TextEvent)]
pub struct Text<'a> {
    /// The deltas of one step, joined, are the text of that model call.
    pub delta: &'a str,
    pub step: u32,
    #[schema(value_type = String)]
    pub task_id: TaskId,
}

/// The model asks for a tool.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ToolCallEvent)]
pub struct ToolCall<'a> {
    /// The model's id of the call: the `tool_result` has the same.
    pub id: &'a str,
    #[schema(example = "web_search")]
    pub tool: &'a str,
    /// As the model gave it; a text where that is not JSON.
    #[schema(value_type = Object)]
    pub input: Value,
    pub step: u32,
    #[schema(value_type = String)]
    pub task_id: TaskId,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ToolResultEvent)]
pub struct ToolResult<'a> {
    pub id: &'a str,
    pub tool: &'a str,
    /// What the model is told.
    pub output: String,
    pub is_error: bool,
    pub duration_ms: u64,
    pub step: u32,
    #[schema(value_type = String)]
    pub task_id: TaskId,
}

/// What the agent says of its progress.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProgressEvent)]
pub struct Progress {
    /// 0 to 1.
    #[schema(minimum = 0, maximum = 1, example = 0.65)]
    pub progress: f64,
    /// Absent where it said nothing new.
    #[schema(example = "Searching the web...")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[schema(value_type = String)]
    pub task_id: TaskId,
}

/// The task's final text, whole; of a failed task, what there was of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OutputEvent)]
pub struct Output {
    pub text: String,
    #[schema(value_type = common::Money)]
    pub cost: Money,
    #[schema(value_type = String)]
    pub task_id: TaskId,
}

/// The task has failed or was cancelled (`code` is `cancelled`), and this is its last event; or the
/// stream was cut, and goes on when it is asked for again.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ErrorEvent)]
pub struct Error<'a> {
    #[schema(example = "provider_error")]
    pub code: &'a str,
    pub message: &'a str,
    /// Only the stream was cut, not the run: connect again with the `Last-Event-ID` of the last
    /// event that had one. Such an event has no `id` of its own.
    pub resumable: bool,
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
}

/// The task is completed, and this is its last event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DoneEvent)]
pub struct Done {
    pub result: RunResult,
    #[schema(value_type = String)]
    pub task_id: TaskId,
}
