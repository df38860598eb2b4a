//! Tasks as the API shows them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use theazo_domain::agent;
use theazo_domain::pricing::TokenUsage;
use theazo_domain::task::{self, TaskStatus};
use theazo_domain::{AgentId, Money, SessionId, TaskId, Timestamp};
use utoipa::{IntoParams, ToSchema};

use super::common;
use crate::error::ApiError;

/// Which tasks go first: `high` before `normal` before `low`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = TaskPriority)]
pub enum Priority {
    High,
    #[default]
    Normal,
    Low,
}

impl From<Priority> for task::Priority {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::High => task::Priority::High,
            Priority::Normal => task::Priority::Normal,
            Priority::Low => task::Priority::Low,
        }
    }
}

impl From<task::Priority> for Priority {
    fn from(priority: task::Priority) -> Self {
        match priority {
            task::Priority::High => Priority::High,
            task::Priority::Normal => Priority::Normal,
            task::Priority::Low => Priority::Low,
        }
    }
}

/// Where a task is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = TaskStatus)]
pub enum Status {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl Status {
    pub const fn domain(self) -> TaskStatus {
        match self {
            Status::Queued => TaskStatus::Queued,
            Status::Running => TaskStatus::Running,
            Status::Completed => TaskStatus::Completed,
            Status::Failed => TaskStatus::Failed,
            Status::Cancelled => TaskStatus::Cancelled,
        }
    }
}

impl From<TaskStatus> for Status {
    fn from(status: TaskStatus) -> Self {
        match status {
            TaskStatus::Queued => Status::Queued,
            // That it holds no worker while it waits is the platform's business.
            TaskStatus::Running | TaskStatus::Suspended => Status::Running,
            TaskStatus::Completed => Status::Completed,
            TaskStatus::Failed => Status::Failed,
            TaskStatus::Cancelled => Status::Cancelled,
        }
    }
}

/// Which tasks of a session to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListTasks {
    /// Only tasks with this status.
    #[param(inline)]
    pub status: Option<Status>,
    /// 1 to 100; 25 when absent.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}

/// A task: one run of an agent, from its submission to its end.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    #[schema(value_type = String, example = "task_01HX0000000000000000000001")]
    pub id: TaskId,
    /// The same as `id`.
    #[schema(value_type = String, example = "task_01HX0000000000000000000001")]
    pub task_id: TaskId,
    #[schema(value_type = String, example = "ses_01HX0000000000000000000001")]
    pub session_id: SessionId,
    #[schema(value_type = String, example = "agt_01HX0000000000000000000001")]
    pub agent_id: AgentId,
    pub status: Status,
    pub priority: Priority,
    /// 0 to 1, as the agent reports it.
    #[schema(minimum = 0, maximum = 1, example = 0.65)]
    pub progress: f64,
    /// What the agent last reported that it does.
    #[schema(example = "Processing 45 of 200 items…")]
    pub message: String,
    /// The final text; of a failed task, what there was of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskFailure>,
    /// Paths of the files that it made or changed.
    #[schema(example = json!(["/workspace/report.pdf"]))]
    pub artifacts: Vec<String>,
    /// Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCall>>,
    /// Of its model calls and of the compute while it was worked on.
    #[schema(value_type = common::Money)]
    pub cost: Money,
    /// Milliseconds that it has been worked on.
    pub duration: u64,
    /// Workers that took it up so far.
    pub attempt: u32,
    /// Model calls that it began.
    pub model_calls: u32,
    pub usage: Tokens,
    /// A model without a known price was called: the cost is too low.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpriced: Option<bool>,
    /// Whether a webhook is told when it has ended; absent when none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<bool>,
    /// The task that this one does again.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<TaskId>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// Why a task failed: a code of the errors' table, and what to do about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskFailure {
    #[schema(example = "provider_error")]
    pub code: String,
    pub message: String,
}

