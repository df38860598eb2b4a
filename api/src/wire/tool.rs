//! Tools as the API shows them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::ToolInfo;

/// Something that an agent can do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    #[schema(example = "write_file")]
    name: String,
    /// What it does, as models are told.
    description: String,
    /// A JSON Schema of what it takes.
    input_schema: serde_json::Value,
    /// Whether it is done again after a crash, when what came of it is not known.
    repeatable: bool,
    /// Whether it changes anything.
    mutates: bool,
    built_in: bool,
    /// Every agent with a model has it, named or not.
    always: bool,
}

impl From<&ToolInfo> for Tool {
    fn from(tool: &ToolInfo) -> Self {
        Self {
            name: tool.name.clone(),
            description: tool.description.clone(),
            input_schema: tool.input_schema.clone(),
            repeatable: tool.repeatable,
            mutates: tool.mutates,
            built_in: true,
            always: theazo_domain::tool::ALWAYS.contains(&tool.name.as_str()),
        }
    }
}
