//! Agent definitions: the org's own, and those that exist from the start.

use std::sync::Arc;

use theazo_domain::agent::DefinitionRef;
use theazo_domain::definition::{
    Definition, DefinitionCommand, DefinitionContent, DefinitionVersion,
};
use theazo_domain::{DefinitionId, Scope, StreamId, Timestamp};

use crate::resolve::must_be_known;
use crate::{CommandError, Commander, Done, Origin, Seed};

/// What exists from the start: name, instructions, tools.
const BUILT_IN: &[(&str, &str, &[&str])] = &[
    (
        "researcher",
        "You are a researcher. Find out what you are asked from sources you can name, check \
         important claims in more than one place, and say what you could not find. Write your \
         findings concisely, with the source of each, and save longer results as Markdown files \
         in /workspace.",
        &["web_search", "fetch_page", "http_request", "write_file", "read_file", "list_files"],
    ),
    (
        "coder",
        "You are a software engineer working in /workspace. Look at what is there before you \
         change it, make the smallest change that solves the task, run it and its tests, and say \
         what you changed and how you checked it.",
        &["run_code", "write_file", "read_file", "list_files", "edit_file"],
    ),
    (
        "data_processor",
        "You process data in /workspace. Look at the data's shape before you work on it, process \
         it with code rather than by hand, check the result's counts against the input's, save \
         it as a file, and report progress while you work.",
        &["run_code", "write_file", "read_file", "list_files", "edit_file"],
    ),
];

/// A definition that was found, at its newest version.
#[derive(Debug, Clone)]
pub struct FoundDefinition {
    pub reference: DefinitionRef,
    pub name: String,
    pub content: DefinitionContent,
}

/// The definitions that exist from the start. They cannot be changed or archived.
pub fn built_in() -> impl Iterator<Item = Definition> {
    BUILT_IN.iter().map(|(name, instructions, tools)| {
        let content = DefinitionContent {
            instructions: Some((*instructions).to_owned()),
            tools: Some(tools.iter().map(|&tool| tool.to_owned()).collect()),
            ..DefinitionContent::default()
        };
        let created_at = Timestamp::from_millis(1_793_491_200_000); // 2026-11-01
        Definition {
            id: DefinitionId::from_uuid(Seed::of(&["built-in definition", name]).uuid("id")),
            name: (*name).to_owned(),
            versions: vec![Arc::new(DefinitionVersion { version: 1, content, created_at })],
            archived_at: None,
            created_at,
            updated_at: created_at,
        }
    })
}

/// The id of the definition `name` that follows `previous`, which was archived: racing creations
/// derive the same one, so that only one of them creates it.
fn id_for_name(scope: Scope, name: &str, previous: Option<DefinitionId>) -> DefinitionId {
    let previous = previous.map_or_else(|| "none".to_owned(), |id| id.to_string());
    let org = scope.org.to_string();
    let seed = Seed::of(&[&org, scope.mode.as_str(), "definition named", name, &previous]);
    DefinitionId::from_uuid(seed.uuid("definition"))
}

fn found(definition: &Definition) -> Option<FoundDefinition> {
    let latest = definition.latest().filter(|_| definition.archived_at.is_none())?;
    Some(FoundDefinition {
        reference: DefinitionRef { id: definition.id, version: latest.version },
        name: definition.name.clone(),
        content: latest.content.clone(),
    })
}

impl Commander {
    /// Creates the definition `name`.
    ///
    /// # Errors
    /// A conflict when there is one of that name which is not archived; 422 for unknown tools.
    pub async fn create_definition(
        &self,
        origin: &Origin,
        name: String,
        content: DefinitionContent,
    ) -> Result<Done<Definition>, CommandError> {
        must_be_known(content.tools.as_deref().unwrap_or_default())?;
        let (id, _) = self.newest_named(origin.scope, &name).await?;
        let create =
            DefinitionCommand::Create { definition_id: id, name, content: Box::new(content) };
        self.execute_new(origin, &StreamId::definition(origin.scope, id), &create).await
    }

    pub async fn update_definition(
        &self,
        origin: &Origin,
        id: DefinitionId,
        content: DefinitionContent,
    ) -> Result<Done<Definition>, CommandError> {
        must_be_known(content.tools.as_deref().unwrap_or_default())?;
        let update = DefinitionCommand::Update { content: Box::new(content) };
        self.execute(origin, &StreamId::definition(origin.scope, id), &update).await
    }

    pub async fn archive_definition(
        &self,
        origin: &Origin,
        id: DefinitionId,
    ) -> Result<Done<Definition>, CommandError> {
        let stream = StreamId::definition(origin.scope, id);
        self.execute(origin, &stream, &DefinitionCommand::Archive).await
    }

    /// The definition that `reference`, an id or a name, stands for; the org's own goes before one
    /// that exists from the start. `None`: there is none, or it is archived.
    pub async fn find_definition(
        &self,
        scope: Scope,
        reference: &str,
    ) -> Result<Option<FoundDefinition>, CommandError> {
        if let Ok(id) = reference.parse::<DefinitionId>() {
            let stream = StreamId::definition(scope, id);
            let own = self.load::<Definition>(&stream).await?.state;
            return Ok(own
                .and_then(|own| found(&own))
                .or_else(|| built_in().find(|d| d.id == id).and_then(|d| found(&d))));
        }
        let (_, own) = self.newest_named(scope, reference).await?;
        Ok(own
            .and_then(|own| found(&own))
            .or_else(|| built_in().find(|d| d.name == reference).and_then(|d| found(&d))))
    }

    /// The definition of this name that is not archived, or the id that a new one gets.
    async fn newest_named(
        &self,
        scope: Scope,
        name: &str,
    ) -> Result<(DefinitionId, Option<Arc<Definition>>), CommandError> {
        let mut previous = None;
        loop {
            let id = id_for_name(scope, name, previous);
            match self.load::<Definition>(&StreamId::definition(scope, id)).await?.state {
                Some(definition) if definition.archived_at.is_some() => previous = Some(id),
                state => return Ok((id, state)),
            }
        }
    }
}
