//! The steps of a run as the API shows them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use theazo_domain::{Money, Timestamp, task};
use utoipa::{IntoParams, ToSchema};

use super::common;
use super::task::{TaskFailure, Tokens};

/// What a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepType {
    ModelCall,
    ToolCall,
}

/// What a model is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModelPurpose {
    /// The next turn of the run.
    Turn,
    /// A summary that takes the place of all before it, which had outgrown the model's window.
    Summary,
}

/// One model call or one tool call of a run. One without `finishedAt` is under way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// From 0, in the order in which they were begun.
    pub number: u32,
    #[serde(rename = "type")]
    pub kind: StepType,
    /// The attempt that began it.
    pub attempt: u32,
    /// Of a model call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<ModelPurpose>,
    /// Of a model call: the vendor, or the gateway's host.
    #[schema(example = "anthropic")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Of a model call: the model that answered, before that the one that is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Of a model call: why the model stopped.
    #[schema(example = "tools")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish: Option<String>,
    /// What the model said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The reasoning that the model showed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking: Option<String>,
    /// The tools that the model asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<RequestedTool>>,
    /// Of a model call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Tokens>,
    /// Of a model call, rounded by itself: a task's cost is rounded once, from the exact sum.
    #[schema(value_type = Option<common::Money>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// The row of the price table that the cost is by.
    #[schema(example = "anthropic/claude-sonnet-5-5@2026-10-07")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_id: Option<String>,
    /// Of a tool call: the tool's name.
    #[schema(example = "web_search")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Of a tool call: the model's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// Of a tool call: the number of the model call that asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
    /// Of a tool call: as the model gave it; a text where that is not JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// Of a tool call: what the model was told; an object where that is one as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Of a tool call that has ended: whether the model was told of an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_error: Option<bool>,
    /// Why a model call did not come to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskFailure>,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    pub duration_ms: u64,
}

/// A tool that a model asks for.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestedTool {
    /// Unique within its turn.
    pub id: String,
    pub name: String,
    /// As the model gave it; a text where that is not JSON.
    pub input: Value,
}

impl Step {
    /// What is the same for every kind.
    pub fn begun(step: &task::Step) -> Self {
        Self {
            number: step.number,
            kind: StepType::ModelCall,
            attempt: step.attempt,
            purpose: None,
            vendor: None,
            model: None,
            finish: None,
            text: None,
            thinking: None,
            tool_calls: None,
            usage: None,
            cost: None,
            price_id: None,
            tool: None,
            call_id: None,
            of: None,
            input: None,
            output: None,
            is_error: None,
            error: None,
            started_at: step.started_at,
            finished_at: step.finished_at,
            duration_ms: step.duration_ms,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSteps {
    /// 1 to 100; 25 when absent.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}
