//! Secrets: their ciphertexts one by one, their names in lists.

use std::borrow::Cow;

use serde::Deserialize;
use theazo_domain::secret::Secret;
use theazo_domain::{Kind, Scope, SessionId, StreamId, Timestamp};
use theazo_log::Commit;

use crate::cells::Cells;
use crate::query::Query;
use crate::table::{Table, own_fold, own_row};
use crate::{Model, Page, ReadError, ReadModels, Row};

impl Table for Secret {
    const MODEL: Model = Model::Secrets;
    const KIND: Kind = Kind::Secret;
    const COLUMNS: &'static [&'static str] = &["session_id", "deleted"];
    const FIXED: &'static [&'static str] = &["session_id"];

    fn row(commit: &Commit) -> Option<Cow<'_, StreamId>> {
        own_row::<Secret>(commit)
    }

    fn evolve(state: Option<Self>, commit: &Commit) -> Option<Self> {
        own_fold(state, commit)
    }

    fn cells(&self, row: &mut Cells) {
        row.put(self.session_id.map(|id| id.to_string()));
        row.put(self.value.is_none());
    }
}

/// A secret as lists show it: without its value, which is not even read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretEntry {
    pub name: String,
    /// Absent: the whole org's.
    pub session_id: Option<SessionId>,
    pub version: u32,
    pub created_at: Timestamp,
}

impl ReadModels {
    /// The secret with its ciphertext; none when it was deleted or `name` is not one.
    pub async fn secret(
        &self,
        scope: Scope,
        session: Option<SessionId>,
        name: &str,
    ) -> Result<Option<Row<Secret>>, ReadError> {
        let Some(stream) = Secret::stream(scope, session, name) else { return Ok(None) };
        Query::scoped(Model::Secrets, scope)
            .equals("id", stream.key().to_owned())
            .and("deleted = 0")
            .newest(self)
            .await
    }

    /// Those of one session; without one all of the org's, as the API reference's example shows.
    pub async fn secrets(
        &self,
        scope: Scope,
        session: Option<SessionId>,
        page: Page,
    ) -> Result<Vec<Row<SecretEntry>>, ReadError> {
        Query::scoped(Model::Secrets, scope)
            .and("deleted = 0")
            .equals_any("session_id", session.map(|id| id.to_string()))
            .page(self, page)
            .await
    }
}
