//! Agents as the API takes and shows them.

use serde::{Deserialize, Serialize};
use theazo_commands::{AgentOptions, FoundDefinition};
use theazo_domain::agent::{self, AgentState, DefinitionRef};
use theazo_domain::model::ModelConfig;
use theazo_domain::settings::ComputeChoice;
use theazo_domain::validate::Metadata;
use theazo_domain::{AgentId, DefinitionId, Money, Pico, SessionId, SnapshotId, TaskId, Timestamp};
use utoipa::{IntoParams, ToSchema};

use super::common;

/// What a new agent is made of. Everything is optional: what is left out comes from the definition,
/// then from the session, then from the platform's settings.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateAgent {
    /// The id or the name of a definition to make it of.
    #[schema(example = "researcher")]
    definition: Option<String>,
    #[schema(value_type = Option<common::Compute>)]
    compute: Option<ComputeChoice>,
    /// The model it thinks with: a name, or an object in one of three shapes.
    #[schema(value_type = Option<common::Model>)]
    model: Option<ModelConfig>,
    /// Attach a headless browser to the sandbox. Default: false.
    browser: Option<bool>,
    /// Prepended to every task.
    instructions: Option<String>,
    /// Names of tools to enable.
    #[schema(example = json!(["web_search", "write_file"]))]
    tools: Option<Vec<String>>,
    /// Seconds that a run may take. Default: 300.
    #[schema(minimum = 1, maximum = 86_400)]
    timeout: Option<u32>,
    /// A hard cap on what this agent may cost.
    #[schema(value_type = Option<common::Money>)]
    cost_cap: Option<Money>,
    approvals: Option<Approvals>,
    /// Ids of knowledge bases to attach.
    knowledge: Option<Vec<String>>,
    guardrails: Option<Guardrails>,
    /// Names of secrets that the agent's code sees as environment variables.
    secrets: Option<Vec<String>>,
    /// Your own key-value pairs.
    #[schema(value_type = Option<common::Metadata>)]
    metadata: Option<Metadata>,
    /// Start from this snapshot's files, also of another agent or session of yours.
    #[schema(value_type = Option<String>)]
    snapshot_id: Option<SnapshotId>,
}

/// Tools that need a human's yes before they run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approvals {
    #[serde(default)]
    tools: Vec<String>,
}

/// What the agent must not do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guardrails {
    /// Keep personal data out of what the agent sends.
    #[serde(default)]
    block_pii: bool,
    /// The only domains that the sandbox reaches: `github.com`, or `*.github.com` for all below
    /// it. Absent: every public one.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_domains: Option<Vec<String>>,
}

impl From<Approvals> for agent::Approvals {
    fn from(approvals: Approvals) -> Self {
        Self { tools: approvals.tools }
    }
}

impl From<&agent::Approvals> for Approvals {
    fn from(approvals: &agent::Approvals) -> Self {
        Self { tools: approvals.tools.clone() }
    }
}

impl From<Guardrails> for agent::Guardrails {
    fn from(guardrails: Guardrails) -> Self {
        Self { block_pii: guardrails.block_pii, allowed_domains: guardrails.allowed_domains }
    }
}

impl From<&agent::Guardrails> for Guardrails {
    fn from(guardrails: &agent::Guardrails) -> Self {
        Self {
            block_pii: guardrails.block_pii,
            allowed_domains: guardrails.allowed_domains.clone(),
        }
    }
}

impl CreateAgent {
    /// What it is to be made of, by id or name.
    pub fn definition(&self) -> Option<&str> {
        self.definition.as_deref()
    }

    pub fn model(&self) -> Option<&ModelConfig> {
        self.model.as_ref()
    }

    /// `definition`: what [`CreateAgent::definition`] stands for.
    pub fn into_options(self, definition: Option<FoundDefinition>) -> AgentOptions {
        AgentOptions {
            definition,
            compute: self.compute,
            model: self.model,
            browser: self.browser,
            instructions: self.instructions,
            tools: self.tools,
            timeout: self.timeout,
            cost_cap: self.cost_cap,
            approvals: self.approvals.map(Into::into),
            knowledge: self.knowledge,
            guardrails: self.guardrails.map(Into::into),
            secrets: self.secrets,
            metadata: self.metadata,
            snapshot_id: self.snapshot_id,
        }
    }
}

/// Where an agent is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Provisioning,
    Idle,
    Running,
    Paused,
    Completed,
    Failed,
    Terminated,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        self.domain().as_str()
    }

    pub const fn domain(self) -> AgentState {
        match self {
            State::Provisioning => AgentState::Provisioning,
            State::Idle => AgentState::Idle,
            State::Running => AgentState::Running,
            State::Paused => AgentState::Paused,
            State::Completed => AgentState::Completed,
            State::Failed => AgentState::Failed,
            State::Terminated => AgentState::Terminated,
        }
    }
}

