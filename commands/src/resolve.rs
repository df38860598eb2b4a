//! From what a caller asks for to what an agent is made of: the most specific default wins
//! (platform → session → agent), and what it names must exist.

use theazo_domain::agent::{AgentSpec, Approvals, Guardrails, TIMEOUT_DEFAULT_S};
use theazo_domain::model::ModelConfig;
use theazo_domain::pricing::ComputePrice;
use theazo_domain::providers::ProviderKind;
use theazo_domain::session::Session;
use theazo_domain::settings::ComputeChoice;
use theazo_domain::snapshot::Snapshot;
use theazo_domain::validate::Metadata;
use theazo_domain::{Mode, Money, Rejection, Scope, SessionId, SnapshotId, StreamId};

use crate::{CommandError, Commander};

/// What a caller asks for; everything is optional.
#[derive(Debug, Clone, Default)]
pub struct AgentOptions {
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
        if let Some(id) = options.snapshot_id {
            self.must_exist(scope, id).await?;
        }
        let choices = [&options.compute, &session.compute, &settings.compute];
        let provider = self.provider_for(scope, &choices, available).await?;
        let credential_ref = choices.into_iter().flatten().find_map(|c| c.credential_ref.clone());
        let model = options.model.or_else(|| session.model.clone()).or(settings.model.clone());
        Ok(AgentSpec {
            provider,
            price: ComputePrice::of(provider.as_str()),
            credential_ref,
            model,
            browser: options.browser.unwrap_or(false),
            instructions: options.instructions,
            tools: options.tools.unwrap_or_default(),
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
