//! The values of a row's own columns.

use std::sync::Arc;

use crate::bulk::Bulk;
use crate::dialect::Value;

/// A value that lists filter or sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Text(Arc<str>),
    Null,
    Flag(bool),
}

/// The cells of one row, in the order of its table's columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cells(Vec<Cell>);

impl Cells {
    /// The next cell.
    pub(crate) fn put(&mut self, cell: impl Into<Cell>) {
        self.0.push(cell.into());
    }

    pub(crate) fn fill(&self, row: &mut Bulk) {
        for cell in &self.0 {
            match cell {
                Cell::Text(text) => row.put(text.clone()),
                Cell::Null => row.put(Value::Null),
                Cell::Flag(flag) => row.put(*flag),
            }
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(text.into())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(text.into())
    }
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Self {
        text.map_or(Cell::Null, Cell::from)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Cell::Flag(flag)
    }
}
