//! Where a reader of a stream is: what an event's `id:` says.

use std::fmt;
use std::str::FromStr;

use theazo_log::Position;

/// What was delivered, in the order in which it is delivered.
///
/// Its text is `<commit>[-<events>][.<text>]`: `1042` when all of the commit at 1042 was
/// delivered, `1042-1` when one of its events was and more follow, `1042.77` when 77 bytes of what
/// the model has said since were. The text of a call is not part of any one commit, so it has an
/// offset of its own, over all pieces of the call joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cursor {
    /// Everything before this commit was delivered.
    pub commit: Position,
    /// How many of this commit's events were, or [`Cursor::ALL`].
    pub events: u32,
    /// How many bytes were of the model call that is open after those events.
    pub text: u64,
}

/// A text that is not an event's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoCursor;

impl Cursor {
    /// More events than any commit has.
    pub const ALL: u32 = u32::MAX;
    /// Before everything.
    pub const START: Cursor = Cursor::after(Position::START);

    /// After all of the commit at `position`.
    pub const fn after(position: Position) -> Self {
        Self { commit: position, events: Self::ALL, text: 0 }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.commit.fmt(f)?;
        if self.events != Self::ALL {
            write!(f, "-{}", self.events)?;
        }
        if self.text != 0 {
            write!(f, ".{}", self.text)?;
        }
        Ok(())
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(written: &str) -> Result<Self, NoCursor> {
        let (rest, text) = match written.split_once('.') {
            Some((rest, text)) => (rest, text.parse().map_err(|_| NoCursor)?),
            None => (written, 0),
        };
        let (commit, events) = match rest.split_once('-') {
            Some((commit, events)) => (commit, events.parse().map_err(|_| NoCursor)?),
            None => (rest, Self::ALL),
        };
        let commit = Position(commit.parse().map_err(|_| NoCursor)?);
        let cursor = Self { commit, events, text };
        // Only what we write: no signs, no leading zeros, no empty parts.
        if events == 0 || cursor.to_string() != written { Err(NoCursor) } else { Ok(cursor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for (text, commit, events, offset) in [
            ("0", 0, Cursor::ALL, 0),
            ("1042", 1_042, Cursor::ALL, 0),
            ("1042.77", 1_042, Cursor::ALL, 77),
            ("1042-1", 1_042, 1, 0),
            ("1042-12.5", 1_042, 12, 5),
        ] {
            let cursor = Cursor { commit: Position(commit), events, text: offset };
            assert_eq!(text.parse(), Ok(cursor), "{text}");
            assert_eq!(cursor.to_string(), text);
        }
        for text in [
            "",
            "x",
            "-1",
            "1-",
            "1.",
            "1-0",
            "01",
            "+1",
            "1.0",
            "1-1.0",
            "1.1-1",
            "1-4294967295",
            "1 ",
            " 1",
            "1-x",
            "1.x",
            "99999999999999999999",
            "1--1",
            "1..1",
            "１",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(NoCursor), "{text}");
        }
    }

    #[test]
    fn the_order_is_that_of_delivery() {
        let at = |text: &str| text.parse::<Cursor>().unwrap_or(Cursor::START);
        let order = ["0", "7-1", "7-1.3", "7-2", "7", "7.1", "7.20", "8-1.20", "8.20", "9"];
        assert!(order.is_sorted_by_key(|text| at(text)));
    }
}
