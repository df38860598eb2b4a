use serde::{Deserialize, Serialize};

use crate::model::ModelConfig;
use crate::money::Money;
use crate::pricing::ComputePrice;
use crate::providers::ProviderKind;
use crate::validate::{self, Metadata};
use crate::{DefinitionId, FieldError, Pico, SnapshotId};

/// Seconds that a run may take when the caller says nothing (the API reference's default).
pub const TIMEOUT_DEFAULT_S: u32 = 300;
/// Seconds that a run may take at most: a day.
pub const TIMEOUT_MAX_S: u32 = 86_400;

/// Characters.
pub const MAX_INSTRUCTIONS: usize = 100_000;
const MAX_NAMES: usize = 100;

/// What an agent is made of, after definitions, session and platform defaults were resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentSpec {
    /// The version of the definition that it was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<DefinitionRef>,
    pub provider: ProviderKind,
    /// The price of its compute, as it was when the agent was created.
    pub price: ComputePrice,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_ref: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelConfig>,
    #[serde(default)]
    pub browser: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    #[serde(default)]
    pub tools: Vec<String>,
    /// Seconds.
    pub timeout: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_cap: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    #[serde(default)]
    pub knowledge: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrails: Option<Guardrails>,
    /// Names of secrets that its code sees as environment variables.
    #[serde(default)]
    pub secrets: Vec<String>,
    #[serde(default)]
    pub metadata: Metadata,
    /// Start from this snapshot's files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<SnapshotId>,
}

/// One version of an agent definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionRef {
    pub id: DefinitionId,
    pub version: u32,
}

/// What needs a human's yes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approvals {
    #[serde(default)]
    pub tools: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guardrails {
    #[serde(default)]
    pub block_pii: bool,
    /// The only domains the sandbox reaches; absent: every public one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_domains: Option<Vec<String>>,
}

impl AgentSpec {
    pub fn cost_cap_pico(&self) -> Option<Pico> {
        self.cost_cap.map(|cap| Pico::from_cents(cap.amount))
    }

    /// Bytes of memory that it takes, about: what can be long in it.
    pub(crate) fn weight(&self) -> usize {
        let names = [&self.tools, &self.knowledge, &self.secrets];
        let names: usize = names.into_iter().flatten().map(String::len).sum();
        size_of::<Self>() + self.instructions.as_ref().map_or(0, String::len) + names
    }

    /// Everything that is wrong with it, by field.
    pub fn check(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if let Some(model) = &self.model {
            model.check("model", &mut errors);
        }
        if let Some(text) = &self.instructions
            && text.chars().count() > MAX_INSTRUCTIONS
        {
            let message = format!("must be at most {MAX_INSTRUCTIONS} characters");
            errors.push(FieldError::new("instructions", message));
        }
        if !(1..=TIMEOUT_MAX_S).contains(&self.timeout) {
            let message = format!("must be 1 to {TIMEOUT_MAX_S} seconds");
            errors.push(FieldError::new("timeout", message));
        }
        if self.cost_cap.is_some_and(|cap| cap.amount < 0) {
            errors.push(FieldError::new("costCap.amount", "must not be negative"));
        }
        check_names("tools", &self.tools, &mut errors);
        check_names("knowledge", &self.knowledge, &mut errors);
        if let Some(approvals) = &self.approvals {
            check_names("approvals.tools", &approvals.tools, &mut errors);
        }
        check_secrets(&self.secrets, &mut errors);
        if let Some(guardrails) = &self.guardrails {
            guardrails.check(&mut errors);
        }
        validate::metadata("metadata", &self.metadata, &mut errors);
        errors
    }
}

pub fn check_names(path: &str, names: &[String], errors: &mut Vec<FieldError>) {
    if names.len() > MAX_NAMES {
        errors.push(FieldError::new(path, format!("must have at most {MAX_NAMES} entries")));
    }
    for (i, name) in names.iter().enumerate().take(MAX_NAMES) {
        validate::text(&format!("{path}[{i}]"), name, 100, errors);
    }
}

pub fn check_secrets(names: &[String], errors: &mut Vec<FieldError>) {
    for (i, name) in names.iter().enumerate() {
        validate::secret_name(&format!("secrets[{i}]"), name, errors);
    }
}

impl Guardrails {
    pub(crate) fn check(&self, errors: &mut Vec<FieldError>) {
        let fit = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        for (i, domain) in self.allowed_domains.iter().flatten().enumerate() {
            let name = domain.strip_prefix("*.").unwrap_or(domain);
            if name.is_empty() || name.len() > 253 || !name.chars().all(fit) {
                errors.push(FieldError::new(
                    format!("guardrails.allowedDomains[{i}]"),
                    "must be a domain such as `github.com`, or `*.github.com` for all below it",
                ));
            }
        }
    }
}
