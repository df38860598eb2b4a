//! `write_file`: a whole file of the agent's workspace.

use std::sync::LazyLock;

use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::locks::FileLocks;
use super::paths::absolute;
use super::sandbox::{Refusal, answer, parse, within};
use super::{Tool, ToolContext, ToolError, ToolOutput, ToolSpec};

static SPEC: LazyLock<ToolSpec> = LazyLock::new(|| ToolSpec {
    name: "write_file",
    description: "Write a text file, replacing it when it is there; missing folders are made. To \
        change a part of a file use edit_file.",
    input_schema: json!({
        "type": "object",
        "properties": {
            "path": {
                "type": "string", "minLength": 1,
                "description": "Below /workspace; a relative path starts there."
            },
            "content": { "type": "string", "description": "The whole file." }
        },
        "required": ["path", "content"],
        "additionalProperties": false
    }),
    repeatable: true,
    mutates: true,
});

#[derive(Deserialize)]
struct Input {
    path: String,
    content: String,
}

pub struct WriteFile(pub FileLocks);

#[async_trait]
impl Tool for WriteFile {
    fn spec(&self) -> &ToolSpec {
        &SPEC
    }

    async fn call(&self, context: &ToolContext, input: Value) -> Result<ToolOutput, ToolError> {
        answer(write(&self.0, context, input).await)
    }
}

async fn write(
    locks: &FileLocks,
    context: &ToolContext,
    input: Value,
) -> Result<ToolOutput, Refusal> {
    let Input { path, content } = parse(input)?;
    let path = absolute(&path)?;
    let written =
        format!("wrote {path}: {} lines, {} bytes", content.lines().count(), content.len());
    let _guard = locks.lock(&context.sandbox, &path).await;
    let data = Bytes::from(content);
    within(context, context.provider.write_file(&context.sandbox, &path, data)).await?;
    Ok(ToolOutput::text(written))
}
