//! API keys: by org, and by the digest that a caller's key has.

use std::borrow::Cow;

use theazo_domain::api_key::ApiKey;
use theazo_domain::org::{Org, Plan};
use theazo_domain::{ApiKeyId, Kind, Scope, StreamId};
use theazo_log::Commit;

use crate::cells::Cells;
use crate::dialect::Statement;
use crate::query::{Query, unreadable};
use crate::table::{Table, own_fold, own_row};
use crate::{Model, Page, ReadError, ReadModels, Row};

impl Table for ApiKey {
    const MODEL: Model = Model::ApiKeys;
    const KIND: Kind = Kind::ApiKey;
    const COLUMNS: &'static [&'static str] = &["digest", "revoked"];
    const FIXED: &'static [&'static str] = &[];

    fn row(commit: &Commit) -> Option<Cow<'_, StreamId>> {
        own_row::<ApiKey>(commit)
    }

    fn evolve(state: Option<Self>, commit: &Commit) -> Option<Self> {
        own_fold(state, commit)
    }

    fn cells(&self, row: &mut Cells) {
        row.put(self.digest.sha256.as_str());
        row.put(self.revoked_at.is_some());
    }
}

/// Whose key it is, and what its org pays for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    pub key: ApiKey,
    pub scope: Scope,
    pub plan: Plan,
}

impl ReadModels {
    pub async fn api_key(
        &self,
        scope: Scope,
        id: ApiKeyId,
    ) -> Result<Option<Row<ApiKey>>, ReadError> {
        Query::scoped(Model::ApiKeys, scope).equals("id", id.to_string()).newest(self).await
    }

    /// All of the org's keys in this mode, the revoked ones too.
    pub async fn api_keys(&self, scope: Scope, page: Page) -> Result<Vec<Row<ApiKey>>, ReadError> {
        Query::scoped(Model::ApiKeys, scope).page(self, page).await
    }

    /// The key whose SHA-256 (hex) this is, unless it was revoked or rotated away. It has no scope
    /// in it because it is what tells a caller's scope. The plan is the smallest one while the
    /// org is not known (keys can be made before their org is).
    pub async fn key_by_digest(&self, sha256: &str) -> Result<Option<KeyRecord>, ReadError> {
        self.check(Model::ApiKeys)?;
        self.check(Model::Orgs)?;
        let sql = "SELECT n.org, n.mode, k.body, o.body AS org_body FROM api_keys k \
                   JOIN tenants n ON n.number = k.tenant LEFT JOIN orgs o ON o.id = n.org \
                   WHERE k.digest = $1 AND k.revoked = 0 ORDER BY o.seq DESC NULLS LAST LIMIT 1";
        let row = self.readers().row(Statement::new(sql).bind(sha256.to_owned())).await?;
        let Some(row) = row else { return Ok(None) };
        let org = row.text("org")?.parse().map_err(unreadable)?;
        let mode = row.text("mode")?.parse().map_err(unreadable)?;
        let key = serde_json::from_str(row.text("body")?).map_err(unreadable)?;
        let plan = match row.some_text("org_body")? {
            Some(body) => serde_json::from_str::<Org>(body).map_err(unreadable)?.plan,
            None => Plan::Free,
        };
        Ok(Some(KeyRecord { key, scope: Scope { org, mode }, plan }))
    }
}
