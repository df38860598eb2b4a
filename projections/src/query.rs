//! Selecting rows. Every query of a tenant begins with its scope.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use theazo_domain::Scope;
use theazo_log::Position;

use crate::dialect::{DbRow, Dialect, Statement, Value};
use crate::{Model, Page, ReadError, ReadModels, Row};

/// A row of any tenant: what the platform itself looks at, and never answers to a caller.
#[derive(Debug, Clone, PartialEq)]
pub struct Scoped<T> {
    pub scope: Scope,
    pub row: Row<T>,
}

/// Where the tenant's number goes.
const TENANT: &str = "{tenant}";
const BY_NAME: &str = "SELECT number FROM tenants WHERE org = $1 AND mode = $2";

/// SQL that grows, with its values.
pub(crate) struct Sql {
    text: String,
    values: Vec<Value>,
    scope: Option<Scope>,
}

impl Sql {
    pub(crate) fn new(text: String) -> Self {
        Self { text, values: Vec::new(), scope: None }
    }

    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// A placeholder, and its value.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let number = self.values.len();
        self.push(&format!("${number}"))
    }

    /// Leaves the rows of one tenant.
    pub(crate) fn push_scope(&mut self, scope: Scope) {
        self.push(" AND tenant = ").push(TENANT);
        self.scope = Some(scope);
    }

    pub(crate) async fn rows(self, reads: &ReadModels) -> Result<Vec<DbRow>, ReadError> {
        match self.statement(reads).await? {
            Some(statement) => Ok(reads.readers().rows(statement).await?),
            None => Ok(vec![]),
        }
    }

    /// None when the tenant has no rows.
    async fn statement(mut self, reads: &ReadModels) -> Result<Option<Statement>, ReadError> {
        if let Some(scope) = self.scope {
            let text = std::mem::take(&mut self.text);
            let (before, after) = text.split_once(TENANT).unwrap_or((&text, ""));
            self.push(before);
            match reads.readers().dialect() {
                Dialect::Sqlite => {
                    self.push("(SELECT number FROM tenants WHERE org = ");
                    self.bind(scope.org.to_string());
                    self.push(" AND mode = ").bind(scope.mode.as_str()).push(")");
                }
                // Its planner chooses the index by how many rows this tenant has.
                Dialect::Postgres => match reads.number_of(scope).await? {
                    Some(number) => _ = self.bind(number),
                    None => return Ok(None),
                },
            }
            self.push(after);
        }
        Ok(Some(Statement::new(self.text).bind_all(self.values)))
    }
}

impl ReadModels {
    /// The number of a tenant that has rows. It never has another.
    async fn number_of(&self, scope: Scope) -> Result<Option<i64>, ReadError> {
        if let Some(number) = self.numbers().get(&scope) {
            return Ok(Some(*number));
        }
        let select = Statement::new(BY_NAME).bind(scope.org.to_string());
        let row = self.readers().row(select.bind(scope.mode.as_str())).await?;
        let number = row.map(|row| row.integer(0)).transpose()?;
        if let Some(number) = number {
            self.numbers().insert(scope, number);
        }
        Ok(number)
    }
}

pub(crate) struct Query {
    sql: Sql,
    model: Model,
}

impl Query {
    /// The rows of one tenant.
    pub(crate) fn scoped(model: Model, scope: Scope) -> Self {
        let mut query = Self::across_tenants(model);
        query.sql.push_scope(scope);
        query
    }

    /// The rows of all tenants, for the platform itself.
    pub(crate) fn across_tenants(model: Model) -> Self {
        let table = model.name();
        let sql = format!("SELECT seq, revision, body, tenant FROM {table} WHERE 1=1");
        Self { sql: Sql::new(sql), model }
    }

    pub(crate) fn equals(mut self, column: &'static str, value: impl Into<Value>) -> Self {
        self.sql.push(" AND ").push(column).push(" = ").bind(value);
        self
    }

