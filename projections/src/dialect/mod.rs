//! The two databases that read models are kept in: which one it is, is known here alone.
//!
//! The other files' SQL is what both take. Where they differ, they ask the [`Dialect`] for the
//! words, or the [`Pool`] and the [`Transaction`] for the deed.

mod postgres;
mod sqlite;
mod statement;

use sqlx::postgres::{PgPool, PgRow};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{ColumnIndex, Postgres, Row as _, Sqlite};

pub(crate) use postgres::{CHANNEL, REBUILD, Server, is_missing};
pub(crate) use sqlite::{open_readers, open_writer, tidy};
pub(crate) use statement::{Statement, Value};

use crate::standing::Told;

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The `BIGINT` that rows are appended under. It is no key in Postgres: its planner would walk
    /// a list of one tenant through the rows of all, in the hope to come by enough of them soon.
    pub(crate) const fn seq_type(self) -> &'static str {
        match self {
            Dialect::Sqlite => sqlite::ROW_NUMBER,
            Dialect::Postgres => "BIGINT NOT NULL",
        }
    }

    /// A `BIGINT` that rows are found by.
    pub(crate) const fn key_type(self) -> &'static str {
        match self {
            Dialect::Sqlite => sqlite::ROW_NUMBER,
            Dialect::Postgres => "BIGINT PRIMARY KEY",
        }
    }

    /// What tells that a row of an aggregate is there already.
    pub(crate) const fn row_key(self) -> &'static str {
        match self {
            Dialect::Sqlite => "seq",
            Dialect::Postgres => "tenant,id",
        }
    }

    /// After a table whose rows are kept in its primary key, without a second tree for it.
    pub(crate) const fn clustered(self) -> &'static str {
        match self {
            Dialect::Sqlite => sqlite::CLUSTERED,
            // It has no such tables.
            Dialect::Postgres => "",
        }
    }

    /// Begins an insert of several rows.
    pub(crate) const fn insert(self) -> &'static str {
        match self {
            Dialect::Sqlite => sqlite::INSERT,
            Dialect::Postgres => "INSERT INTO",
        }
    }

    /// The function that gives the smallest of its values, in a row.
    pub(crate) const fn least(self) -> &'static str {
        match self {
            Dialect::Sqlite => "min",
            Dialect::Postgres => "least",
        }
    }

    /// The function that gives the largest of its values, in a row.
    pub(crate) const fn greatest(self) -> &'static str {
        match self {
            Dialect::Sqlite => "max",
            Dialect::Postgres => "greatest",
        }
    }

    /// The values of `rows` rows in bulk, as placeholders: to be sent as [`Statement::bulk`].
    pub(crate) fn placeholders(self, rows: usize, columns: usize) -> String {
        match self {
            Dialect::Sqlite => sqlite::placeholders(rows, columns),
            Dialect::Postgres => postgres::placeholders(columns),
        }
    }

    /// Whether the statement of a bulk is the same for any number of rows.
    pub(crate) const fn bulk_of_any_size(self) -> bool {
        matches!(self, Dialect::Postgres)
    }
}

