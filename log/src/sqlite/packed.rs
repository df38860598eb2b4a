//! Many rows of the file as one row of a result.
//!
//! A row of a result costs the driver an allocation per column and a message between threads:
//! several times what SQLite itself takes to read it. So a query packs up to some hundreds of rows
//! into one text: for each, the lengths of its columns in decimal, each followed by a space, then
//! the columns end to end.

use std::ops::Range;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::rows::corrupt;
use crate::{LogError, Position};

/// The query that packs `columns` of the rows that `inner` gives. Its first column is the number of
/// rows, its second the position of the last one, its third the packed text.
pub(super) fn select(columns: &[&str], inner: &str) -> String {
    let lengths: Vec<String> =
        columns.iter().map(|column| format!("octet_length({column})")).collect();
    format!(
        "SELECT count(*), max(position), group_concat(concat(format('{}', {}), {}), '')
         FROM ({inner})",
        "%d ".repeat(columns.len()),
        lengths.join(", "),
        columns.join(", "),
    )
}

/// The answer of such a query.
pub(super) struct Packed {
    row: SqliteRow,
    pub(super) rows: usize,
    /// [`Position::START`] when there are no rows.
    pub(super) last: Position,
}

impl Packed {
    pub(super) fn new(row: SqliteRow) -> Result<Self, sqlx::Error> {
        let rows: i64 = row.try_get(0)?;
        let last: Option<i64> = row.try_get(1)?;
        let rows = usize::try_from(rows).map_err(|e| sqlx::Error::Decode(e.into()))?;
        Ok(Self { row, rows, last: Position(last.unwrap_or_default().cast_unsigned()) })
    }

    /// Bytes of all of it.
    pub(super) fn size(&self) -> usize {
        self.bytes().map_or(0, <[u8]>::len)
    }

    /// SQLite calls it text; it holds blobs too, so it is read as what it is, bytes.
    fn bytes(&self) -> Result<&[u8], sqlx::Error> {
        if self.rows == 0 { Ok(&[]) } else { self.row.try_get_unchecked(2) }
    }

    /// What `read` makes of each row, which has `N` columns.
    pub(super) fn unpack<const N: usize, T>(
        &self,
        read: impl Fn(Columns<'_, N>) -> Result<T, LogError>,
    ) -> Result<Vec<T>, LogError> {
        let broken = || corrupt(self.last, "the rows up to it do not come apart");
        let mut rest = self.bytes().map_err(|e| corrupt(self.last, e))?;
        let mut items = Vec::with_capacity(self.rows);
        while !rest.is_empty() {
            let (columns, after) = Columns::split(rest).ok_or_else(broken)?;
            items.push(read(columns)?);
            rest = after;
        }
        // A length that was wrong by a whole row would show only here.
        if items.len() == self.rows { Ok(items) } else { Err(broken()) }
    }
}

/// The columns of one packed row.
pub(super) struct Columns<'a, const N: usize> {
    bytes: &'a [u8],
    places: [Range<usize>; N],
}

impl<'a, const N: usize> Columns<'a, N> {
    fn split(packed: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut rest = packed;
        let mut start = 0_usize;
        let mut places = [const { 0..0 }; N];
        for place in &mut places {
            let space = rest.iter().position(|byte| *byte == b' ')?;
            let length: usize = std::str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
            *place = start..start.checked_add(length)?;
            start = place.end;
            rest = &rest[space + 1..];
        }
        let (bytes, after) = rest.split_at_checked(start)?;
        Some((Self { bytes, places }, after))
    }

    pub(super) fn bytes(&self, column: usize) -> &'a [u8] {
        &self.bytes[self.places[column].clone()]
    }

    /// A column that is text, or a number as text.
    pub(super) fn text(&self, column: usize, position: Position) -> Result<&'a str, LogError> {
        std::str::from_utf8(self.bytes(column)).map_err(|e| corrupt(position, e))
    }

    pub(super) fn position(&self, column: usize) -> Result<Position, LogError> {
        let number = self.text(column, Position::START)?.parse();
        number.map(Position).map_err(|e| corrupt(Position::START, e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(packed: &[u8]) -> Option<(Vec<Vec<u8>>, &[u8])> {
        let (columns, rest) = Columns::<'_, 2>::split(packed)?;
        Some((vec![columns.bytes(0).to_vec(), columns.bytes(1).to_vec()], rest))
    }

    #[test]
    fn columns_come_apart_by_their_lengths() {
        let packed = b"3 0 a b1 1 xyrest";
        let (first, after) = split(packed).unwrap();
        assert_eq!(first, [b"a b".to_vec(), vec![]]);
        let (second, rest) = split(after).unwrap();
        assert_eq!((second, rest), (vec![b"x".to_vec(), b"y".to_vec()], b"rest".as_slice()));
    }

    #[test]
    fn what_does_not_come_apart_is_refused() {
        for broken in ["", "1", "1 ", "1 1 x", "x 1 ab", "-1 1 ab", "18446744073709551615 9 ab"] {
            assert!(split(broken.as_bytes()).is_none(), "{broken}");
        }
    }
}
