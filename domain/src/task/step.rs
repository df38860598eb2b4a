use serde::{Deserialize, Serialize};

use crate::agent::Failure;
use crate::pricing::ModelUsage;
use crate::{Payload, Timestamp};

use super::Purpose;

/// One model call or one tool call of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// From 0, in the order in which they were begun.
    pub number: u32,
    /// The attempt that began it.
    pub attempt: u32,
    #[serde(flatten)]
    pub kind: StepKind,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub duration_ms: u64,
}

#[expect(clippy::large_enum_variant, reason = "every step is behind an `Arc` of its own")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum StepKind {
    Model(ModelStep),
    Tool(ToolStep),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelStep {
    pub purpose: Purpose,
    pub vendor: String,
    pub model: String,
    /// The whole turn and why it ended, when it has come to its end.
    pub turn: Option<(Payload, String)>,
    /// Why it did not come to its end.
    pub failure: Option<Failure>,
    pub usage: Option<ModelUsage>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolStep {
    /// The step of the model call that asked for it.
    pub of: u32,
    pub call_id: String,
    pub tool: String,
    pub input: Payload,
    pub repeatable: bool,
    /// As the model sees it, and whether it is an error.
    pub output: Option<(Payload, bool)>,
    pub whole: Option<Payload>,
}

impl Step {
    /// Whether what came of it is in the log.
    pub const fn is_finished(&self) -> bool {
        self.finished_at.is_some()
    }

    pub const fn as_tool(&self) -> Option<&ToolStep> {
        match &self.kind {
            StepKind::Tool(tool) => Some(tool),
            StepKind::Model(_) => None,
        }
    }

    pub const fn as_model(&self) -> Option<&ModelStep> {
        match &self.kind {
            StepKind::Model(model) => Some(model),
            StepKind::Tool(_) => None,
        }
    }

    /// Bytes of memory that it takes, about.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>()
            + match &self.kind {
                StepKind::Model(model) => {
                    let turn = model.turn.as_ref().map_or(0, |(turn, _)| turn.weight());
                    let failure = model.failure.as_ref().map_or(0, |f| f.message.len());
                    turn + failure
                }
                StepKind::Tool(tool) => {
                    let output = tool.output.as_ref().map(|(output, _)| output);
                    let sealed = [Some(&tool.input), output, tool.whole.as_ref()];
                    let sealed: usize = sealed.into_iter().flatten().map(Payload::weight).sum();
                    tool.call_id.len() + tool.tool.len() + sealed
                }
            }
    }
}
