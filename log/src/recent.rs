//! The end of the log, in memory.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::RwLock;
use theazo_domain::{CommitId, StreamId};

use crate::{Commit, Filter, Passing, Position};

/// Bytes of stored bodies that the kept commits may come to.
const MAX_BYTES: usize = 8 << 20;

/// The last commits, without a gap, so that whoever follows the log closely never reads the file.
/// One that cannot be decoded is as one that is not here: whoever needs it finds it in the log.
pub struct Recent {
    capacity: usize,
    ring: RwLock<Ring>,
}

#[derive(Default)]
struct Ring {
    commits: VecDeque<(Passing, usize)>,
    bytes: usize,
}

impl Recent {
    /// For `capacity` commits at most.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, ring: RwLock::default() }
    }

    /// Adds the log's next commits, each with the size of its body. A gap before them empties what
    /// was kept.
    pub fn push<'a>(&self, commits: impl Iterator<Item = (&'a Passing, usize)>) {
        let mut ring = self.ring.write();
        for (commit, bytes) in commits {
            let last = ring.commits.back().map(|(last, _)| last.position().0);
            if last.is_some_and(|last| last + 1 != commit.position().0) {
                *ring = Ring::default();
            }
            ring.bytes += bytes;
            ring.commits.push_back((commit.clone(), bytes));
        }
        while ring.commits.len() > self.capacity || ring.bytes > MAX_BYTES {
            let Some((_, bytes)) = ring.commits.pop_front() else { break };
            ring.bytes -= bytes;
        }
    }

    /// Forgets what is kept, as if nothing had come yet.
    pub fn clear(&self) {
        *self.ring.write() = Ring::default();
    }

    /// At most `limit` commits after `after` that match; `None` when they are not all here.
    pub fn read(&self, filter: &Filter, after: Position, limit: usize) -> Option<Vec<Arc<Commit>>> {
        let commits = self.passed(filter, after, limit)?;
        commits.iter().map(|commit| commit.commit().ok()).collect()
    }

    /// As [`Recent::read`], as they passed by.
    pub fn passed(&self, filter: &Filter, after: Position, limit: usize) -> Option<Vec<Passing>> {
        let ring = self.ring.read();
        let first = ring.commits.front()?.0.position().0;
        let skip = usize::try_from(after.0.saturating_add(1).checked_sub(first)?).ok()?;
        let rest = ring.commits.range(skip.min(ring.commits.len())..).map(|(commit, _)| commit);
        let matching = rest.filter(|commit| filter.matches_stream(commit.stream()));
        Some(matching.take(limit).cloned().collect())
    }

    /// The commit at `position`, when it is here.
    pub fn at(&self, position: Position) -> Option<Arc<Commit>> {
        let commit = {
            let ring = self.ring.read();
            let first = ring.commits.front()?.0.position().0;
            let index = usize::try_from(position.0.checked_sub(first)?).ok()?;
            ring.commits.get(index)?.0.clone()
        };
        commit.commit().ok()
    }

    /// The commit with this id, when it is here.
    pub fn find(&self, stream: &StreamId, id: CommitId) -> Option<Arc<Commit>> {
        let commit = {
            let ring = self.ring.read();
            let mut commits = ring.commits.iter().rev().map(|(commit, _)| commit);
            commits.find(|commit| commit.id() == id && commit.stream() == stream)?.clone()
        };
        commit.commit().ok()
    }
}
