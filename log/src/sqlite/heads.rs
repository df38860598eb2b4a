//! Where streams end: what an append is checked against.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use lru::LruCache;
use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use theazo_domain::{CommitId, StreamId};

use super::insert::{bucket, placeholders};
use crate::{Hash, Position};

/// The end of a stream that has commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The position of its first commit: its number in the file.
    pub(super) origin: Position,
    pub(super) revision: Position,
    pub(super) hash: Hash,
}

/// The heads of the streams used last. Only the writer has it, and nobody else writes, so what it
/// holds is true.
pub(super) struct Heads {
    cache: LruCache<StreamId, Head>,
}

impl Heads {
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN);
        Self { cache: LruCache::new(capacity) }
    }

    pub(super) fn get(&mut self, stream: &StreamId) -> Option<Head> {
        self.cache.get(stream).copied()
    }

    pub(super) fn put(&mut self, stream: StreamId, head: Head) {
        self.cache.put(stream, head);
    }

    pub(super) fn clear(&mut self) {
        self.cache.clear();
    }
}

/// The heads of those of `streams` that have commits, from the file.
pub(super) async fn load_heads(
    conn: &mut SqliteConnection,
    streams: &[&StreamId],
) -> Result<HashMap<StreamId, Head>, sqlx::Error> {
    let sql = heads_sql(bucket(streams.len()));
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for stream in streams {
        query = query.bind(stream.to_string());
    }
    let mut by_name: HashMap<String, Head> = HashMap::with_capacity(streams.len());
    for row in query.fetch_all(conn).await? {
        let head = Head {
            origin: position(row.try_get(1)?),
            revision: position(row.try_get(2)?),
            hash: hash(row.try_get(3)?)?,
        };
        by_name.insert(row.try_get(0)?, head);
    }
    Ok(streams
        .iter()
        .filter_map(|stream| Some(((*stream).clone(), *by_name.get(&stream.to_string())?)))
        .collect())
}

/// Those of `ids` (each in the stream with this origin) that are in the file, with their positions.
pub(super) async fn load_ids(
    conn: &mut SqliteConnection,
    ids: &[(Position, CommitId)],
) -> Result<HashMap<(Position, CommitId), Position>, sqlx::Error> {
    let sql = ids_sql(bucket(ids.len()));
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for (origin, id) in ids {
        query = query.bind(origin.0.cast_signed()).bind(id.as_uuid().as_bytes().to_vec());
    }
    let mut found = HashMap::new();
    for row in query.fetch_all(conn).await? {
        let id: &[u8] = row.try_get(2)?;
        let id = CommitId::from_uuid(uuid::Uuid::from_slice(id).map_err(decode)?);
        found.insert((position(row.try_get(1)?), id), position(row.try_get(0)?));
    }
    Ok(found)
}

fn heads_sql(streams: usize) -> String {
    format!(
        "SELECT first.stream, first.position, last.position, last.hash
         FROM commits first JOIN commits last ON last.position =
            (SELECT position FROM commits WHERE origin = first.position
             ORDER BY position DESC LIMIT 1)
         WHERE first.stream IN ({})",
        placeholders(streams)
    )
}

/// CROSS JOIN keeps SQLite from walking the whole index: it looks up each pair.
fn ids_sql(ids: usize) -> String {
    format!(
        "WITH wanted (origin, id) AS (VALUES {})
         SELECT c.position, c.origin, c.id FROM wanted CROSS JOIN commits c
         ON c.origin = wanted.origin AND c.id = wanted.id",
        vec!["(?,?)"; ids].join(",")
    )
}

fn position(stored: i64) -> Position {
    Position(stored.cast_unsigned())
}

fn hash(stored: &[u8]) -> Result<Hash, sqlx::Error> {
    stored.try_into().map(Hash).map_err(decode)
}

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::explain::searches;

    #[tokio::test]
    async fn the_writer_never_walks_the_log() {
        for n in [1, 8, 512] {
            searches(&heads_sql(n)).await;
            searches(&ids_sql(n)).await;
        }
    }
}
