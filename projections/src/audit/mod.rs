//! The audit: one row per event, with who caused it and what it is about.

mod query;
mod redact;
mod subjects;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use theazo_domain::Actor;
use theazo_log::{Commit, Position};

use crate::bulk::{Bulk, BySize};
use crate::dialect::{Dialect, Pool};
use crate::projection::Projection;
use crate::tenants::Tenants;
use crate::{Model, ProjectionError};

use subjects::Subjects;

pub use query::{AuditEvent, AuditFilter};
pub use redact::redacted;

/// Events that one commit may have; a row's key is its commit's position times this, plus its
/// place.
const PER_COMMIT: u64 = 65_536;
/// Actors whose text is kept at a time.
const ACTORS_KEPT: usize = 10_000;

const COLUMNS: [&str; 13] = [
    "seq",
    "tenant",
    "time",
    "actor",
    "event_type",
    "stream_key",
    "session_id",
    "agent_id",
    "user_id",
    "task_id",
    "request_id",
    "commit_id",
    "body",
];

pub(crate) struct AuditProjection {
    insert: BySize,
    subjects: Subjects,
    actors: HashMap<Actor, Arc<str>>,
    names: HashMap<&'static str, Arc<str>>,
}

impl AuditProjection {
    pub(crate) fn new(dialect: Dialect, prefix: &str) -> Self {
        Self {
            insert: BySize::insert(dialect, &format!("{prefix}audit"), &COLUMNS),
            subjects: Subjects::new(dialect, prefix),
            actors: HashMap::new(),
            names: HashMap::new(),
        }
    }

    fn actor(&mut self, actor: &Actor) -> Arc<str> {
        if let Some(text) = self.actors.get(actor) {
            return text.clone();
        }
        if self.actors.len() >= ACTORS_KEPT {
            self.actors.clear();
        }
        let text: Arc<str> = actor.to_string().into();
        self.actors.insert(actor.clone(), text.clone());
        text
    }

    /// The text of an event type, of which there are few.
    fn name(&mut self, name: &'static str) -> Arc<str> {
        self.names.entry(name).or_insert_with(|| name.into()).clone()
    }

    fn put(
        &mut self,
        commit: &Commit,
        tenants: &Tenants,
        bulk: &mut Bulk,
    ) -> Result<(), ProjectionError> {
        let bad = |reason: String| ProjectionError::Fold {
            model: Model::Audit.name(),
            position: commit.position,
            reason,
        };
        let first = commit.position.0.checked_mul(PER_COMMIT);
        let first = first.ok_or_else(|| bad("its position is too large".to_owned()))?;
        if commit.events.len() as u64 > PER_COMMIT {
            return Err(bad(format!("it has more than {PER_COMMIT} events")));
        }
        let tenant = tenants.number(commit.stream.scope)?;
        let actor = self.actor(&commit.actor);
        let key: Arc<str> = commit.stream.key().into();
        let request: Option<Arc<str>> = commit.request_id.map(|id| id.to_string().into());
        let commit_id: Arc<str> = commit.id.to_string().into();
        for (seq, event) in (first..).zip(&commit.events) {
            let subject = self.subjects.of(commit, event);
            let body = redact::data(event).map_err(|e| bad(e.to_string()))?;
            bulk.put_u64(seq);
            bulk.put(tenant);
            bulk.put(commit.time.as_millis());
            bulk.put(actor.clone());
            bulk.put(self.name(event.event_type().name));
            bulk.put(key.clone());
            bulk.put(subject.session_id);
            bulk.put(subject.agent_id);
            bulk.put(subject.user_id);
            bulk.put(subject.task_id);
            bulk.put(request.clone());
            bulk.put(commit_id.clone());
            bulk.put(body);
        }
        Ok(())
    }
}

#[async_trait]
impl Projection for AuditProjection {
    async fn fold(
        &mut self,
        batch: &[Arc<Commit>],
        tenants: &Tenants,
        committed: &Pool,
    ) -> Result<Vec<Bulk>, ProjectionError> {
        self.subjects.load(batch, tenants, committed).await?;
        let events = batch.iter().map(|commit| commit.events.len()).sum();
        let mut bulk = self.insert.rows(events);
        for commit in batch {
            self.put(commit, tenants, &mut bulk)?;
        }
        Ok(vec![bulk, self.subjects.rows(tenants)?])
    }

    fn committed(&mut self, position: Position) {
        self.subjects.committed(position);
    }
}
