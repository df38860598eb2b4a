//! Rows in bulk: a few multi-row statements in place of one for each row.

use std::sync::{Arc, OnceLock};

use sqlx::{Arguments as _, AssertSqlSafe, Encode, Type};

use crate::ProjectionError;
use crate::dialect::{self, Arguments, Connection, Db};

/// Rows in the largest statement, as a power of two; the rest goes in smaller powers of two, so
/// that there are few different statements and each stays prepared.
const LARGEST: u32 = 8;

/// Statements that differ only in their number of rows.
pub(crate) struct BySize {
    head: String,
    columns: usize,
    tail: String,
    sql: [OnceLock<Arc<str>>; LARGEST as usize + 1],
}

impl BySize {
    /// `<head> (?,…),(?,…) <tail>`
    pub(crate) fn new(head: String, columns: usize, tail: String) -> Self {
        Self { head, columns, tail, sql: Default::default() }
    }

    /// An insert of rows that are not in `table` yet.
    pub(crate) fn insert(table: &str, columns: &[&str]) -> Self {
        let head = format!("{} {table} ({}) VALUES ", dialect::INSERT, columns.join(","));
        Self::new(head, columns.len(), String::new())
    }

    /// An insert of rows into `table` that leaves those alone that are there.
    pub(crate) fn insert_missing(table: &str, columns: &[&str]) -> Self {
        let head = format!("{} {table} ({}) VALUES ", dialect::INSERT, columns.join(","));
        Self::new(head, columns.len(), " ON CONFLICT DO NOTHING".to_owned())
    }

    /// An insert into `table` that, where a row with this `key` is, sets the columns that `change`.
    pub(crate) fn upsert(
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
        let head = format!("INSERT INTO {table} ({}) VALUES ", columns.join(","));
        let tail = format!(" ON CONFLICT ({key}) DO UPDATE SET {}", sets.join(","));
        Self::new(head, columns.len(), tail)
    }

    fn sql(&self, power: u32) -> Arc<str> {
        let make = || {
            let values = dialect::placeholders(1 << power, self.columns);
            format!("{}{values}{}", self.head, self.tail).into()
        };
        self.sql[power as usize].get_or_init(make).clone()
    }

    /// Statements for exactly `rows` rows, to be filled cell by cell.
    pub(crate) fn rows(&self, rows: usize) -> Bulk {
        let mut plan = vec![LARGEST; rows >> LARGEST];
        plan.extend((0..LARGEST).rev().filter(|power| rows >> power & 1 == 1));
        let statements = plan
            .into_iter()
            .map(|power| {
                let mut arguments = Arguments::default();
                arguments.reserve(self.columns << power, 0);
                (self.sql(power), arguments, self.columns << power)
            })
            .collect();
        Bulk { statements, rows, filling: 0, error: None }
    }
}

/// Statements with their values.
pub(crate) struct Bulk {
    statements: Vec<(Arc<str>, Arguments, usize)>,
    rows: usize,
    filling: usize,
    error: Option<String>,
}

impl Bulk {
    /// The next cell.
    pub(crate) fn put<'q, T: Encode<'q, Db> + Type<Db>>(&mut self, value: T) {
        let Some((_, arguments, cells)) = self.statements.get_mut(self.filling) else {
            self.error = Some("more cells than rows were announced".to_owned());
            return;
        };
        if let Err(error) = arguments.add(value) {
            self.error = Some(error.to_string());
        }
        if arguments.len() == *cells {
            self.filling += 1;
        }
    }

    /// The next cell; numbers in the database are signed.
    pub(crate) fn put_u64(&mut self, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.put(value),
            Err(error) => self.error = Some(error.to_string()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// How many rows were announced.
    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// The statements with their values, once all cells are there.
    pub(crate) fn filled(self) -> Result<Vec<(Arc<str>, Arguments)>, ProjectionError> {
        if let Some(error) = self.error {
            return Err(ProjectionError::Database(error));
        }
        if self.filling < self.statements.len() {
            return Err(ProjectionError::Database("rows are missing in a bulk".to_owned()));
        }
        Ok(self.statements.into_iter().map(|(sql, arguments, _)| (sql, arguments)).collect())
    }

    pub(crate) async fn execute(self, connection: &mut Connection) -> Result<(), ProjectionError> {
        for (sql, arguments) in self.filled()? {
            sqlx::query_with(AssertSqlSafe(sql), arguments).execute(&mut *connection).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(bulk: Bulk) -> Vec<usize> {
        bulk.filled().unwrap().iter().map(|(_, arguments)| arguments.len() / 2).collect()
    }

    #[test]
    fn any_number_of_rows_is_a_few_statements() {
        let insert = BySize::insert("t", &["a", "b"]);
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

    #[test]
    fn an_upsert_changes_only_what_may_change() {
        let upsert = BySize::upsert("t", &["seq", "a", "b"], "seq", |column| column == "b");
        assert_eq!(
            &*upsert.sql(1),
            "INSERT INTO t (seq,a,b) VALUES (?,?,?),(?,?,?) ON CONFLICT (seq) DO UPDATE SET \
             b=excluded.b"
        );
    }

    #[test]
    fn too_few_and_too_many_cells_are_an_error() {
        let insert = BySize::insert("t", &["a", "b"]);
        let mut few = insert.rows(1);
        few.put(1);
        assert!(few.filled().is_err());
        let mut many = insert.rows(1);
        (0..3).for_each(|n| many.put(n));
        assert!(many.filled().is_err());
        let mut huge = insert.rows(1);
        huge.put_u64(u64::MAX);
        assert!(huge.filled().is_err());
    }
}