    /// Where `value` is given.
    pub(crate) fn equals_any<T: Into<Value>>(self, column: &'static str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.equals(column, value),
            None => self,
        }
    }

    /// A condition without values.
    pub(crate) fn and(mut self, condition: &'static str) -> Self {
        self.sql.push(" AND ").push(condition);
        self
    }

    /// The newest row.
    pub(crate) async fn newest<T>(self, reads: &ReadModels) -> Result<Option<Row<T>>, ReadError>
    where
        T: DeserializeOwned,
    {
        Ok(self.page(reads, Page::first(1)).await?.into_iter().next())
    }

    /// A part of the list, newest first.
    pub(crate) async fn page<T>(
        self,
        reads: &ReadModels,
        page: Page,
    ) -> Result<Vec<Row<T>>, ReadError>
    where
        T: DeserializeOwned,
    {
        let rows = self.paged(page).rows(reads).await?;
        rows.iter().map(read_row).collect()
    }

    fn paged(mut self, page: Page) -> Self {
        if let Some(before) = page.before {
            self.sql.push(" AND seq < ").bind(cursor(before));
        }
        self.sql.push(" ORDER BY seq DESC LIMIT ").bind(i64::from(page.limit));
        self
    }

    /// All rows, oldest first: for conditions that few rows ever fit.
    pub(crate) async fn all<T>(self, reads: &ReadModels) -> Result<Vec<Row<T>>, ReadError>
    where
        T: DeserializeOwned,
    {
        let rows = self.oldest_first().rows(reads).await?;
        rows.iter().map(read_row).collect()
    }

    fn oldest_first(mut self) -> Self {
        self.sql.push(" ORDER BY seq");
        self
    }

    /// At most `limit` rows after `after`, oldest first.
    pub(crate) async fn walk<T>(
        self,
        reads: &ReadModels,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Scoped<T>>, ReadError>
    where
        T: DeserializeOwned,
    {
        let rows = self.walked(after, limit).rows(reads).await?;
        let mut walked = Vec::with_capacity(rows.len());
        let mut scopes = HashMap::new();
        for row in &rows {
            let tenant: i64 = row.integer("tenant")?;
            let scope = match scopes.get(&tenant) {
                Some(scope) => *scope,
                None => reads.scope_of(tenant).await?,
            };
            scopes.insert(tenant, scope);
            walked.push(Scoped { scope, row: read_row(row)? });
        }
        Ok(walked)
    }

    fn walked(mut self, after: u64, limit: u32) -> Self {
        self.sql.push(" AND seq > ").bind(cursor(after));
        self.sql.push(" ORDER BY seq LIMIT ").bind(i64::from(limit));
        self
    }

    async fn rows(self, reads: &ReadModels) -> Result<Vec<DbRow>, ReadError> {
        reads.check(self.model)?;
        self.sql.rows(reads).await
    }
}

/// A place in a list, as the database's signed number.
pub(crate) fn cursor(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

pub(crate) fn read_u64(row: &DbRow, column: &'static str) -> Result<u64, ReadError> {
    u64::try_from(row.integer(column)?)
        .map_err(|_| ReadError::Unavailable(format!("`{column}` is negative")))
}

fn read_row<T: DeserializeOwned>(row: &DbRow) -> Result<Row<T>, ReadError> {
    let value = serde_json::from_str(row.text("body")?).map_err(unreadable)?;
    let revision = Position(read_u64(row, "revision")?);
    Ok(Row { seq: read_u64(row, "seq")?, revision, value })
}

/// A stored value that is not what this build writes.
pub(crate) fn unreadable(error: impl std::fmt::Display) -> ReadError {
    ReadError::Unavailable(format!("a row cannot be read: {error}"))
}

/// The ways through the indexes, for the tests of the read models.
#[cfg(test)]
impl Query {
    pub(crate) async fn plan_of_page(self, reads: &ReadModels) -> String {
        self.paged(Page { before: Some(9), limit: 25 }).plan(reads).await
    }

    pub(crate) async fn plan_of_walk(self, reads: &ReadModels) -> String {
        self.walked(0, 100).plan(reads).await
    }

    pub(crate) async fn plan_of_all(self, reads: &ReadModels) -> String {
        self.oldest_first().plan(reads).await
    }

    async fn plan(self, reads: &ReadModels) -> String {
        self.sql.plan(reads).await
    }
}

#[cfg(test)]
impl Sql {
    pub(crate) async fn plan(mut self, reads: &ReadModels) -> String {
        let (explain, column) = match reads.readers().dialect() {
            Dialect::Sqlite => ("EXPLAIN QUERY PLAN ", "detail"),
            Dialect::Postgres => ("EXPLAIN ", "QUERY PLAN"),
        };
        self.text.insert_str(0, explain);
        let steps = self.rows(reads).await.unwrap();
        let details: Vec<&str> = steps.iter().map(|step| step.text(column).unwrap()).collect();
        details.join("; ")
    }
}
