use theazo_domain::Scope;
use theazo_log::{Hash, Position};

use crate::dialect::Statement;
use crate::query::{cursor, read_u64, unreadable};
use crate::{ChainCheckpoint, Model, Page, ReadError, ReadModels};

/// Where an org's rolling hash stands: not signed, it is still moving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// The tenant's last commit that is in the hash.
    pub position: Position,
    /// How many of its commits are in it.
    pub length: u64,
    pub hash: Hash,
}

impl ReadModels {
    /// The signed checkpoints of a tenant, newest first; `page.before` is a position.
    pub async fn chain_checkpoints(
        &self,
        scope: Scope,
        page: Page,
    ) -> Result<Vec<ChainCheckpoint>, ReadError> {
        self.check(Model::OrgChain)?;
        let sql = "SELECT position, length, hash, signature FROM org_chain \
                   WHERE tenant = (SELECT number FROM tenants WHERE org = $1 AND mode = $2) \
                   AND position < $3 \
                   ORDER BY position DESC LIMIT $4";
        let select = Statement::new(sql)
            .bind(scope.org.to_string())
            .bind(scope.mode.as_str())
            .bind(page.before.map_or(i64::MAX, cursor))
            .bind(i64::from(page.limit));
        let rows = self.readers().rows(select).await?;
        rows.iter()
            .map(|row| {
                Ok(ChainCheckpoint {
                    position: Position(read_u64(row, "position")?),
                    length: read_u64(row, "length")?,
                    hash: row.text("hash")?.parse().map_err(unreadable)?,
                    signature: row.text("signature")?.to_owned(),
                })
            })
            .collect()
    }

    /// Where the rolling hash of a tenant stands.
    pub async fn chain_head(&self, scope: Scope) -> Result<Option<ChainHead>, ReadError> {
        self.check(Model::OrgChain)?;
        let sql = "SELECT position, length, hash FROM org_chain_heads \
                   WHERE tenant = (SELECT number FROM tenants WHERE org = $1 AND mode = $2)";
        let select = Statement::new(sql).bind(scope.org.to_string()).bind(scope.mode.as_str());
        let row = self.readers().row(select).await?;
        row.map(|row| {
            Ok(ChainHead {
                position: Position(read_u64(&row, "position")?),
                length: read_u64(&row, "length")?,
                hash: row.text("hash")?.parse().map_err(unreadable)?,
            })
        })
        .transpose()
    }
}
