//! Calls into the agent's sandbox, as tools make them: bounded by the run's patience, and with a
//! provider's refusals sorted into what the model is told and what ends the run.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use theazo_providers::{ExecOutput, ExecRequest, Lang, ProviderError};

use super::{ToolContext, ToolError, ToolOutput};

/// The longest any exec may take (the API reference's limit).
pub const EXEC_LIMIT: Duration = Duration::from_secs(120);
/// How much later than an exec's own timeout we give up on a provider that does not keep it.
const GRACE: Duration = Duration::from_secs(5);

/// Why a tool did not do what it was asked.
#[derive(Debug)]
pub enum Refusal {
    /// The model can do something about it, so it is told.
    Tell(String),
    /// Code was stopped after this time; the model is told.
    TimedOut(Duration),
    /// The run cannot go on.
    End(ToolError),
}

impl From<ProviderError> for Refusal {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Gone | ProviderError::NoSandbox => Self::End(ToolError::Gone),
            ProviderError::Timeout(after) => Self::TimedOut(after),
            error => Self::Tell(error.to_string()),
        }
    }
}

impl From<ToolError> for Refusal {
    fn from(error: ToolError) -> Self {
        Self::End(error)
    }
}

pub fn tell<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Tell(message.into()))
}

/// The answer of a tool's `call`.
pub fn answer(result: Result<ToolOutput, Refusal>) -> Result<ToolOutput, ToolError> {
    match result {
        Ok(output) => Ok(output),
        Err(Refusal::Tell(message)) => Ok(ToolOutput::error(message)),
        Err(Refusal::TimedOut(after)) => Ok(ToolOutput::error(format!(
            "It took longer than {} and was stopped.",
            seconds(after)
        ))),
        Err(Refusal::End(error)) => Err(error),
    }
}

/// The arguments as a tool's own type. They have passed the schema, so that this fails only where
/// the two do not agree.
pub fn parse<T: DeserializeOwned>(input: Value) -> Result<T, Refusal> {
    serde_json::from_value(input)
        .map_err(|error| Refusal::Tell(format!("The arguments cannot be read: {error}.")))
}

/// A provider's answer to a call about files, if it comes while the run still has patience.
pub async fn within<T>(
    context: &ToolContext,
    call: impl Future<Output = theazo_providers::Result<T>>,
) -> Result<T, Refusal> {
    let patience = context.patience.min(EXEC_LIMIT);
    match tokio::time::timeout(patience, call).await {
        Ok(result) => Ok(result?),
        Err(_) => tell(format!(
            "The sandbox did not answer within {}; it may be busy.",
            seconds(patience)
        )),
    }
}

/// Runs code for as long as `timeout`, the run's patience and [`EXEC_LIMIT`] allow.
///
/// # Errors
/// [`Refusal::TimedOut`] when it took longer.
pub async fn exec(
    context: &ToolContext,
    lang: Lang,
    code: String,
    limits: Limits,
) -> Result<ExecOutput, Refusal> {
    let timeout = limits.timeout.min(EXEC_LIMIT).min(context.patience);
    let env = if limits.secrets { context.env.clone() } else { Default::default() };
    let request = ExecRequest { lang, code, env, timeout, output_limit: limits.output };
    let call = context.provider.exec(&context.sandbox, request);
    match tokio::time::timeout(timeout + GRACE, call).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(ProviderError::Timeout(_))) | Err(_) => Err(Refusal::TimedOut(timeout)),
        Ok(Err(error)) => Err(error.into()),
    }
}

/// What an exec of a tool may have.
pub struct Limits {
    pub timeout: Duration,
    /// Bytes of stdout and of stderr, each.
    pub output: usize,
    /// Whether the code sees the agent's secrets.
    pub secrets: bool,
}

/// A duration for people and models: `30 s`, `0.5 s`.
pub fn seconds(duration: Duration) -> String {
    format!("{} s", (duration.as_secs_f64() * 10.0).round() / 10.0)
}
