//! An agent definition: a reusable, versioned configuration of agents.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::agent::{
    Approvals, Guardrails, MAX_INSTRUCTIONS, TIMEOUT_MAX_S, check_names, check_secrets,
};
use crate::aggregate::SMALL;
use crate::event::events;
use crate::model::ModelConfig;
use crate::settings::ComputeChoice;
use crate::validate::{self, Metadata};
use crate::{Aggregate, Ctx, DefinitionId, Event, FieldError, Kind, Money, Rejection, Timestamp};

/// Versions that one definition may have.
const MAX_VERSIONS: usize = 1_000;
/// Bytes of all its versions, about: they are read and written together.
const MAX_BYTES: usize = 4 << 20;

/// What a definition says; all of it is optional, and what a caller gives at an agent's creation
/// goes before it, field by field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DefinitionContent {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute: Option<ComputeChoice>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<bool>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_cap: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knowledge: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrails: Option<Guardrails>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

impl DefinitionContent {
    /// `self`, with what `over` says in place of it.
    pub fn merged(self, over: DefinitionContent) -> Self {
        Self {
            instructions: over.instructions.or(self.instructions),
            tools: over.tools.or(self.tools),
            model: over.model.or(self.model),
            compute: over.compute.or(self.compute),
            browser: over.browser.or(self.browser),
            timeout: over.timeout.or(self.timeout),
            cost_cap: over.cost_cap.or(self.cost_cap),
            approvals: over.approvals.or(self.approvals),
            knowledge: over.knowledge.or(self.knowledge),
            guardrails: over.guardrails.or(self.guardrails),
            secrets: over.secrets.or(self.secrets),
            metadata: over.metadata.or(self.metadata),
        }
    }

    fn check(&self, errors: &mut Vec<FieldError>) {
        if let Some(model) = &self.model {
            model.check("model", errors);
        }
        if let Some(compute) = &self.compute {
            compute.check("compute", errors);
        }
        if let Some(text) = &self.instructions
            && text.chars().count() > MAX_INSTRUCTIONS
        {
            let message = format!("must be at most {MAX_INSTRUCTIONS} characters");
            errors.push(FieldError::new("instructions", message));
        }
        if self.timeout.is_some_and(|s| !(1..=TIMEOUT_MAX_S).contains(&s)) {
            let message = format!("must be 1 to {TIMEOUT_MAX_S} seconds");
            errors.push(FieldError::new("timeout", message));
        }
        if self.cost_cap.is_some_and(|cap| cap.amount < 0) {
            errors.push(FieldError::new("costCap.amount", "must not be negative"));
        }
        let approvals = self.approvals.as_ref().map(|approvals| &approvals.tools);
        for (path, names) in [
            ("tools", self.tools.as_ref()),
            ("knowledge", self.knowledge.as_ref()),
            ("approvals.tools", approvals),
        ] {
            check_names(path, names.map(Vec::as_slice).unwrap_or_default(), errors);
        }
        check_secrets(self.secrets.as_deref().unwrap_or_default(), errors);
        if let Some(guardrails) = &self.guardrails {
            guardrails.check(errors);
        }
        if let Some(metadata) = &self.metadata {
            validate::metadata("metadata", metadata, errors);
        }
    }
}

events! {
    DefinitionEvent {
        Created = "definition.created" {
            definition_id: DefinitionId,
            name: String,
            content: Box<DefinitionContent>,
        }
        /// The next version, whole. Agents that exist keep theirs.
        Updated = "definition.updated" {
            version: u32,
            content: Box<DefinitionContent>,
        }
        /// No new agents are made of it.
        Archived = "definition.archived" {}
    }
}

#[derive(Debug, Clone)]
pub enum DefinitionCommand {
    Create {
        definition_id: DefinitionId,
        name: String,
        content: Box<DefinitionContent>,
    },
    /// What is given replaces what was; what is not stays.
    Update {
        content: Box<DefinitionContent>,
    },
    Archive,
}

/// One version: never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DefinitionVersion {
    /// From 1.
    pub version: u32,
    pub content: DefinitionContent,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    pub id: DefinitionId,
    pub name: String,
    /// Oldest first; never empty.
    pub versions: Vec<Arc<DefinitionVersion>>,
    pub archived_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Definition {
    /// The version that new agents are made of.
    pub fn latest(&self) -> Option<&DefinitionVersion> {
        self.versions.last().map(AsRef::as_ref)
    }
}

