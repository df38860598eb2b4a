//! The short number that stands for an org and a mode in every row.

use std::collections::HashMap;
use std::sync::Arc;

use theazo_domain::Scope;
use theazo_log::Commit;

use crate::ProjectionError;
use crate::dialect::{Pool, Statement, Transaction};

/// The tenants that one pass over the log knows, by scope and by number. A number is the position
/// of the tenant's first commit: every pass that meets a tenant first gives it the same one.
#[derive(Default)]
pub(crate) struct Tenants {
    numbers: HashMap<Scope, i64>,
    scopes: HashMap<i64, Scope>,
}

/// A tenant that has no row yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewTenant {
    scope: Scope,
    number: i64,
}

impl Tenants {
    /// Those that are in the database.
    pub(crate) async fn load(pool: &Pool) -> Result<Self, ProjectionError> {
        let rows = pool.rows(Statement::new("SELECT number, org, mode FROM tenants")).await?;
        let bad = |reason: String| ProjectionError::Database(format!("a bad tenant: {reason}"));
        let mut tenants = Tenants::default();
        for row in &rows {
            let org = row.text(1)?.parse().map_err(|e| bad(format!("{e}")))?;
            let mode = row.text(2)?.parse().map_err(bad)?;
            tenants.add(NewTenant { scope: Scope { org, mode }, number: row.integer(0)? });
        }
        Ok(tenants)
    }

    /// Numbers the tenants whose first commit is in `batch`; their rows are to be written with it.
    pub(crate) fn meet(
        &mut self,
        batch: &[Arc<Commit>],
    ) -> Result<Vec<NewTenant>, ProjectionError> {
        let mut new = Vec::new();
        for commit in batch {
            let scope = commit.stream.scope;
            if !self.numbers.contains_key(&scope) {
                let number = i64::try_from(commit.position.0)
                    .map_err(|e| ProjectionError::Database(e.to_string()))?;
                let tenant = NewTenant { scope, number };
                self.add(tenant);
                new.push(tenant);
            }
        }
        Ok(new)
    }

    pub(crate) fn number(&self, scope: Scope) -> Result<i64, ProjectionError> {
        let missing = || ProjectionError::Database(format!("{} has no number", scope.org));
        self.numbers.get(&scope).copied().ok_or_else(missing)
    }

    pub(crate) fn scope(&self, number: i64) -> Result<Scope, ProjectionError> {
        let missing = || ProjectionError::Database(format!("no tenant has number {number}"));
        self.scopes.get(&number).copied().ok_or_else(missing)
    }

    fn add(&mut self, tenant: NewTenant) {
        self.numbers.insert(tenant.scope, tenant.number);
        self.scopes.insert(tenant.number, tenant.scope);
    }
}

impl NewTenant {
    /// Writes its row, if no other pass has.
    pub(crate) async fn write(self, tx: &mut Transaction) -> Result<(), sqlx::Error> {
        let sql = "INSERT INTO tenants (number, org, mode) VALUES ($1, $2, $3) \
                   ON CONFLICT (number) DO NOTHING";
        let row = Statement::new(sql).bind(self.number).bind(self.scope.org.to_string());
        tx.execute(row.bind(self.scope.mode.as_str())).await?;
        Ok(())
    }
}
