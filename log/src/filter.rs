use theazo_domain::{Kind, Scope, StreamId};

use crate::Commit;

/// Which commits to give; every field that is set must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub scope: Option<Scope>,
    pub kind: Option<Kind>,
    pub stream: Option<StreamId>,
}

impl Filter {
    /// Every commit of every org.
    pub fn all() -> Self {
        Self::default()
    }

    pub fn scope(scope: Scope) -> Self {
        Self { scope: Some(scope), ..Self::default() }
    }

    pub fn kind(kind: Kind) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }

    pub fn stream(stream: StreamId) -> Self {
        Self { stream: Some(stream), ..Self::default() }
    }

    pub fn matches(&self, commit: &Commit) -> bool {
        self.scope.is_none_or(|scope| scope == commit.stream.scope)
            && self.kind.is_none_or(|kind| kind == commit.stream.kind)
            && self.stream.as_ref().is_none_or(|stream| *stream == commit.stream)
    }
}
