//! `list_files`: what is in a folder of the agent's workspace.

use std::sync::LazyLock;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::paths::absolute;
use super::sandbox::{Refusal, answer, parse, within};
use super::{Tool, ToolContext, ToolError, ToolOutput, ToolSpec};

static SPEC: LazyLock<ToolSpec> = LazyLock::new(|| ToolSpec {
    name: "list_files",
    description: "List one folder: its folders (with a slash at the end) and its files with their \
        sizes. For whole trees use run_code with find.",
    input_schema: json!({
        "type": "object",
        "properties": {
            "path": {
                "type": "string",
                "description": "A folder below /workspace, which is the default."
            }
        },
        "additionalProperties": false
    }),
    repeatable: true,
    mutates: false,
});

#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    path: String,
}

pub struct ListFiles;

#[async_trait]
impl Tool for ListFiles {
    fn spec(&self) -> &ToolSpec {
        &SPEC
    }

    async fn call(&self, context: &ToolContext, input: Value) -> Result<ToolOutput, ToolError> {
        answer(list(context, input).await)
    }
}

async fn list(context: &ToolContext, input: Value) -> Result<ToolOutput, Refusal> {
    let path = absolute(&parse::<Input>(input)?.path)?;
    let entries = within(context, context.provider.list_files(&context.sandbox, &path)).await?;
    if entries.is_empty() {
        return Ok(ToolOutput::text(format!("{path} is empty")));
    }
    let mut text = format!("{path} has {} entries:\n", entries.len());
    for entry in entries {
        match entry.is_directory {
            true => text.push_str(&format!("{}/\n", entry.name)),
            false => text.push_str(&format!("{}  {} bytes\n", entry.name, entry.size)),
        }
    }
    Ok(ToolOutput::text(text))
}
