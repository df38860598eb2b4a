//! How much of a disk an archive may fill.

use std::ops::Range;

use super::ArchiveError;

/// What a file costs even when it is empty, and the unit that data is stored in.
const INODE: u64 = 256;
const PAGE: u64 = 4_096;
/// A sandbox can pass its disk limit before it is stopped, and end at this many times it.
const SLACK: u64 = 2;

/// Counts down as a sandbox's own usage counts up.
pub struct Budget {
    limit: u64,
    left: u64,
}

impl Budget {
    pub fn new(limit: u64) -> Self {
        let limit = limit.saturating_mul(SLACK);
        Self { limit, left: limit }
    }

    fn spend(&mut self, bytes: u64) -> Result<(), ArchiveError> {
        self.left = self.left.checked_sub(bytes).ok_or(ArchiveError::TooLarge(self.limit))?;
        Ok(())
    }

    pub fn entry(&mut self) -> Result<(), ArchiveError> {
        self.spend(INODE)
    }

    pub fn folder(&mut self) -> Result<(), ArchiveError> {
        self.spend(PAGE)
    }

    pub fn link(&mut self, target: usize) -> Result<(), ArchiveError> {
        // Short targets are kept in the inode.
        if target < 60 { Ok(()) } else { self.spend(PAGE) }
    }

    /// A file's length: no sandbox can make one that is longer than its disk, holes or not.
    pub fn length(&mut self, length: u64) -> Result<(), ArchiveError> {
        if length > self.limit { Err(ArchiveError::TooLarge(self.limit)) } else { Ok(()) }
    }

    /// The pages that a part of a file lies on.
    pub fn data(&mut self, part: &Range<u64>) -> Result<(), ArchiveError> {
        let pages = part.end.div_ceil(PAGE) - part.start / PAGE;
        self.spend(pages.saturating_mul(PAGE))
    }
}
