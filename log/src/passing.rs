//! A commit as it passes by: where it is, and the rest decoded when somebody asks for it first.
//! Most of what other processes write interests nobody here.

use std::fmt;
use std::sync::{Arc, OnceLock};

use theazo_domain::{CommitId, StreamId};

use crate::{Commit, LogError, Position, RawCommit, Upcasters};

/// A commit that may not be decoded yet. Cheap to clone; clones share what is decoded.
#[derive(Clone)]
pub struct Passing(Form);

#[derive(Clone)]
enum Form {
    Decoded(Arc<Commit>),
    Stored(Arc<Stored>),
}

struct Stored {
    raw: RawCommit,
    upcasters: Arc<Upcasters>,
    commit: OnceLock<Result<Arc<Commit>, LogError>>,
}

/// Looks at each commit that a follower could have, at once and without waiting, before any is
/// given: whether the follower is to have it. So who wants few of them is woken for few.
pub type Glance = Arc<dyn Fn(&Passing) -> bool + Send + Sync>;

impl Passing {
    /// A commit as it is stored.
    pub fn stored(raw: RawCommit, upcasters: &Arc<Upcasters>) -> Self {
        let upcasters = Arc::clone(upcasters);
        Self(Form::Stored(Arc::new(Stored { raw, upcasters, commit: OnceLock::new() })))
    }

    pub fn stream(&self) -> &StreamId {
        match &self.0 {
            Form::Decoded(commit) => &commit.stream,
            Form::Stored(stored) => &stored.raw.stream,
        }
    }

    pub fn position(&self) -> Position {
        match &self.0 {
            Form::Decoded(commit) => commit.position,
            Form::Stored(stored) => stored.raw.position,
        }
    }

    pub fn id(&self) -> CommitId {
        match &self.0 {
            Form::Decoded(commit) => commit.id,
            Form::Stored(stored) => stored.raw.id,
        }
    }

    /// The commit itself, decoded now if it was not before.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] when this build cannot read it.
    pub fn commit(&self) -> Result<Arc<Commit>, LogError> {
        match &self.0 {
            Form::Decoded(commit) => Ok(Arc::clone(commit)),
            Form::Stored(stored) => {
                let decode = || stored.raw.decode(&stored.upcasters).map(Arc::new);
                stored.commit.get_or_init(decode).clone()
            }
        }
    }

    /// The commit, where that costs nothing: somebody has decoded it, or it was written here.
    pub fn decoded(&self) -> Option<&Arc<Commit>> {
        match &self.0 {
            Form::Decoded(commit) => Some(commit),
            Form::Stored(stored) => stored.commit.get()?.as_ref().ok(),
        }
    }
}

impl From<Arc<Commit>> for Passing {
    fn from(commit: Arc<Commit>) -> Self {
        Self(Form::Decoded(commit))
    }
}

impl fmt::Debug for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.stream(), self.position())
    }
}
