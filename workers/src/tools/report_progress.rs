//! `report_progress`: how far the agent is.

use std::sync::LazyLock;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::sandbox::{Refusal, answer, parse};
use super::{Note, Tool, ToolContext, ToolError, ToolOutput, ToolSpec};

static SPEC: LazyLock<ToolSpec> = LazyLock::new(|| ToolSpec {
    name: "report_progress",
    description: "Tell the user how far the task is, when it has several steps or takes long. It \
        is shown at once and changes nothing else.",
    input_schema: json!({
        "type": "object",
        "properties": {
            "progress": {
                "type": "number", "minimum": 0, "maximum": 1,
                "description": "The part that is done: 0 to 1."
            },
            "message": {
                "type": "string", "minLength": 1, "maxLength": 500,
                "description": "What is being done now, in a few words."
            }
        },
        "required": ["progress"],
        "additionalProperties": false
    }),
    repeatable: true,
    mutates: false,
});

#[derive(Deserialize)]
struct Input {
    progress: f64,
    message: Option<String>,
}

pub struct ReportProgress;

#[async_trait]
impl Tool for ReportProgress {
    fn spec(&self) -> &ToolSpec {
        &SPEC
    }

    async fn call(&self, _: &ToolContext, input: Value) -> Result<ToolOutput, ToolError> {
        answer(report(input))
    }
}

fn report(input: Value) -> Result<ToolOutput, Refusal> {
    let Input { progress, message } = parse(input)?;
    let note = Note::Progress { progress: Some(thousandths(progress)), message };
    Ok(ToolOutput { notes: vec![note], ..ToolOutput::text("noted") })
}

fn thousandths(progress: f64) -> u16 {
    // In range by the clamp; not a number is nothing done.
    (progress.clamp(0.0, 1.0) * 1_000.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_kept_in_thousandths() {
        assert_eq!(
            [0.0, 0.5, 0.3335, 1.0, 7.0, f64::NAN].map(thousandths),
            [0, 500, 334, 1_000, 1_000, 0]
        );
    }
}
