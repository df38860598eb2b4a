//! From what a caller asks for to what an agent is made of: the most specific default wins
//! (platform → session → agent), and what it names must exist.

use theazo_domain::agent::{AgentSpec, Approvals, DefinitionRef, Guardrails, TIMEOUT_DEFAULT_S};
use theazo_domain::model::ModelConfig;
use theazo_domain::pricing::ComputePrice;
use theazo_domain::providers::ProviderKind;
use theazo_domain::session::Session;
use theazo_domain::settings::ComputeChoice;
use theazo_domain::snapshot::Snapshot;
use theazo_domain::validate::Metadata;
use theazo_domain::{
    FieldError, Mode, Money, Rejection, Scope, SessionId, SnapshotId, StreamId, tool,
};

use crate::{CommandError, Commander, FoundDefinition};

/// What a caller asks for; everything is optional.
#[derive(Debug, Clone, Default)]
pub struct AgentOptions {
    /// What holds where the caller says nothing.
    pub definition: Option<FoundDefinition>,
    pub compute: Option<ComputeChoice>,
    pub model: Option<ModelConfig>,
    pub browser: Option<bool>,
    pub instructions: Option<String>,
    pub tools: Option<Vec<String>>,
    /// Seconds.
    pub timeout: Option<u32>,
    pub cost_cap: Option<Money>,
    pub approvals: Option<Approvals>,
    pub knowledge: Option<Vec<String>>,
    pub guardrails: Option<Guardrails>,
    pub secrets: Option<Vec<String>>,
    pub metadata: Option<Metadata>,
    pub snapshot_id: Option<SnapshotId>,
}

impl AgentOptions {
    /// The caller's options over what the definition says, field by field.
    fn under_definition(self) -> (Option<DefinitionRef>, Self) {
        let Some(FoundDefinition { reference, content, .. }) = self.definition else {
            return (None, self);
        };
        let options = Self {
            definition: None,
            compute: self.compute.or(content.compute),
            model: self.model.or(content.model),
            browser: self.browser.or(content.browser),
            instructions: self.instructions.or(content.instructions),
            tools: self.tools.or(content.tools),
            timeout: self.timeout.or(content.timeout),
            cost_cap: self.cost_cap.or(content.cost_cap),
            approvals: self.approvals.or(content.approvals),
            knowledge: self.knowledge.or(content.knowledge),
            guardrails: self.guardrails.or(content.guardrails),
            secrets: self.secrets.or(content.secrets),
            metadata: self.metadata.or(content.metadata),
            snapshot_id: self.snapshot_id,
        };
        (Some(reference), options)
    }
}

fn default_tools() -> Vec<String> {
    tool::DEFAULT.iter().map(|&name| name.to_owned()).collect()
}

/// Every tool that an agent is given must exist.
pub(crate) fn must_be_known(tools: &[String]) -> Result<(), Rejection> {
    let unknown = tools.iter().enumerate().filter(|(_, name)| !tool::is_known(name));
    let errors: Vec<FieldError> = unknown
        .map(|(i, name)| {
            let known = tool::BUILT_IN.join("`, `");
            let message = format!("there is no tool `{name}`; there are `{known}`");
            FieldError::new(format!("tools[{i}]"), message)
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(Rejection::Invalid(errors)) }
}

impl Commander {
    /// The spec of an agent in `session`. `available` are the providers this deployment can run.
    pub async fn resolve_agent(
        &self,
        scope: Scope,
        session: SessionId,
        options: AgentOptions,
        available: &[ProviderKind],
    ) -> Result<AgentSpec, CommandError> {
        let loaded = self.load::<Session>(&StreamId::session(scope, session)).await?;
        let session = loaded.state.ok_or_else(|| Rejection::not_found("session"))?;
        let settings = self.settings(scope).await?;
        let (definition, options) = options.under_definition();
        let tools = options.tools.unwrap_or_else(default_tools);
        must_be_known(&tools)?;
        if let Some(id) = options.snapshot_id {
            self.must_exist(scope, id).await?;
        }
        let choices = [&options.compute, &session.compute, &settings.compute];
        let provider = self.provider_for(scope, &choices, available).await?;
        let credential_ref = choices.into_iter().flatten().find_map(|c| c.credential_ref.clone());
        let model = options.model.or_else(|| session.model.clone()).or(settings.model.clone());
        Ok(AgentSpec {
            definition,
            provider,
            price: ComputePrice::of(provider.as_str()),
            credential_ref,
            model,
            browser: options.browser.unwrap_or(false),
            instructions: options.instructions,
            tools,
            timeout: options.timeout.unwrap_or(TIMEOUT_DEFAULT_S),
            cost_cap: options.cost_cap,
            approvals: options.approvals,
            knowledge: options.knowledge.unwrap_or_default(),
            guardrails: options.guardrails,
            secrets: options.secrets.unwrap_or_default(),
            metadata: options.metadata.unwrap_or_default(),
            snapshot_id: options.snapshot_id,
        })
    }

    async fn provider_for(
        &self,
        scope: Scope,
        choices: &[&Option<ComputeChoice>],
        available: &[ProviderKind],
    ) -> Result<ProviderKind, CommandError> {
        // Test mode runs the very same pipeline without compute, whatever is asked for.
        if scope.mode == Mode::Test {
            return Ok(ProviderKind::Mock);
        }
        let chosen = choices.iter().copied().flatten().find_map(|choice| choice.provider);
        let provider = match chosen {
            Some(provider) => provider,
            None => self.providers(scope).await?.default.unwrap_or(ProviderKind::Local),
        };
        if available.contains(&provider) {
            return Ok(provider);
        }
        let names: Vec<_> = available.iter().map(|p| format!("`{p}`")).collect();
        Err(Rejection::invalid(
            "compute.provider",
            format!("`{provider}` is not available here; choose one of {}", names.join(", ")),
        )
        .into())
    }

    async fn must_exist(&self, scope: Scope, id: SnapshotId) -> Result<(), CommandError> {
        let snapshot = self.load::<Snapshot>(&StreamId::snapshot(scope, id)).await?.state;
        if snapshot.is_some_and(|snapshot| snapshot.deleted_at.is_none()) {
            return Ok(());
        }
        Err(Rejection::invalid("snapshotId", "no such snapshot; list them at /v1/snapshots").into())
    }
}
