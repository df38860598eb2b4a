use theazo_log::Position;

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
