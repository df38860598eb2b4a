//! What a server can do, by its version.

use std::fmt;

/// A server's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u64, u64, u64);

/// The oldest with direct gets, which every read of a stream is made of.
const OLDEST: Version = Version(2, 9, 0);
/// Two racing publishes could both pass the check of the expected sequence (nats-server#4320).
const RACY: std::ops::RangeInclusive<Version> = Version(2, 9, 15)..=Version(2, 9, 20);

impl Version {
    /// `2.10.4`, `2.12.0-RC.1`. `None` for what is no version.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(['.', '-', '+']).map(|part| part.parse().ok());
        Some(Self(numbers.next()??, numbers.next()??, numbers.next()??))
    }

    /// Why a log must not be on such a server.
    pub(crate) fn refused(self) -> Option<String> {
        if RACY.contains(&self) {
            return Some(format!(
                "nats-server {self} lets racing writes both pass (nats-server#4320); \
                 use 2.9.21 or newer"
            ));
        }
        (self < OLDEST).then(|| format!("nats-server {self} is too old; use {OLDEST} or newer"))
    }

    /// Many messages of one subject for one question.
    pub(crate) fn has_batch_get(self) -> bool {
        self >= Self(2, 11, 0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        assert_eq!(Version::parse("2.10.4"), Some(Version(2, 10, 4)));
        assert_eq!(Version::parse("2.12.0-RC.1"), Some(Version(2, 12, 0)));
        assert_eq!(Version::parse("2.12"), None);
        assert_eq!(Version::parse("dev"), None);
        assert!(Version(2, 9, 22) < Version(2, 11, 0));
    }

    #[test]
    fn servers_that_lose_races_are_refused() {
        for (version, fits) in [
            (Version(2, 8, 4), false),
            (Version(2, 9, 10), true),
            (Version(2, 9, 14), true),
            (Version(2, 9, 15), false),
            (Version(2, 9, 20), false),
            (Version(2, 9, 21), true),
            (Version(2, 10, 0), true),
            (Version(2, 15, 1), true),
        ] {
            assert_eq!(version.refused().is_none(), fits, "{version}");
        }
    }
}