impl Aggregate for Definition {
    const KIND: Kind = Kind::Definition;
    type Command = DefinitionCommand;
    type Event = DefinitionEvent;

    fn decide(
        state: Option<&Self>,
        command: &DefinitionCommand,
        _: Ctx,
    ) -> Result<Vec<DefinitionEvent>, Rejection> {
        match (state, command) {
            (None, DefinitionCommand::Create { definition_id, name, content }) => {
                let mut errors = Vec::new();
                validate::text("name", name, 200, &mut errors);
                content.check(&mut errors);
                checked(errors)?;
                Ok(vec![DefinitionEvent::Created {
                    definition_id: *definition_id,
                    name: name.clone(),
                    content: content.clone(),
                }])
            }
            (Some(_), DefinitionCommand::Create { name, .. }) => Err(Rejection::conflict(format!(
                "There is a definition `{name}` already; change it with PUT, or archive it first.",
            ))),
            (None, _) => Err(Rejection::not_found("agent definition")),
            (Some(now), DefinitionCommand::Update { content }) => update(now, content),
            (Some(now), DefinitionCommand::Archive) if now.archived_at.is_some() => Ok(vec![]),
            (Some(_), DefinitionCommand::Archive) => Ok(vec![DefinitionEvent::Archived {}]),
        }
    }

    fn evolve(state: Option<Self>, event: &DefinitionEvent, at: Timestamp) -> Option<Self> {
        match (state, event) {
            (None, DefinitionEvent::Created { definition_id, name, content }) => Some(Definition {
                id: *definition_id,
                name: name.clone(),
                versions: vec![version(1, content, at)],
                archived_at: None,
                created_at: at,
                updated_at: at,
            }),
            (Some(mut now), DefinitionEvent::Updated { version: number, content }) => {
                now.versions.push(version(*number, content, at));
                Some(Definition { updated_at: at, ..now })
            }
            (Some(now), DefinitionEvent::Archived {}) => {
                Some(Definition { archived_at: Some(at), updated_at: at, ..now })
            }
            (state, _) => state,
        }
    }

    fn own(event: &Event) -> Option<&DefinitionEvent> {
        if let Event::Definition(e) = event { Some(e) } else { None }
    }

    /// A version's instructions are what can be long in it.
    fn weight(&self) -> usize {
        let instructions = |v: &Arc<DefinitionVersion>| {
            SMALL + v.content.instructions.as_ref().map_or(0, String::len)
        };
        SMALL + self.versions.iter().map(instructions).sum::<usize>()
    }
}

fn checked(errors: Vec<FieldError>) -> Result<(), Rejection> {
    if errors.is_empty() { Ok(()) } else { Err(Rejection::Invalid(errors)) }
}

fn version(number: u32, content: &DefinitionContent, at: Timestamp) -> Arc<DefinitionVersion> {
    Arc::new(DefinitionVersion { version: number, content: content.clone(), created_at: at })
}

fn update(
    now: &Definition,
    content: &DefinitionContent,
) -> Result<Vec<DefinitionEvent>, Rejection> {
    if now.archived_at.is_some() {
        return Err(Rejection::conflict("This definition is archived; create a new one."));
    }
    if now.versions.len() >= MAX_VERSIONS {
        return Err(Rejection::conflict(format!(
            "This definition has {MAX_VERSIONS} versions; archive it and create a new one.",
        )));
    }
    if now.weight() > MAX_BYTES {
        return Err(Rejection::conflict(format!(
            "The versions of this definition are larger than {MAX_BYTES} bytes together; archive \
             it and create a new one.",
        )));
    }
    let mut errors = Vec::new();
    content.check(&mut errors);
    checked(errors)?;
    let latest = now.latest().cloned();
    let (number, before) =
        latest.map_or((0, DefinitionContent::default()), |latest| (latest.version, latest.content));
    let merged = before.clone().merged(content.clone());
    if merged == before {
        return Ok(vec![]);
    }
    Ok(vec![DefinitionEvent::Updated {
        version: number.saturating_add(1),
        content: Box::new(merged),
    }])
}
