//! The time that a bill is of.

use theazo_domain::Timestamp;

/// How long after a period's end its usage may be recorded and still be part of its bill.
pub const GRACE_MILLIS: i64 = 3_600_000;

/// From a time up to, and without, another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Period {
    /// All time.
    pub const EVER: Period =
        Period { from: Timestamp::from_millis(i64::MIN), until: Timestamp::from_millis(i64::MAX) };

    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// Whether what was recorded then came after the period was closed.
    pub fn is_closed_at(&self, recorded: Timestamp) -> bool {
        recorded.as_millis() > self.until.as_millis().saturating_add(GRACE_MILLIS)
    }
}
