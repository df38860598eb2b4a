//! The built-in tools, called as the run loop calls them: arguments as text, checked, then done.

mod code;
mod files;
mod http;
mod machine;
mod search;
pub mod server;
mod talk;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::Value;
use theazo_providers::conformance::Suite;
use theazo_providers::{MockProvider, Provider, SandboxId};
use theazo_workers::tools::{Outputs, Registry, ToolContext, ToolError, ToolOutput, ToolsConfig};

use machine::Machine;

/// A sandbox and the tools.
pub struct Desk {
    pub registry: Registry,
    pub context: ToolContext,
}

/// The outputs of a run: that of step 7.
struct Step7(String);

#[async_trait]
impl Outputs for Step7 {
    async fn whole(&self, step: u32) -> Result<Option<String>, ToolError> {
        match step {
            7 => Ok(Some(self.0.clone())),
            9 => Err(ToolError::Unavailable("the blob store is gone".to_owned())),
            _ => Ok(None),
        }
    }
}

impl Desk {
    pub async fn on(provider: Arc<dyn Provider>, config: ToolsConfig) -> Self {
        let suite = Suite::new(provider.clone());
        let sandbox = suite.sandbox().await;
        let context = ToolContext {
            provider,
            sandbox,
            env: BTreeMap::from([(
                "API_TOKEN".to_owned(),
                SecretString::from("s3cret-value".to_owned()),
            )]),
            patience: Duration::from_secs(60),
            outputs: Arc::new(Step7("0123456789".repeat(10_000))),
        };
        Self { registry: Registry::built_in(config), context }
    }

    pub async fn mock() -> Self {
        Self::on(Arc::new(MockProvider::new()), ToolsConfig::default()).await
    }

    pub async fn machine() -> Self {
        Self::on(Arc::new(Machine::new(vec![])), ToolsConfig::default()).await
    }

    /// As the loop does it.
    pub async fn try_call(&self, tool: &str, input: Value) -> Result<ToolOutput, ToolError> {
        match self.registry.check(tool, &input.to_string()) {
            Ok(input) => self.registry.get(tool).unwrap().call(&self.context, input).await,
            Err(message) => Ok(ToolOutput::error(message)),
        }
    }

    /// The output of a call that did what it should.
    pub async fn call(&self, tool: &str, input: Value) -> String {
        let output = self.try_call(tool, input).await.unwrap();
        assert!(!output.is_error, "{tool}: {}", output.text);
        output.text
    }

    /// What the model is told of a call that did not work.
    pub async fn refused(&self, tool: &str, input: Value) -> String {
        let output = self.try_call(tool, input).await.unwrap();
        assert!(output.is_error, "{tool} worked: {}", output.text);
        output.text
    }
}

/// A desk whose sandbox is gone.
pub async fn gone() -> Desk {
    let mut desk = Desk::mock().await;
    desk.context.sandbox = SandboxId("nobody".to_owned());
    desk
}
