//! Rows in bulk: a few multi-row statements in place of one for each row.

use std::sync::{Arc, OnceLock};

use crate::ProjectionError;
use crate::dialect::{Dialect, Statement, Transaction, Value};

/// Rows in the largest statement, as a power of two; the rest goes in smaller powers of two, so
/// that there are few different statements and each stays prepared.
const LARGEST: u32 = 8;

/// Statements that differ only in their number of rows.
pub(crate) struct BySize(Arc<Shape>);

struct Shape {
    dialect: Dialect,
    head: String,
    columns: usize,
    tail: String,
    sql: [OnceLock<Arc<str>>; LARGEST as usize + 1],
}

impl BySize {
    /// `<head> VALUES (?,…),(?,…) <tail>`, or what the database has for it.
    pub(crate) fn new(dialect: Dialect, head: String, columns: usize, tail: String) -> Self {
        Self(Arc::new(Shape { dialect, head, columns, tail, sql: Default::default() }))
    }

    /// An insert of rows that are not in `table` yet.
    pub(crate) fn insert(dialect: Dialect, table: &str, columns: &[&str]) -> Self {
        let head = format!("{} {table} ({}) ", dialect.insert(), columns.join(","));
        Self::new(dialect, head, columns.len(), String::new())
    }

    /// An insert of rows into `table` that leaves those alone that are there.
    pub(crate) fn insert_missing(dialect: Dialect, table: &str, columns: &[&str]) -> Self {
        let head = format!("{} {table} ({}) ", dialect.insert(), columns.join(","));
        Self::new(dialect, head, columns.len(), " ON CONFLICT DO NOTHING".to_owned())
    }

    /// An insert into `table` that, where a row with this `key` is, sets the columns that `change`.
    pub(crate) fn upsert(
        dialect: Dialect,
        table: &str,
        columns: &[&str],
        key: &str,
        change: impl Fn(&str) -> bool,
    ) -> Self {
        let sets: Vec<_> = columns
            .iter()
            .filter(|column| change(column))
            .map(|column| format!("{column}=excluded.{column}"))
            .collect();
        let head = format!("INSERT INTO {table} ({}) ", columns.join(","));
        let tail = format!(" ON CONFLICT ({key}) DO UPDATE SET {}", sets.join(","));
        Self::new(dialect, head, columns.len(), tail)
    }

    /// Statements for exactly `rows` rows, to be filled cell by cell.
    pub(crate) fn rows(&self, rows: usize) -> Bulk {
        let values = Vec::with_capacity(rows * self.0.columns);
        Bulk { shape: self.0.clone(), rows, values, error: None }
    }
}

impl Shape {
    fn sql(&self, power: u32) -> Arc<str> {
        let make = || {
            let values = self.dialect.placeholders(1 << power, self.columns);
            format!("{}{values}{}", self.head, self.tail).into()
        };
        self.sql[power as usize].get_or_init(make).clone()
    }

    fn statements(&self, rows: usize, values: Vec<Value>) -> Vec<Statement> {
        if rows == 0 {
            return vec![];
        }
        if self.dialect.bulk_of_any_size() {
            return vec![Statement::bulk(self.sql(0), values, self.columns)];
        }
        let largest = std::iter::repeat_n(LARGEST, rows >> LARGEST);
        let smaller = (0..LARGEST).rev().filter(|power| rows >> power & 1 == 1);
        let mut values = values.into_iter();
        let statement = |power: u32| {
            let cells = values.by_ref().take(self.columns << power).collect();
            Statement::bulk(self.sql(power), cells, self.columns)
        };
        largest.chain(smaller).map(statement).collect()
    }
}

/// Rows that are to be written or asked for.
pub(crate) struct Bulk {
    shape: Arc<Shape>,
    rows: usize,
    values: Vec<Value>,
    error: Option<String>,
}

impl Bulk {
    /// The next cell.
    pub(crate) fn put(&mut self, value: impl Into<Value>) {
        self.values.push(value.into());
    }

    /// The next cell; numbers in the database are signed.
    pub(crate) fn put_u64(&mut self, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.put(value),
            Err(error) => self.error = Some(error.to_string()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// How many rows were announced.
    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// The statements with their values, once all cells are there.
    pub(crate) fn filled(self) -> Result<Vec<Statement>, ProjectionError> {
        if let Some(error) = self.error {
            return Err(ProjectionError::Database(error));
        }
        let (cells, announced) = (self.values.len(), self.rows * self.shape.columns);
        if cells != announced {
            let reason = format!("{cells} cells are in a bulk of {announced}");
            return Err(ProjectionError::Database(reason));
        }
        Ok(self.shape.statements(self.rows, self.values))
    }

    pub(crate) async fn execute(self, tx: &mut Transaction) -> Result<(), ProjectionError> {
        for statement in self.filled()? {
            tx.execute(statement).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(bulk: Bulk) -> Vec<usize> {
        bulk.filled().unwrap().iter().map(|statement| statement.values() / 2).collect()
    }

    #[test]
    fn any_number_of_rows_is_a_few_statements() {
        let insert = BySize::insert(Dialect::Sqlite, "t", &["a", "b"]);
        let fill = |rows: i64| {
            let mut bulk = insert.rows(rows.unsigned_abs() as usize);
            for n in 0..rows {
                bulk.put(n);
                bulk.put("text");
            }
            sizes(bulk)
        };
        assert_eq!(fill(0), Vec::<usize>::new());
        assert_eq!(fill(1), [1]);
        assert_eq!(fill(7), [4, 2, 1]);
        assert_eq!(fill(600), [256, 256, 64, 16, 8]);
    }

    fn upsert_of_two(dialect: Dialect) -> Vec<Statement> {
        let columns = ["seq", "a", "b"];
        let upsert = BySize::upsert(dialect, "t", &columns, "seq", |column| column == "b");
        let mut bulk = upsert.rows(2);
        (0..6i64).for_each(|n| bulk.put(n));
        bulk.filled().unwrap()
    }

    #[test]
    fn an_upsert_changes_only_what_may_change() {
        assert_eq!(
            upsert_of_two(Dialect::Sqlite)[0].sql(),
            "INSERT INTO t (seq,a,b) VALUES (?,?,?),(?,?,?) ON CONFLICT (seq) DO UPDATE SET \
             b=excluded.b"
        );
    }

    #[test]
    fn a_bulk_for_postgres_is_one_statement_of_columns() {
        let statements = upsert_of_two(Dialect::Postgres);
        assert_eq!(statements.len(), 1);
        assert_eq!(
            statements[0].sql(),
            "INSERT INTO t (seq,a,b) SELECT * FROM unnest($1,$2,$3) ON CONFLICT (seq) DO UPDATE \
             SET b=excluded.b"
        );
    }

    #[test]
    fn too_few_and_too_many_cells_are_an_error() {
        let insert = BySize::insert(Dialect::Sqlite, "t", &["a", "b"]);
        let mut few = insert.rows(1);
        few.put(1i64);
        assert!(few.filled().is_err());
        let mut many = insert.rows(1);
        (0..3i64).for_each(|n| many.put(n));
        assert!(many.filled().is_err());
        let mut huge = insert.rows(1);
        huge.put_u64(u64::MAX);
        assert!(huge.filled().is_err());
    }
}
