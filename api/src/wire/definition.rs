//! Agent definitions as the API takes and shows them.

use serde::{Deserialize, Serialize};
use theazo_domain::definition::{Definition, DefinitionContent, DefinitionVersion};
use theazo_domain::model::ModelConfig;
use theazo_domain::providers::ProviderKind;
use theazo_domain::settings::ComputeChoice;
use theazo_domain::validate::Metadata;
use theazo_domain::{DefinitionId, Money, Timestamp};
use utoipa::{IntoParams, ToSchema};

use super::agent::{Approvals, Guardrails};
use super::common;
use crate::error::ApiError;

/// A new definition. All but its name is optional: what is left out comes from the session and the
/// settings when an agent is made of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateDefinition {
    /// What agents are made by, besides the id.
    #[schema(min_length = 1, max_length = 200, example = "Research Assistant")]
    name: String,
    /// System-level instructions.
    instructions: Option<String>,
    /// Names of tools to enable.
    #[schema(example = json!(["web_search", "write_file"]))]
    tools: Option<Vec<String>>,
    #[schema(value_type = Option<common::Model>)]
    model: Option<ModelConfig>,
    compute: Option<DefinitionCompute>,
    browser: Option<bool>,
    /// Seconds that a run may take.
    #[schema(minimum = 1, maximum = 86_400)]
    timeout: Option<u32>,
    /// A hard cap on what an agent may cost.
    #[schema(value_type = Option<common::Money>)]
    cost_cap: Option<Money>,
    approvals: Option<Approvals>,
    knowledge: Option<Vec<String>>,
    guardrails: Option<Guardrails>,
    /// Names of secrets that the agent's code sees as environment variables.
    secrets: Option<Vec<String>>,
    #[schema(value_type = Option<common::Metadata>)]
    metadata: Option<Metadata>,
}

/// What to change of a definition: an absent field stays as it is, a given one is replaced whole.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateDefinition {
    instructions: Option<String>,
    tools: Option<Vec<String>>,
    #[schema(value_type = Option<common::Model>)]
    model: Option<ModelConfig>,
    compute: Option<DefinitionCompute>,
    browser: Option<bool>,
    /// Seconds that a run may take.
    #[schema(minimum = 1, maximum = 86_400)]
    timeout: Option<u32>,
    /// A hard cap on what an agent may cost.
    #[schema(value_type = Option<common::Money>)]
    cost_cap: Option<Money>,
    approvals: Option<Approvals>,
    knowledge: Option<Vec<String>>,
    guardrails: Option<Guardrails>,
    secrets: Option<Vec<String>>,
    #[schema(value_type = Option<common::Metadata>)]
    metadata: Option<Metadata>,
}

/// Where agents of a definition run, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DefinitionCompute {
    #[schema(value_type = Option<common::ProviderName>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<ProviderKind>,
    /// The name of a secret with the provider's credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_ref: Option<String>,
    /// The same as `timeout` of the definition itself.
    #[schema(minimum = 1, maximum = 86_400)]
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<u32>,
}

impl CreateDefinition {
    /// Its name and content.
    ///
    /// # Errors
    /// As [`UpdateDefinition::into_content`].
    pub fn into_parts(self) -> Result<(String, DefinitionContent), ApiError> {
        let content = UpdateDefinition {
            instructions: self.instructions,
            tools: self.tools,
            model: self.model,
            compute: self.compute,
            browser: self.browser,
            timeout: self.timeout,
            cost_cap: self.cost_cap,
            approvals: self.approvals,
            knowledge: self.knowledge,
            guardrails: self.guardrails,
            secrets: self.secrets,
            metadata: self.metadata,
        };
        Ok((self.name, content.into_content()?))
    }
}

