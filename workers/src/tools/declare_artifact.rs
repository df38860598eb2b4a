//! `declare_artifact`: a file that belongs to the task's result.

use std::sync::LazyLock;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use theazo_providers::ProviderError;

use super::paths::absolute;
use super::sandbox::{Refusal, answer, parse, within};
use super::{Note, Tool, ToolContext, ToolError, ToolOutput, ToolSpec};

static SPEC: LazyLock<ToolSpec> = LazyLock::new(|| ToolSpec {
    name: "declare_artifact",
    description: "Name a file as a result of the task. Files that you create or change are found \
        by themselves; declare one that was there before, or that the user should see first. \
        The file must exist.",
    input_schema: json!({
        "type": "object",
        "properties": {
            "path": {
                "type": "string", "minLength": 1,
                "description": "Below /workspace; a relative path starts there."
            }
        },
        "required": ["path"],
        "additionalProperties": false
    }),
    repeatable: true,
    mutates: false,
});

#[derive(Deserialize)]
struct Input {
    path: String,
}

pub struct DeclareArtifact;

#[async_trait]
impl Tool for DeclareArtifact {
    fn spec(&self) -> &ToolSpec {
        &SPEC
    }

    async fn call(&self, context: &ToolContext, input: Value) -> Result<ToolOutput, ToolError> {
        answer(declare(context, input).await)
    }
}

async fn declare(context: &ToolContext, input: Value) -> Result<ToolOutput, Refusal> {
    let path = absolute(&parse::<Input>(input)?.path)?;
    let size = size(context, &path).await?;
    let text = format!("{path} ({size} bytes) is an artifact of the task");
    Ok(ToolOutput { notes: vec![Note::Artifact(path)], ..ToolOutput::text(text) })
}

/// The file's size in bytes, learnt without reading it: no file with anything in it is read with a
/// limit of nothing.
async fn size(context: &ToolContext, path: &str) -> Result<u64, Refusal> {
    let call = async { Ok(context.provider.read_file(&context.sandbox, path, 0).await) };
    match within(context, call).await? {
        Ok(data) => Ok(data.len() as u64),
        Err(ProviderError::TooLarge { size, .. }) => Ok(size),
        Err(error) => Err(error.into()),
    }
}