impl From<AgentState> for State {
    fn from(state: AgentState) -> Self {
        match state {
            AgentState::Provisioning => State::Provisioning,
            AgentState::Idle => State::Idle,
            AgentState::Running => State::Running,
            AgentState::Paused => State::Paused,
            AgentState::Completed => State::Completed,
            AgentState::Failed => State::Failed,
            AgentState::Terminated => State::Terminated,
        }
    }
}

/// Which agents of a session to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAgents {
    /// How many to show, 1 to 100. Default: 25.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the page before.
    pub cursor: Option<String>,
    /// Only agents in this state.
    #[param(inline)]
    pub state: Option<State>,
}

/// An agent: one sandbox and what may run in it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    #[schema(value_type = String, example = "agt_01HX0000000000000000000001")]
    id: AgentId,
    #[schema(value_type = String, example = "ses_01HX0000000000000000000001")]
    session_id: SessionId,
    state: State,
    /// The same as `state`.
    status: State,
    /// What it was made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<OfDefinition>,
    #[schema(value_type = common::Compute)]
    compute: ComputeChoice,
    #[schema(value_type = Option<common::Model>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<ModelConfig>,
    browser: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
    tools: Vec<String>,
    /// Seconds that a run may take.
    timeout: u32,
    #[schema(value_type = Option<common::Money>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_cap: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approvals: Option<Approvals>,
    knowledge: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guardrails: Option<Guardrails>,
    /// Names, never values.
    secrets: Vec<String>,
    #[schema(value_type = common::Metadata)]
    metadata: Metadata,
    /// The task that it works on.
    #[schema(value_type = Option<String>, example = "task_01HX0000000000000000000001")]
    #[serde(skip_serializing_if = "Option::is_none")]
    current_task_id: Option<TaskId>,
    /// As of now, with the compute and the task that still run.
    #[schema(value_type = common::Money)]
    cost: Money,
    /// Minutes of running compute as of now, to a thousandth.
    compute_minutes: f64,
    /// The latest snapshot: what `resume` starts from.
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<SnapshotRef>,
    /// Why it failed, or why its last pause or resume did.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    /// When its sandbox was first there; null before.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// The version of a definition that an agent was made of.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfDefinition {
    #[schema(value_type = String, example = "adef_01HX0000000000000000000001")]
    id: DefinitionId,
    version: u32,
}

/// A snapshot, as its agent shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SnapshotRef {
    #[schema(value_type = String, example = "snp_01HX0000000000000000000001")]
    id: SnapshotId,
    /// Bytes.
    size: u64,
}

/// Why something did not succeed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Failure {
    #[schema(example = "provider_error")]
    code: String,
    message: String,
}

impl Agent {
    /// `agent` as it is at `now`; `task_cost` is that of the models of the task it works on.
    pub fn at(agent: &agent::Agent, task_cost: Pico, now: Timestamp) -> Self {
        let spec = &agent.spec;
        let made_of = |d: DefinitionRef| OfDefinition { id: d.id, version: d.version };
        Self {
            id: agent.id,
            session_id: agent.session_id,
            state: agent.state.into(),
            status: agent.state.into(),
            definition: spec.definition.map(made_of),
            compute: ComputeChoice {
                provider: Some(spec.provider),
                credential_ref: spec.credential_ref.clone(),
            },
            model: spec.model.clone(),
            browser: spec.browser,
            instructions: spec.instructions.clone(),
            tools: spec.tools.clone(),
            timeout: spec.timeout,
            cost_cap: spec.cost_cap,
            approvals: spec.approvals.as_ref().map(Approvals::from),
            knowledge: spec.knowledge.clone(),
            guardrails: spec.guardrails.as_ref().map(Guardrails::from),
            secrets: spec.secrets.clone(),
            metadata: spec.metadata.clone(),
            current_task_id: agent.task,
            cost: (agent.cost_at(now) + task_cost).to_money(),
            compute_minutes: common::minutes(agent.compute_millis_at(now)),
            snapshot: agent.snapshot.map(|s| SnapshotRef { id: s.id, size: s.size }),
            error: agent
                .failure
                .as_ref()
                .map(|f| Failure { code: f.code.clone(), message: f.message.clone() }),
            started_at: agent.started_at,
            created_at: agent.created_at,
            updated_at: agent.updated_at,
        }
    }
}

/// What an agent resumes from.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResumeAgent {
    /// Absent: the agent's own latest snapshot, where it left off.
    #[schema(value_type = Option<String>)]
    pub snapshot_id: Option<SnapshotId>,
}
