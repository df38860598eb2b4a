//! The statement that writes a batch.

use std::sync::Arc;

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, SqliteConnection};
use theazo_domain::{CommitId, Kind, Timestamp};

use super::plan::Link;

/// The sizes that statements come in, so that few of them stay prepared. What is not used of one
/// is left NULL.
const BUCKETS: [usize; 14] = [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512];

/// One row of `commits`.
pub(super) struct NewRow {
    pub(super) link: Link,
    pub(super) scope: i64,
    pub(super) kind: Kind,
    /// The stream's name, when this is its first commit.
    pub(super) stream: Option<String>,
    pub(super) id: CommitId,
    pub(super) time: Timestamp,
    pub(super) body: Arc<str>,
}

/// The largest batch: the largest statement.
pub(super) const MAX_ROWS: usize = BUCKETS[BUCKETS.len() - 1];

/// The smallest statement size that holds `n`.
pub(super) fn bucket(n: usize) -> usize {
    BUCKETS.into_iter().find(|size| *size >= n).unwrap_or(n)
}

/// `?,?,…`
pub(super) fn placeholders(n: usize) -> String {
    vec!["?"; n].join(",")
}

/// Writes `rows` as one statement outside a transaction, which is one transaction: when this
/// returns they are durable. One round trip to the connection's thread, whatever their number.
pub(super) async fn insert(
    conn: &mut SqliteConnection,
    statements: &mut Statements,
    rows: &[NewRow],
) -> Result<(), sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(rows.len() * 11, 0);
    for row in rows {
        bind(&mut arguments, row).map_err(sqlx::Error::Encode)?;
    }
    let sql = statements.get(rows.len());
    sqlx::query_with(AssertSqlSafe(sql), arguments).execute(conn).await?;
    Ok(())
}

fn bind(arguments: &mut SqliteArguments, row: &NewRow) -> Result<(), sqlx::error::BoxDynError> {
    arguments.add(row.link.position.0.cast_signed())?;
    arguments.add(row.link.previous.0.cast_signed())?;
    arguments.add(row.link.origin.0.cast_signed())?;
    arguments.add(row.scope)?;
    arguments.add(row.kind.as_str())?;
    arguments.add(row.stream.as_deref())?;
    arguments.add(row.id.as_uuid().as_bytes().as_slice())?;
    arguments.add(row.time.as_millis())?;
    arguments.add(row.link.previous_hash.0.as_slice())?;
    arguments.add(row.link.hash.0.as_slice())?;
    arguments.add(Arc::clone(&row.body))
}

/// The texts of the statements made so far.
#[derive(Default)]
pub(super) struct Statements {
    texts: std::collections::HashMap<usize, Arc<str>>,
}

impl Statements {
    fn get(&mut self, rows: usize) -> Arc<str> {
        let size = bucket(rows);
        Arc::clone(self.texts.entry(size).or_insert_with(|| text(size)))
    }
}

fn text(size: usize) -> Arc<str> {
    let columns = "position, previous, origin, scope, kind, stream, id, time, previous_hash, hash, \
                   body";
    let row = "(?,?,?,?,?,?,?,?,?,?,?)";
    let rows = vec![row; size].join(",");
    format!(
        "INSERT INTO commits ({columns}) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL"
    )
    .into()
}
