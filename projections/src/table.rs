//! Read models with one row for each aggregate: the state as JSON, and the columns of its lists.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use theazo_domain::{Aggregate, Kind, StreamId, fold};
use theazo_log::{Commit, Position};

use crate::bulk::{Bulk, BySize};
use crate::cells::Cells;
use crate::dialect::{DbRow, Dialect, Pool};
use crate::hot::HotRows;
use crate::projection::Projection;
use crate::tenants::Tenants;
use crate::{Model, ProjectionError};

/// Bytes of rows that each of these projections keeps at hand.
const HOT_BYTES: usize = 16 << 20;
/// What a row costs in memory besides its state.
const ROW_BYTES: usize = 600;

/// What a row holds, and how it comes about.
pub(crate) trait Table:
    Clone + Serialize + DeserializeOwned + Send + Sync + 'static
{
    const MODEL: Model;
    /// The kind of the streams that have rows.
    const KIND: Kind;
    /// The columns besides the common ones, in the order of [`Table::cells`].
    const COLUMNS: &'static [&'static str];
    /// Those of them that never change: naming them in an update would touch their indexes.
    const FIXED: &'static [&'static str];

    /// The stream whose row `commit` changes.
    fn row(commit: &Commit) -> Option<Cow<'_, StreamId>>;

    /// The state after `commit`; none when it cannot follow.
    fn evolve(state: Option<Self>, commit: &Commit) -> Option<Self>;

    fn cells(&self, row: &mut Cells);
}

/// How a row gets to be as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Insert,
    Update,
    /// None of its own columns changes, and so none of their indexes: half the work.
    Touch,
}

/// The stream of `commit`, if it is one of `A`.
pub(crate) fn own_row<A: Aggregate>(commit: &Commit) -> Option<Cow<'_, StreamId>> {
    (commit.stream.kind == A::KIND).then_some(Cow::Borrowed(&commit.stream))
}

/// The fold of `commit` onto an aggregate's state.
pub(crate) fn own_fold<A: Aggregate>(state: Option<A>, commit: &Commit) -> Option<A> {
    fold(state, commit.events.iter().map(|event| (event, commit.time)))
}

struct Kept<T> {
    seq: Position,
    revision: Position,
    /// Absent only while it is folded.
    state: Option<T>,
    /// As they were written last.
    cells: Option<Cells>,
    /// The number of the batch that changed it last.
    batch: u64,
}

/// The projection onto a [`Table`].
pub(crate) struct Folded<T> {
    hot: HotRows<StreamId, Kept<T>>,
    insert: BySize,
    update: BySize,
    touch: BySize,
    select: BySize,
    batch: u64,
}

impl<T: Table> Folded<T> {
    pub(crate) fn new(dialect: Dialect, prefix: &str) -> Self {
        let table = format!("{prefix}{}", T::MODEL.name());
        let mut columns = vec!["seq", "tenant", "id", "revision"];
        columns.extend(T::COLUMNS);
        columns.push("body");
        // A wanted list that is joined from the left, so that each of it is one look-up by index.
        let tail = format!(
            ") SELECT t.tenant, t.id, t.seq, t.revision, t.body FROM wanted w \
             CROSS JOIN {table} t WHERE t.tenant = w.tenant AND t.id = w.id"
        );
        Self {
            hot: HotRows::new(HOT_BYTES),
            insert: BySize::insert(dialect, &table, &columns),
            update: BySize::upsert(dialect, &table, &columns, dialect.row_key(), |column| {
                !["seq", "tenant", "id"].contains(&column) && !T::FIXED.contains(&column)
            }),
            touch: BySize::upsert(dialect, &table, &columns, dialect.row_key(), |column| {
                ["revision", "body"].contains(&column)
            }),
            select: BySize::new(dialect, "WITH wanted(tenant, id) AS (".to_owned(), 2, tail),
            batch: 0,
        }
    }

