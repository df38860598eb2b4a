//! Which tools there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use theazo_models::ToolSchema;

use super::arguments::Schema;
use super::declare_artifact::DeclareArtifact;
use super::edit_file::EditFile;
use super::fetch_page::FetchPage;
use super::http_request::HttpRequest;
use super::list_files::ListFiles;
use super::locks::FileLocks;
use super::read_file::ReadFile;
use super::read_output::ReadOutput;
use super::report_progress::ReportProgress;
use super::run_code::RunCode;
use super::search::{Search, SearchBackend};
use super::web_search::WebSearch;
use super::write_file::WriteFile;
use super::{Tool, ToolSpec};

/// What the operator sets up for tools.
#[derive(Debug, Clone, Default)]
pub struct ToolsConfig {
    /// Without one, `web_search` says how to set one up.
    pub search: Option<SearchBackend>,
}

/// The tools of this deployment, by name.
#[derive(Clone, Default)]
pub struct Registry(Arc<BTreeMap<&'static str, Entry>>);

struct Entry {
    tool: Arc<dyn Tool>,
    schema: Schema,
}

impl Registry {
    /// The built-in tools.
    pub fn built_in(config: ToolsConfig) -> Self {
        let locks = FileLocks::default();
        let search = config.search.map(Search::new);
        let tools: [Arc<dyn Tool>; 11] = [
            Arc::new(RunCode),
            Arc::new(WriteFile(locks.clone())),
            Arc::new(ReadFile),
            Arc::new(ListFiles),
            Arc::new(EditFile(locks)),
            Arc::new(HttpRequest),
            Arc::new(FetchPage),
            Arc::new(WebSearch(search)),
            Arc::new(ReportProgress),
            Arc::new(DeclareArtifact),
            Arc::new(ReadOutput),
        ];
        Self::of(tools)
    }

    pub fn of(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        let entries = tools.into_iter().map(|tool| {
            let schema = Schema::new(&tool.spec().input_schema);
            (tool.spec().name, Entry { tool, schema })
        });
        Self(Arc::new(entries.collect()))
    }

    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.0.get(name).map(|entry| &entry.tool)
    }

    pub fn specs(&self) -> impl Iterator<Item = &ToolSpec> {
        self.0.values().map(|entry| entry.tool.spec())
    }

    /// The arguments of a call of `name`, as the model wrote them, checked against the tool's
    /// schema. No text at all is no arguments.
    ///
    /// # Errors
    /// What is wrong and what the schema wants, for the model.
    pub fn check(&self, name: &str, arguments: &str) -> Result<Value, String> {
        match self.0.get(name) {
            Some(entry) => entry.schema.check(name, arguments),
            None => {
                let names: Vec<&str> = self.0.keys().copied().collect();
                Err(format!("There is no tool {name:?}. The tools are: {}.", names.join(", ")))
            }
        }
    }

    /// The schemas of those of `names` that there are, in a fixed order: a prompt that changes its
    /// order would miss the vendor's cache.
    pub fn schemas<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<ToolSchema> {
        let wanted: BTreeSet<&str> = names.into_iter().collect();
        let known = self.specs().filter(|spec| wanted.contains(spec.name));
        known
            .map(|spec| ToolSchema {
                name: spec.name.to_owned(),
                description: spec.description.to_owned(),
                input_schema: spec.input_schema.clone(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use theazo_domain::tool;

    use super::*;

    #[test]
    fn every_tool_has_a_schema_that_models_and_we_can_use() {
        let registry = Registry::built_in(ToolsConfig::default());
        for spec in registry.specs() {
            assert!(tool::is_known(spec.name), "{}", spec.name);
            assert_eq!(spec.input_schema["type"], "object", "{}", spec.name);
            assert_eq!(spec.input_schema["additionalProperties"], false, "{}", spec.name);
            assert!(spec.description.len() < 700 && !spec.description.contains("  "));
            let unusable = registry.check(spec.name, "{\"?\":1}").unwrap_err();
            assert!(unusable.contains("'?' was unexpected"), "{unusable}");
        }
        for name in tool::DEFAULT.iter().chain(tool::ALWAYS) {
            assert!(registry.get(name).is_some(), "{name}");
        }
        assert!(registry.check("rm", "").unwrap_err().contains("no tool \"rm\""));
    }

    #[test]
    fn what_changes_the_world_is_not_repeated() {
        let registry = Registry::built_in(ToolsConfig::default());
        let repeated: Vec<&str> =
            registry.specs().filter(|spec| spec.repeatable).map(|spec| spec.name).collect();
        assert_eq!(
            repeated,
            [
                "declare_artifact",
                "fetch_page",
                "list_files",
                "read_file",
                "read_output",
                "report_progress",
                "web_search",
                "write_file"
            ]
        );
    }
}
