use std::fmt;

use theazo_domain::{Kind, Scope, StreamId};

use crate::Commit;

/// Which commits to give; every field that is set must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub scope: Option<Scope>,
    pub kinds: Kinds,
    pub stream: Option<StreamId>,
}

/// Some kinds of streams; by default all of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Kinds(u32);

impl Filter {
    /// Every commit of every org.
    pub fn all() -> Self {
        Self::default()
    }

    pub fn scope(scope: Scope) -> Self {
        Self { scope: Some(scope), ..Self::default() }
    }

    pub fn kind(kind: Kind) -> Self {
        Self::kinds(&[kind])
    }

    /// Those of any of these kinds, in one order.
    pub fn kinds(kinds: &[Kind]) -> Self {
        Self { kinds: Kinds::of(kinds), ..Self::default() }
    }

    pub fn stream(stream: StreamId) -> Self {
        Self { stream: Some(stream), ..Self::default() }
    }

    pub fn matches(&self, commit: &Commit) -> bool {
        self.matches_stream(&commit.stream)
    }

    /// Whether commits on `stream` match.
    pub fn matches_stream(&self, stream: &StreamId) -> bool {
        self.scope.is_none_or(|scope| scope == stream.scope)
            && self.kinds.contains(stream.kind)
            && self.stream.as_ref().is_none_or(|wanted| wanted == stream)
    }
}

impl Kinds {
    pub const ALL: Self = Self(u32::MAX);

    pub fn of(kinds: &[Kind]) -> Self {
        Self(kinds.iter().fold(0, |bits, kind| bits | bit(*kind)))
    }

    pub const fn contains(self, kind: Kind) -> bool {
        self.0 & bit(kind) != 0
    }

    /// The kind, when it is a single one.
    pub fn single(self) -> Option<Kind> {
        let mut kinds = self.iter();
        kinds.next().filter(|_| kinds.next().is_none())
    }

    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(move |kind| self.contains(*kind))
    }
}

const fn bit(kind: Kind) -> u32 {
    1 << kind as u32
}

const _: () = assert!(Kind::ALL.len() <= 32, "a bit for each kind");

impl Default for Kinds {
    fn default() -> Self {
        Self::ALL
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self == Self::ALL {
            true => f.write_str("all"),
            false => f.debug_set().entries(self.iter()).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_all_or_some() {
        assert!(Kind::ALL.iter().all(|kind| Kinds::default().contains(*kind)));
        let two = Kinds::of(&[Kind::Task, Kind::Org]);
        assert_eq!(two.iter().collect::<Vec<_>>(), [Kind::Org, Kind::Task]);
        assert_eq!((two.single(), Kinds::ALL.single()), (None, None));
        assert_eq!(Kinds::of(&[Kind::Task]).single(), Some(Kind::Task));
        assert_eq!(Kinds::of(&[]).iter().next(), None);
    }
}
