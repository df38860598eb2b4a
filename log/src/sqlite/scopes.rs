//! The numbers that scopes have in the file.

use std::collections::HashMap;

use parking_lot::RwLock;
use sqlx::{Row, SqliteConnection};
use theazo_domain::Scope;

use super::connect::unavailable;
use crate::LogError;

/// Every scope of the file and its number. A scope is added before its first commit and never
/// changes, so the writer adds and readers look up without the file.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    numbers: RwLock<HashMap<Scope, i64>>,
}

impl Scopes {
    pub(super) async fn load(&self, conn: &mut SqliteConnection) -> Result<(), LogError> {
        let error = |e| unavailable("the scopes cannot be read", &e);
        let rows = sqlx::query("SELECT number, org, mode FROM scopes")
            .fetch_all(conn)
            .await
            .map_err(error)?;
        let mut numbers = HashMap::with_capacity(rows.len());
        for row in rows {
            let (org, mode): (&str, &str) =
                (row.try_get(1).map_err(error)?, row.try_get(2).map_err(error)?);
            let scope = org.parse().ok().zip(mode.parse().ok());
            let Some((org, mode)) = scope else {
                return Err(LogError::Unavailable(format!("`{org}.{mode}` is not a scope")));
            };
            numbers.insert(Scope { org, mode }, row.try_get(0).map_err(error)?);
        }
        *self.numbers.write() = numbers;
        Ok(())
    }

    pub(super) fn number(&self, scope: Scope) -> Option<i64> {
        self.numbers.read().get(&scope).copied()
    }

    /// The number of `scope`, which it gets now if it has none. It is durable when this returns; a
    /// scope without a commit does no harm.
    pub(super) async fn enroll(
        &self,
        conn: &mut SqliteConnection,
        scope: Scope,
    ) -> Result<i64, sqlx::Error> {
        if let Some(number) = self.number(scope) {
            return Ok(number);
        }
        let insert = "INSERT INTO scopes (org, mode) VALUES (?, ?)
                      ON CONFLICT (org, mode) DO UPDATE SET org = org RETURNING number";
        let number = sqlx::query(insert)
            .bind(scope.org.to_string())
            .bind(scope.mode.as_str())
            .fetch_one(conn)
            .await?
            .try_get(0)?;
        self.numbers.write().insert(scope, number);
        Ok(number)
    }
}
