use theazo_log::Position;

/// A part of a list, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Only rows older than this `seq`; the newest when absent. Rows that are added meanwhile are
    /// newer, so pages never shift.
    pub before: Option<u64>,
    pub limit: u32,
}

impl Page {
    pub fn first(limit: u32) -> Self {
        Self { before: None, limit }
    }
}

/// A row of a read model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<T> {
    /// Its place in lists, and the cursor to continue after it.
    pub seq: u64,
    /// The position of the last commit of its stream that is in `value`.
    pub revision: Position,
    pub value: T,
}
