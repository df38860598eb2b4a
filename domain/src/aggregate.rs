use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Event, Kind, Rejection, Timestamp};

/// What `decide` may know besides the state: when it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ctx {
    pub now: Timestamp,
}

/// A consistency boundary: the fold of one stream, and the commands it accepts.
///
/// The state is `None` before the first event. Both functions are pure: a command that is decided
/// again after a conflict, on a newer state, carries the same ids and gives the same facts.
pub trait Aggregate: Clone + Send + Sync + Serialize + DeserializeOwned + 'static {
    const KIND: Kind;
    type Command: Send + Sync;
    type Event: Clone + Into<Event> + Send + Sync;

    /// The events that `command` causes in `state`; none when it changes nothing.
    fn decide(
        state: Option<&Self>,
        command: &Self::Command,
        ctx: Ctx,
    ) -> Result<Vec<Self::Event>, Rejection>;

    /// The state after `event`, which was committed at `at`. Total: an event that cannot follow
    /// leaves the state as it is.
    fn evolve(state: Option<Self>, event: &Self::Event, at: Timestamp) -> Option<Self>;

    /// This aggregate's own event in `event`, if it is one.
    fn own(event: &Event) -> Option<&Self::Event>;

    /// Bytes of memory that it takes, about: what a cache of aggregates counts. To be given by
    /// those that callers can make large.
    fn weight(&self) -> usize {
        SMALL
    }
}

/// What an aggregate of a few fields takes, about.
pub(crate) const SMALL: usize = 1 << 10;

/// Folds `events` (with the time of their commit) onto `state`; events of others are passed over.
pub fn fold<'e, A: Aggregate>(
    state: Option<A>,
    events: impl IntoIterator<Item = (&'e Event, Timestamp)>,
) -> Option<A> {
    events.into_iter().fold(state, |state, (event, at)| match A::own(event) {
        Some(own) => A::evolve(state, own, at),
        None => state,
    })
}