/// Connections to the database.
#[derive(Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Pool::Sqlite(_) => Dialect::Sqlite,
            Pool::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(crate) async fn rows(&self, statement: Statement) -> Result<Vec<DbRow>, sqlx::Error> {
        match self {
            Pool::Sqlite(pool) => sqlite::rows(pool, statement).await,
            Pool::Postgres(pool) => postgres::rows(pool, statement).await,
        }
    }

    /// The first row.
    pub(crate) async fn row(&self, statement: Statement) -> Result<Option<DbRow>, sqlx::Error> {
        Ok(self.rows(statement).await?.into_iter().next())
    }

    /// Begins a transaction that is the only one that writes, from its start to its end: in all
    /// processes.
    pub(crate) async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        Ok(match self {
            Pool::Sqlite(pool) => Transaction::Sqlite(sqlite::begin(pool).await?),
            Pool::Postgres(pool) => Transaction::Postgres(postgres::begin(pool).await?),
        })
    }

    pub(crate) async fn close(&self) {
        match self {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

/// A transaction that writes.
pub(crate) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Transaction::Sqlite(_) => Dialect::Sqlite,
            Transaction::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(crate) async fn rows(&mut self, statement: Statement) -> Result<Vec<DbRow>, sqlx::Error> {
        match self {
            Transaction::Sqlite(tx) => sqlite::rows(&mut **tx, statement).await,
            Transaction::Postgres(tx) => postgres::rows(&mut **tx, statement).await,
        }
    }

    pub(crate) async fn row(&mut self, statement: Statement) -> Result<Option<DbRow>, sqlx::Error> {
        Ok(self.rows(statement).await?.into_iter().next())
    }

    /// How many rows it changed.
    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<u64, sqlx::Error> {
        match self {
            Transaction::Sqlite(tx) => sqlite::execute(&mut **tx, statement).await,
            Transaction::Postgres(tx) => postgres::execute(&mut **tx, statement).await,
        }
    }

    /// Several statements without values.
    pub(crate) async fn script(&mut self, sql: String) -> Result<(), sqlx::Error> {
        match self {
            Transaction::Sqlite(tx) => sqlite::script(&mut **tx, sql).await,
            Transaction::Postgres(tx) => postgres::script(&mut **tx, sql).await,
        }
    }

    /// Makes the place that the tables are in, where it is not there by itself.
    pub(crate) async fn make_place(&mut self) -> Result<(), sqlx::Error> {
        match self {
            Transaction::Sqlite(_) => Ok(()),
            Transaction::Postgres(tx) => postgres::make_schema(tx).await,
        }
    }

    /// The names of all tables.
    pub(crate) async fn tables(&mut self) -> Result<Vec<String>, sqlx::Error> {
        let rows = match self {
            Transaction::Sqlite(tx) => sqlite::tables(tx).await?,
            Transaction::Postgres(tx) => postgres::tables(tx).await?,
        };
        rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
    }

    /// Whether a rebuild is under way, as far as this process cannot know by itself.
    pub(crate) async fn others_rebuild(&mut self) -> Result<bool, sqlx::Error> {
        match self {
            // A file has one owner.
            Transaction::Sqlite(_) => Ok(false),
            Transaction::Postgres(tx) => postgres::others_rebuild(tx).await,
        }
    }

    /// Gives a transaction that does other things between its statements the time for them.
    pub(crate) async fn take_time(&mut self) -> Result<(), sqlx::Error> {
        match self {
            Transaction::Sqlite(_) => Ok(()),
            Transaction::Postgres(tx) => postgres::take_time(tx).await,
        }
    }

    /// Has it on disk when it is committed, which the others need not be.
    pub(crate) async fn make_durable(&mut self) -> Result<(), sqlx::Error> {
        match self {
            // A power cut ends all who could know better.
            Transaction::Sqlite(_) => Ok(()),
            Transaction::Postgres(tx) => postgres::make_durable(tx).await,
        }
    }

    /// Tells all processes, once this is committed.
    pub(crate) async fn notify(&mut self, what: &Told) -> Result<(), sqlx::Error> {
        match self {
            // There is no other.
            Transaction::Sqlite(_) => Ok(()),
            Transaction::Postgres(tx) => postgres::notify(tx, what.to_string()).await,
        }
    }

    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Transaction::Sqlite(tx) => tx.commit().await,
            Transaction::Postgres(tx) => tx.commit().await,
        }
    }
}

/// A row as the database gave it.
pub(crate) enum DbRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A column's name or its number.
pub(crate) trait Column: ColumnIndex<SqliteRow> + ColumnIndex<PgRow> {}

impl<T: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>> Column for T {}

impl DbRow {
    pub(crate) fn text(&self, column: impl Column) -> Result<&str, sqlx::Error> {
        match self {
            DbRow::Sqlite(row) => row.try_get(column),
            DbRow::Postgres(row) => row.try_get(column),
        }
    }

    pub(crate) fn some_text(&self, column: impl Column) -> Result<Option<&str>, sqlx::Error> {
        match self {
            DbRow::Sqlite(row) => row.try_get(column),
            DbRow::Postgres(row) => row.try_get(column),
        }
    }

    pub(crate) fn integer(&self, column: impl Column) -> Result<i64, sqlx::Error> {
        match self {
            DbRow::Sqlite(row) => row.try_get(column),
            DbRow::Postgres(row) => row.try_get(column),
        }
    }
}