    /// Reads the rows that `batch` needs and that are not at hand.
    async fn load(
        &mut self,
        batch: &[Arc<Commit>],
        tenants: &Tenants,
        pool: &Pool,
    ) -> Result<(), ProjectionError> {
        let Some(first) = batch.first() else { return Ok(()) };
        let mut wanted = HashSet::new();
        for commit in batch {
            if let Some(row) = T::row(commit)
                && !(*row == commit.stream && follows_in(first, commit))
                && !self.hot.contains(&row)
            {
                wanted.insert(row);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let mut select = self.select.rows(wanted.len());
        for stream in &wanted {
            select.put(tenants.number(stream.scope)?);
            select.put(stream.key().to_owned());
        }
        for statement in select.filled()? {
            for row in pool.rows(statement).await? {
                self.keep(&row, tenants)?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, row: &DbRow, tenants: &Tenants) -> Result<(), ProjectionError> {
        let bad = |reason: String| {
            ProjectionError::Database(format!("a row of `{}` cannot be read: {reason}", T::MODEL))
        };
        let scope = tenants.scope(row.integer(0)?)?;
        let stream =
            StreamId::new(scope, T::KIND, row.text(1)?).map_err(|e| bad(format!("{e}")))?;
        let position = |i: usize| -> Result<Position, ProjectionError> {
            u64::try_from(row.integer(i)?).map(Position).map_err(|e| bad(e.to_string()))
        };
        let body = row.text(4)?;
        let state: T = serde_json::from_str(body).map_err(|e| bad(e.to_string()))?;
        let kept = Kept {
            seq: position(2)?,
            revision: position(3)?,
            cells: Some(cells_of(&state)),
            state: Some(state),
            batch: 0,
        };
        self.hot.put(Cow::Owned(stream), kept, ROW_BYTES + body.len(), Position::START);
        Ok(())
    }

    /// Folds one commit onto its row; the row's stream when this batch had not changed it yet.
    fn apply(&mut self, commit: &Commit) -> Result<Option<StreamId>, ProjectionError> {
        let Some(row) = T::row(commit) else { return Ok(None) };
        let bad = |reason: String| ProjectionError::Fold {
            model: T::MODEL.name(),
            position: commit.position,
            reason,
        };
        let own = *row == commit.stream;
        if own && commit.previous == Position::START {
            let state = T::evolve(None, commit)
                .ok_or_else(|| bad(format!("`{}` does not begin with it", row.short())))?;
            let (seq, revision) = (commit.position, commit.position);
            let kept = Kept { seq, revision, state: Some(state), cells: None, batch: self.batch };
            let stream = row.clone().into_owned();
            self.hot.put(row, kept, ROW_BYTES, commit.position);
            return Ok(Some(stream));
        }
        let kept = self
            .hot
            .get_mut(&row)
            .ok_or_else(|| bad(format!("there is no `{}` before it", row.short())))?;
        if own && kept.revision != commit.previous {
            let (have, want) = (kept.revision, commit.previous);
            return Err(bad(format!("it follows on revision {want}, and the row is at {have}")));
        }
        let state = T::evolve(kept.state.take(), commit)
            .ok_or_else(|| bad(format!("`{}` cannot take it", row.short())))?;
        kept.state = Some(state);
        if own {
            kept.revision = commit.position;
        }
        let first = kept.batch != self.batch;
        kept.batch = self.batch;
        Ok(first.then(|| row.into_owned()))
    }

    /// The rows of these streams as they are now: those that have `begun` are new.
    fn rows(
        &mut self,
        streams: &[StreamId],
        tenants: &Tenants,
        begun: impl Fn(&Kept<T>) -> bool,
        upto: Position,
    ) -> Result<Vec<Bulk>, ProjectionError> {
        let lost = |s: &StreamId| ProjectionError::Database(format!("`{}` is lost", s.short()));
        let mut ways = Vec::with_capacity(streams.len());
        for stream in streams {
            let kept = self.hot.get_mut(stream).ok_or_else(|| lost(stream))?;
            let now = kept.state.as_ref().map(cells_of).ok_or_else(|| lost(stream))?;
            ways.push(match &kept.cells {
                _ if begun(kept) => Way::Insert,
                Some(written) if *written == now => Way::Touch,
                _ => Way::Update,
            });
            kept.cells = Some(now);
        }
        let count = |way| ways.iter().filter(|w| **w == way).count();
        let mut inserts = self.insert.rows(count(Way::Insert));
        let mut updates = self.update.rows(count(Way::Update));
        let mut touches = self.touch.rows(count(Way::Touch));
        for (stream, way) in streams.iter().zip(&ways) {
            let kept = self.hot.get_mut(stream).ok_or_else(|| lost(stream))?;
            let bulk = match way {
                Way::Insert => &mut inserts,
                Way::Update => &mut updates,
                Way::Touch => &mut touches,
            };
            let body = serde_json::to_string(&kept.state)
                .map_err(|e| ProjectionError::Database(format!("`{}`: {e}", stream.short())))?;
            let weight = ROW_BYTES + body.len();
            bulk.put_u64(kept.seq.0);
            bulk.put(tenants.number(stream.scope)?);
            bulk.put(stream.key().to_owned());
            bulk.put_u64(kept.revision.0);
            kept.cells.iter().for_each(|cells| cells.fill(bulk));
            bulk.put(body);
            self.hot.weigh(stream, weight, upto);
        }
        Ok(vec![inserts, updates, touches])
    }
}

fn cells_of<T: Table>(state: &T) -> Cells {
    let mut cells = Cells::default();
    state.cells(&mut cells);
    cells
}

/// Whether the stream of `commit` begins with it, or was touched since `first` already: then there
/// is nothing to read, or no more to read.
pub(crate) fn follows_in(first: &Commit, commit: &Commit) -> bool {
    commit.previous == Position::START || commit.previous >= first.position
}

#[async_trait]
impl<T: Table> Projection for Folded<T> {
    async fn fold(
        &mut self,
        batch: &[Arc<Commit>],
        tenants: &Tenants,
        committed: &Pool,
    ) -> Result<Vec<Bulk>, ProjectionError> {
        let [first, ..] = batch else { return Ok(vec![]) };
        let last = batch.last().unwrap_or(first);
        self.batch += 1;
        self.load(batch, tenants, committed).await?;
        let mut changed = Vec::new();
        for commit in batch {
            changed.extend(self.apply(commit)?);
        }
        // A row that begins in this batch is not there yet.
        let begun = |kept: &Kept<T>| kept.seq >= first.position;
        self.rows(&changed, tenants, begun, last.position)
    }

    fn committed(&mut self, position: Position) {
        self.hot.committed(position);
    }
}
