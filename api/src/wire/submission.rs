//! Tasks as callers ask for them.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use theazo_domain::model::ModelConfig;
use theazo_domain::{AgentId, Money, TaskId};
use utoipa::ToSchema;

use super::common;
use super::task::Priority;
use crate::error::{ApiError, ErrorCode};

/// Bytes of a task's input as JSON.
const INPUT_MAX: usize = 1 << 20;

/// A new task: either for an agent of its own, made of a definition, or for one that is there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubmitTask {
    /// The definition, by id or by name, of the agent that is made for it and goes with it.
    #[schema(example = "researcher")]
    pub agent: Option<String>,
    /// Instead of `agent`: an agent of the session. A busy one takes its tasks one after the other.
    #[schema(value_type = Option<String>)]
    pub agent_id: Option<AgentId>,
    /// What to do: a text, or an object that the model sees as JSON. At most 1 MiB.
    #[schema(value_type = common::Input)]
    pub input: TaskInput,
    /// Which tasks go first. Default: `normal`.
    pub priority: Option<Priority>,
    /// A URL that is told when the task has ended.
    #[schema(max_length = 2_048, example = "https://your-api.com/webhooks/task-complete")]
    pub webhook: Option<String>,
    /// Model calls that it may make. Default: 100.
    #[schema(minimum = 1, maximum = 1_000)]
    pub max_steps: Option<u32>,
    /// With `agent`: goes before the definition's.
    #[schema(value_type = Option<common::Model>)]
    pub model: Option<ModelConfig>,
    /// With `agent`: seconds that the run may take; goes before the definition's.
    #[schema(minimum = 1, maximum = 86_400)]
    pub timeout: Option<u32>,
    /// With `agent`: a hard cap on its cost; goes before the definition's.
    #[schema(value_type = Option<common::Money>)]
    pub cost_cap: Option<Money>,
}

/// A task for one agent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunAgent {
    /// What to do: a text, or an object that the model sees as JSON. At most 1 MiB.
    #[schema(value_type = common::Input)]
    pub task: TaskInput,
    /// Which tasks go first. Default: `normal`.
    pub priority: Option<Priority>,
    /// A URL that is told when the task has ended.
    #[schema(max_length = 2_048)]
    pub webhook: Option<String>,
    /// Model calls that it may make. Default: 100.
    #[schema(minimum = 1, maximum = 1_000)]
    pub max_steps: Option<u32>,
}

/// A task whose answer is waited for. Exactly one of `task` and `input` is given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunSession {
    /// The definition, by id or by name, of the agent that is made for it and goes with it.
    #[schema(example = "researcher")]
    pub agent: String,
    /// What to do: a text, or an object that the model sees as JSON. At most 1 MiB.
    #[schema(value_type = Option<common::Input>)]
    pub task: Option<TaskInput>,
    /// The same as `task`.
    #[schema(value_type = Option<common::Input>)]
    pub input: Option<TaskInput>,
    /// Which tasks go first. Default: `normal`.
    pub priority: Option<Priority>,
    /// A URL that is told when the task has ended.
    #[schema(max_length = 2_048)]
    pub webhook: Option<String>,
    /// Model calls that it may make. Default: 100.
    #[schema(minimum = 1, maximum = 1_000)]
    pub max_steps: Option<u32>,
    /// Goes before the definition's.
    #[schema(value_type = Option<common::Model>)]
    pub model: Option<ModelConfig>,
    /// Seconds that the run may take; goes before the definition's.
    #[schema(minimum = 1, maximum = 86_400)]
    pub timeout: Option<u32>,
    /// A hard cap on its cost; goes before the definition's.
    #[schema(value_type = Option<common::Money>)]
    pub cost_cap: Option<Money>,
}

/// What a task is asked to do: a text or an object, neither of them empty.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskInput(Value);

impl<'de> Deserialize<'de> for TaskInput {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        match Value::deserialize(d)? {
            Value::String(text) if text.trim().is_empty() => {
                Err(D::Error::custom("must not be empty"))
            }
            Value::Object(fields) if fields.is_empty() => {
                Err(D::Error::custom("must not be empty"))
            }
            value @ (Value::String(_) | Value::Object(_)) => Ok(Self(value)),
            _ => Err(D::Error::custom("must be a string or an object")),
        }
    }
}

impl TaskInput {
    /// As JSON.
    ///
    /// # Errors
    /// 413 when it is longer than 1 MiB.
    pub fn into_json(self) -> Result<String, ApiError> {
        let json = self.0.to_string();
        if json.len() > INPUT_MAX {
            let message = format!(
                "The task's input is larger than {INPUT_MAX} bytes as JSON; write it to a file of \
                 an agent and name the file."
            );
            return Err(ApiError::new(ErrorCode::PayloadTooLarge, message));
        }
        Ok(json)
    }
}

/// A task that was begun in the background.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Submitted {
    #[schema(value_type = String, example = "task_01HX0000000000000000000001")]
    pub task_id: TaskId,
    #[schema(value_type = String, example = "agt_01HX0000000000000000000001")]
    pub agent_id: AgentId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_texts_or_objects() {
        let read = |json: &str| serde_json::from_str::<TaskInput>(json);
        for json in [r#""a""#, r#"{"a":[1,null]}"#] {
            assert_eq!(read(json).unwrap().into_json().unwrap(), json);
        }
        for json in [r#""""#, r#"" \n""#, "{}", "[]", "1", "null", "true"] {
            assert!(read(json).is_err(), "{json}");
        }
        let long = serde_json::to_string(&"x".repeat(INPUT_MAX)).unwrap();
        assert_eq!(read(&long).unwrap().into_json().unwrap_err().code, ErrorCode::PayloadTooLarge);
    }
}
