//! What the run loop and a tool say to each other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::Value;
use theazo_providers::{Provider, SandboxId};

/// What a tool is, for the model and for the loop.
#[derive(Debug, Clone)]
pub struct ToolSpec {
    pub name: &'static str,
    /// For the model: what it does, and when to use it.
    pub description: &'static str,
    /// A JSON Schema of type `object`; arguments are checked against it before the call.
    pub input_schema: Value,
    /// Whether it may be done again when what came of it is not known: after a crash it is, and
    /// one that is not is told to the model as unknown.
    pub repeatable: bool,
    /// Whether it changes anything. In doubt it does.
    pub mutates: bool,
}

/// What a call may use.
pub struct ToolContext {
    pub provider: Arc<dyn Provider>,
    pub sandbox: SandboxId,
    /// The agent's secrets, as variables for code.
    pub env: BTreeMap<String, SecretString>,
    /// How long the call may take: what is left of the run, and never longer than an exec may.
    pub patience: Duration,
    /// The whole outputs of the run's calls before this one.
    pub outputs: Arc<dyn Outputs>,
}

/// The outputs of a run that were too long to be shown whole.
#[async_trait]
pub trait Outputs: Send + Sync {
    /// The whole output of tool call `step`; `None` when there is no such call.
    async fn whole(&self, step: u32) -> Result<Option<String>, ToolError>;
}

/// What a call came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolOutput {
    /// For the model, whole: the loop shortens it.
    pub text: String,
    /// Something that the model should know did not work: it is told, and goes on.
    pub is_error: bool,
    /// What it says about the task; recorded with the outcome.
    pub notes: Vec<Note>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    Progress {
        /// Thousandths.
        progress: Option<u16>,
        message: Option<String>,
    },
    /// An absolute path below `/workspace`.
    Artifact(String),
}

/// Why the run cannot go on after a call. What the model can mend is not one of these.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ToolError {
    /// The sandbox is gone.
    #[error("the sandbox ended while a tool was running")]
    Gone,
    /// The log, the vault or the blob store cannot be reached.
    #[error("{0}")]
    Unavailable(String),
}

impl ToolOutput {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub fn error(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_error: true, notes: vec![] }
    }
}

/// One tool. `input` has passed the schema. Dropping the future stops what it does.
#[async_trait]
pub trait Tool: Send + Sync {
    fn spec(&self) -> &ToolSpec;

    async fn call(&self, context: &ToolContext, input: Value) -> Result<ToolOutput, ToolError>;
}
