//! What a run made: the files that are there after it and were not before, or have changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use theazo_commands::TaskPart;
use theazo_domain::task::{Artifact, Entry, MAX_ARTIFACTS, TaskAgent};
use theazo_providers::{Provider, ProviderError, SandboxId, TreeEntry};

use super::{Run, RunError};

/// Files that are looked at.
const MAX_FILES: usize = 20_000;
/// Bytes of an artifact that is kept when its agent goes.
const MAX_KEPT: u64 = 16 << 20;
/// Bytes of all of them.
const MAX_KEPT_ALL: u64 = 64 << 20;

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    changed: i64,
}

type Listing = BTreeMap<String, Stamp>;

async fn listing(provider: &dyn Provider, sandbox: &SandboxId) -> Result<Listing, ProviderError> {
    let files = provider.list_tree(sandbox, MAX_FILES).await?;
    let stamp = |file: &TreeEntry| Stamp { size: file.size, changed: file.changed };
    Ok(files.iter().map(|file| (file.path.clone(), stamp(file))).collect())
}

impl Run {
    /// Notes which files there are, before the first tool of a run on an agent that was there
    /// before. A new agent without a snapshot has none.
    pub(super) async fn record_baseline(&mut self) -> Result<(), RunError> {
        let fresh = match &self.task.agent {
            TaskAgent::Own { spec, .. } => spec.snapshot_id.is_none(),
            TaskAgent::Existing { .. } => false,
        };
        if fresh || self.task.baseline.is_some() || self.task.tool_calls > 0 && !self.is_first() {
            return Ok(());
        }
        let host = &self.runner.host;
        let Ok((provider, sandbox)) = host.sandbox_of_run(self.scope, self.agent.id).await else {
            // It ends or pauses: the loop will hear of it.
            return Ok(());
        };
        match listing(provider.as_ref(), &sandbox).await {
            Ok(files) => {
                let json = serde_json::to_vec(&files).unwrap_or_default();
                let files = self.seal(TaskPart::Baseline, &json).await?;
                self.report(vec![Entry::Baseline { files }]).await?;
            }
            Err(error) => {
                tracing::warn!(task = %self.task.id, %error, "the files cannot be listed");
            }
        }
        Ok(())
    }

    /// Whether no tool call has an outcome yet.
    fn is_first(&self) -> bool {
        !self.task.steps.iter().any(|step| step.as_tool().is_some() && step.is_finished())
    }

    /// What the run made, by comparison, and what it declared.
    pub(super) async fn artifacts(&mut self) -> Result<Vec<Artifact>, RunError> {
        if self.task.tool_calls == 0 {
            return Ok(vec![]);
        }
        let host = self.runner.host.clone();
        let Ok((provider, sandbox)) = host.sandbox_of_run(self.scope, self.agent.id).await else {
            return Ok(vec![]);
        };
        let now = match listing(provider.as_ref(), &sandbox).await {
            Ok(now) => now,
            Err(error) => {
                tracing::warn!(task = %self.task.id, %error, "the files cannot be listed");
                return Ok(vec![]);
            }
        };
        let before = self.baseline().await?;
        let new = |(path, stamp): &(String, Stamp)| {
            before.get(path) != Some(stamp) || self.task.declared.contains(path)
        };
        let made: Vec<(String, Stamp)> = now.into_iter().filter(new).take(MAX_ARTIFACTS).collect();
        let mut artifacts: Vec<Artifact> = made
            .into_iter()
            .map(|(path, stamp)| Artifact { path, size: stamp.size, content: None })
            .collect();
        if matches!(self.task.agent, TaskAgent::Own { .. }) {
            self.keep(provider.as_ref(), &sandbox, &mut artifacts).await?;
        }
        Ok(artifacts)
    }

    async fn baseline(&self) -> Result<Listing, RunError> {
        let Some(files) = &self.task.baseline else { return Ok(Listing::new()) };
        let commander = &self.runner.host.commander;
        let json = commander.open_task(self.scope, self.task.id, TaskPart::Baseline, files).await?;
        Ok(serde_json::from_slice(&json).unwrap_or_default())
    }

    /// Keeps the contents of what goes with the agent.
    async fn keep(
        &self,
        provider: &dyn Provider,
        sandbox: &SandboxId,
        artifacts: &mut [Artifact],
    ) -> Result<(), RunError> {
        let mut room = MAX_KEPT_ALL;
        for (index, artifact) in (0u32..).zip(artifacts) {
            if artifact.size > MAX_KEPT.min(room) {
                continue;
            }
            match provider.read_file(sandbox, &artifact.path, MAX_KEPT).await {
                Ok(data) => {
                    room = room.saturating_sub(artifact.size);
                    let content = self.seal(TaskPart::Artifact { index }, &data).await?;
                    artifact.content = Some(content);
                }
                Err(error) => {
                    let task = self.task.id;
                    tracing::warn!(%task, path = artifact.path, %error, "an artifact is not kept");
                }
            }
        }
        Ok(())
    }
}
