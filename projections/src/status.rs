use std::sync::Arc;

use theazo_log::Position;

use crate::Model;
use crate::model::COUNT;

/// How far the read models are behind the log, as the projector last saw it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Every read model that runs holds every commit up to here.
    pub position: Position,
    /// The last commit of the log that the projector has seen.
    pub head: Position,
    /// Positions between the two.
    pub behind: u64,
}

/// One projection, for `theazo projections list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectionStatus {
    pub name: &'static str,
    /// Every commit up to here is in its rows.
    pub position: Position,
    pub rows: u64,
    /// Positions between its checkpoint and the log's head.
    pub behind: u64,
    /// Why it has stopped, if it has.
    pub error: Option<String>,
}

/// Where every projection stands: what the watch carries.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub checkpoints: [Position; COUNT],
    pub stopped: [Option<Arc<str>>; COUNT],
    pub head: Position,
    /// Why the projector does not go on at the moment.
    pub trouble: Option<Arc<str>>,
}

impl Standing {
    pub(crate) fn new(checkpoints: [Position; COUNT]) -> Self {
        Self { checkpoints, stopped: Default::default(), head: Position::START, trouble: None }
    }

    /// The position that every read model which has not stopped has reached. One that has stopped
    /// answers no reads, so nobody waits for it.
    pub(crate) fn position(&self) -> Position {
        let running = Model::ALL.iter().filter(|model| self.stopped[model.index()].is_none());
        running.map(|model| self.checkpoints[model.index()]).min().unwrap_or(Position::START)
    }

    pub(crate) fn lag(&self) -> Lag {
        let position = self.position();
        let head = self.head.max(position);
        Lag { position, head, behind: head.0 - position.0 }
    }
}