impl From<&agent::Failure> for TaskFailure {
    fn from(failure: &agent::Failure) -> Self {
        Self { code: failure.code.clone(), message: failure.message.clone() }
    }
}

/// One call of a tool.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToolCall {
    /// The model's id of the call.
    pub id: String,
    #[schema(example = "web_search")]
    pub name: String,
    /// As the model gave it; a text where that is not JSON.
    pub input: Value,
    /// What the model was told; an object where that is one as JSON. Absent until there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    pub is_error: bool,
    pub duration_ms: u64,
}

/// Tokens, each counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    /// Of prompts, neither read from a cache nor written to one.
    pub input_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_write_tokens: u64,
    /// Everything that the model wrote, its reasoning included.
    pub output_tokens: u64,
    /// How much of `outputTokens` was reasoning.
    pub reasoning_tokens: u64,
    /// The vendor did not say; counted by us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated: Option<bool>,
}

impl From<&TokenUsage> for Tokens {
    fn from(usage: &TokenUsage) -> Self {
        Self {
            input_tokens: usage.input,
            cache_read_tokens: usage.cache_read,
            cache_write_tokens: usage.cache_write_short.saturating_add(usage.cache_write_long),
            output_tokens: usage.output,
            reasoning_tokens: usage.reasoning,
            estimated: usage.estimated.then_some(true),
        }
    }
}

/// What a run came to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunResult {
    #[schema(value_type = String, example = "task_01HX0000000000000000000001")]
    pub task_id: TaskId,
    /// The final text.
    pub output: String,
    /// Paths of the files that it made or changed.
    pub artifacts: Vec<String>,
    #[schema(value_type = common::Money)]
    pub cost: Money,
    /// Milliseconds that it was worked on.
    pub duration: u64,
    pub tool_calls: Vec<ToolCall>,
}

/// How long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WaitQuery {
    /// `30s`, `5m`, or milliseconds (`1500`, `1500ms`); at most 10 minutes. Default: `30s`.
    #[param(example = "30s")]
    timeout: Option<String>,
}

impl WaitQuery {
    const DEFAULT_MS: u64 = 30_000;
    /// Milliseconds: 10 minutes.
    pub const MAX_MS: u64 = 600_000;

    /// # Errors
    /// 422 when it is not a duration, or longer than 10 minutes.
    pub fn patience(&self) -> Result<std::time::Duration, ApiError> {
        let Some(text) = &self.timeout else {
            return Ok(std::time::Duration::from_millis(Self::DEFAULT_MS));
        };
        let wrong = |message: &str| ApiError::invalid("timeout", message);
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit = match unit {
            "" | "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            _ => return Err(wrong("must be like `30s`, `5m` or `1500` (milliseconds)")),
        };
        if number.is_empty() {
            return Err(wrong("must be like `30s`, `5m` or `1500` (milliseconds)"));
        }
        // More digits than a u64 has are longer than ten minutes too.
        let millis = number.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(unit);
        if millis > Self::MAX_MS {
            return Err(wrong("must be at most 10 minutes; wait again when it is over"));
        }
        Ok(std::time::Duration::from_millis(millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience(text: &str) -> Option<u128> {
        let query = WaitQuery { timeout: Some(text.to_owned()) };
        query.patience().ok().map(|patience| patience.as_millis())
    }

    #[test]
    fn waits_are_read_in_every_unit() {
        for (text, millis) in
            [("30s", 30_000), ("5m", 300_000), ("1500", 1_500), ("1500ms", 1_500), ("0", 0)]
        {
            assert_eq!(patience(text), Some(millis), "{text}");
        }
        assert_eq!(patience("10m"), Some(600_000));
        for text in ["", "s", "11m", "601s", "600001", "-1", "1.5s", "1h", "99999999999999999999m"]
        {
            assert_eq!(patience(text), None, "{text}");
        }
        assert!(WaitQuery { timeout: None }.patience().is_ok());
    }
}