impl UpdateDefinition {
    /// # Errors
    /// 422 when `timeout` and `compute.timeout` differ.
    pub fn into_content(self) -> Result<DefinitionContent, ApiError> {
        let (compute, in_compute) = self.compute.map_or((None, None), DefinitionCompute::split);
        if in_compute.is_some() && self.timeout.is_some() && in_compute != self.timeout {
            let message = "must be the same as `timeout`; one of them is enough";
            return Err(ApiError::invalid("compute.timeout", message));
        }
        Ok(DefinitionContent {
            instructions: self.instructions,
            tools: self.tools,
            model: self.model,
            compute,
            browser: self.browser,
            timeout: self.timeout.or(in_compute),
            cost_cap: self.cost_cap,
            approvals: self.approvals.map(Into::into),
            knowledge: self.knowledge,
            guardrails: self.guardrails.map(Into::into),
            secrets: self.secrets,
            metadata: self.metadata,
        })
    }
}

impl DefinitionCompute {
    /// The choice of compute, unless only the timeout was given, and the timeout.
    fn split(self) -> (Option<ComputeChoice>, Option<u32>) {
        let Self { provider, credential_ref, timeout } = self;
        let only_timeout = timeout.is_some() && provider.is_none() && credential_ref.is_none();
        ((!only_timeout).then_some(ComputeChoice { provider, credential_ref }), timeout)
    }

    fn of(content: &DefinitionContent) -> Option<Self> {
        if content.compute.is_none() && content.timeout.is_none() {
            return None;
        }
        let ComputeChoice { provider, credential_ref } =
            content.compute.clone().unwrap_or_default();
        Some(Self { provider, credential_ref, timeout: content.timeout })
    }
}

/// A reusable configuration of agents, as one of its versions has it; what that leaves open is
/// absent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentDefinition {
    #[schema(value_type = String, example = "adef_01HX0000000000000000000001")]
    id: DefinitionId,
    #[schema(example = "Research Assistant")]
    name: String,
    /// From 1; every change makes the next one.
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Vec<String>>,
    #[schema(value_type = Option<common::Model>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<ModelConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compute: Option<DefinitionCompute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    browser: Option<bool>,
    /// Seconds that a run may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<u32>,
    #[schema(value_type = Option<common::Money>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_cap: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approvals: Option<Approvals>,
    #[serde(skip_serializing_if = "Option::is_none")]
    knowledge: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guardrails: Option<Guardrails>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Vec<String>>,
    #[schema(value_type = common::Metadata)]
    metadata: Metadata,
    /// It exists from the start and cannot be changed; an own one of its name goes before it.
    built_in: bool,
    /// No new agents are made of it.
    archived: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// In a list of versions: when the version was made.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl AgentDefinition {
    /// As its newest version has it.
    pub fn new(definition: &Definition, built_in: bool) -> Self {
        let (nothing, latest) = (DefinitionContent::default(), definition.latest());
        let content = latest.map_or(&nothing, |latest| &latest.content);
        let number = latest.map_or(0, |latest| latest.version);
        Self::with(definition, built_in, (number, content))
    }

    /// As it was at `version`.
    pub fn at(definition: &Definition, built_in: bool, version: &DefinitionVersion) -> Self {
        let shown = Self::with(definition, built_in, (version.version, &version.content));
        Self { updated_at: version.created_at, ..shown }
    }

    fn with(
        definition: &Definition,
        built_in: bool,
        (version, content): (u32, &DefinitionContent),
    ) -> Self {
        Self {
            id: definition.id,
            name: definition.name.clone(),
            version,
            instructions: content.instructions.clone(),
            tools: content.tools.clone(),
            model: content.model.clone(),
            compute: DefinitionCompute::of(content),
            browser: content.browser,
            timeout: content.timeout,
            cost_cap: content.cost_cap,
            approvals: content.approvals.as_ref().map(Approvals::from),
            knowledge: content.knowledge.clone(),
            guardrails: content.guardrails.as_ref().map(Guardrails::from),
            secrets: content.secrets.clone(),
            metadata: content.metadata.clone().unwrap_or_default(),
            built_in,
            archived: definition.archived_at.is_some(),
            created_at: definition.created_at,
            updated_at: definition.updated_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDefinitions {
    /// With those that are archived. Default: false.
    pub include_archived: Option<bool>,
    /// 1 to 100; 25 when absent.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListVersions {
    /// 1 to 100; 25 when absent.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
}
