//! Reads the file, on connections that never wait for the writer.

use std::collections::VecDeque;
use std::sync::Arc;

use sqlx::sqlite::{Sqlite, SqliteArguments, SqlitePool};
use theazo_domain::{CommitId, StreamId};
use tokio::task::JoinHandle;

use super::connect::unavailable;
use super::packed::Packed;
use super::scopes::Scopes;
use super::{rows, selects};
use crate::{Commit, Filter, LogError, Page, Passing, Past, Position, Recent, Upcasters};

/// Rows of the first chunk of a read, and the most of any. Each is one query, which is one packed
/// row, which is decoded at a time.
const FIRST_CHUNK: usize = 128;
const MAX_CHUNK: usize = 512;
/// Bytes that a chunk should come to, by the size of the rows before it.
const CHUNK_BYTES: usize = 1 << 20;
/// Reads up to this size are decoded where they are: a change of thread costs more.
const INLINE: usize = 32;
/// Bytes of stored bodies after which a page ends early.
const PAGE_BYTES: usize = 16 << 20;

/// A query with its arguments, whose answer is one [`Packed`].
pub(super) type Select = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

/// Shared by the log and every subscription.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) pool: SqlitePool,
    pub(super) scopes: Arc<Scopes>,
    pub(super) recent: Arc<Recent>,
    pub(super) upcasters: Arc<Upcasters>,
}

/// A chunk, decoded or about to be.
type Decoding = JoinHandle<Result<Vec<Arc<Commit>>, LogError>>;

impl Reader {
    /// At most `limit` commits after `after` that match.
    pub(super) async fn read(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Arc<Commit>>, LogError> {
        if let Some(commits) = self.recent.read(filter, after, limit) {
            return Ok(commits);
        }
        Ok(self.stored(filter, after, limit, usize::MAX).await?.0)
    }

    pub(super) async fn find(
        &self,
        stream: &StreamId,
        id: CommitId,
    ) -> Result<Option<Arc<Commit>>, LogError> {
        if let Some(commit) = self.recent.find(stream, id) {
            return Ok(Some(commit));
        }
        self.one(selects::by_id(stream, id)).await
    }

    pub(super) async fn at(&self, position: Position) -> Result<Option<Arc<Commit>>, LogError> {
        if let Some(commit) = self.recent.at(position) {
            return Ok(Some(commit));
        }
        self.one(selects::at(position)).await
    }

    async fn one(&self, select: Select) -> Result<Option<Arc<Commit>>, LogError> {
        let row = select.fetch_one(&self.pool).await.map_err(failed)?;
        let packed = Packed::new(row).map_err(failed)?;
        Ok(decode(&packed, &self.upcasters)?.pop())
    }

    /// Reads chunk by chunk, and decodes what has arrived while the next is read. Ends early after
    /// `max_bytes`; also answers whether there was nothing more.
    async fn stored(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
        max_bytes: usize,
    ) -> Result<(Vec<Arc<Commit>>, bool), LogError> {
        let (mut after, mut left, mut bytes) = (after, limit, 0);
        let mut chunk = FIRST_CHUNK;
        let mut decoding: VecDeque<Decoding> = VecDeque::new();
        let mut conn = self.pool.acquire().await.map_err(failed)?;
        while left > 0 && bytes < max_bytes {
            let wanted = chunk.min(left);
            let Some(select) = selects::matching(filter, &self.scopes, after, wanted) else {
                return Ok((Vec::new(), true));
            };
            let row = select.fetch_one(&mut *conn).await.map_err(failed)?;
            let packed = Packed::new(row).map_err(failed)?;
            let (rows, size) = (packed.rows, packed.size());
            let end = rows < wanted;
            if end && decoding.is_empty() && rows <= INLINE {
                return Ok((decode(&packed, &self.upcasters)?, end));
            }
            after = packed.last;
            left -= rows;
            bytes += size;
            chunk = (CHUNK_BYTES / (size / rows.max(1) + 1)).clamp(1, MAX_CHUNK);
            decoding.push_back(self.decode_aside(packed));
            if end {
                drop(conn);
                return Ok((join(decoding).await?, true));
            }
        }
        drop(conn);
        Ok((join(decoding).await?, false))
    }

    fn decode_aside(&self, packed: Packed) -> Decoding {
        let upcasters = Arc::clone(&self.upcasters);
        tokio::task::spawn_blocking(move || decode(&packed, &upcasters))
    }
}

impl Past for Reader {
    async fn page(&self, filter: &Filter, after: Position, limit: usize) -> Result<Page, LogError> {
        if let Some(commits) = self.recent.passed(filter, after, limit) {
            return Ok(Page { end: commits.len() < limit, commits });
        }
        let (commits, end) = self.stored(filter, after, limit, PAGE_BYTES).await?;
        Ok(Page { commits: commits.into_iter().map(Passing::from).collect(), end })
    }
}

async fn join(decoding: VecDeque<Decoding>) -> Result<Vec<Arc<Commit>>, LogError> {
    let mut commits = Vec::new();
    for chunk in decoding {
        let stopped = |e| LogError::Unavailable(format!("the decoding of commits stopped: {e}"));
        commits.append(&mut chunk.await.map_err(stopped)??);
    }
    Ok(commits)
}

fn decode(packed: &Packed, upcasters: &Upcasters) -> Result<Vec<Arc<Commit>>, LogError> {
    packed.unpack(|columns| rows::commit(&columns, upcasters))
}

pub(super) fn failed(error: sqlx::Error) -> LogError {
    unavailable("the log cannot be read", &error)
}
