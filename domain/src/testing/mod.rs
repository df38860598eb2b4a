//! Given events, when a command, then events or a rejection: how the aggregates are tested.

pub mod arb;
pub mod examples;
mod properties;

use std::fmt::Debug;

use crate::{Aggregate, Ctx, Event, Rejection, Timestamp};

/// When the first event of a [`given`] is committed; each next one is a second later.
pub const START: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// `START` and `seconds` after it.
pub fn at(seconds: u32) -> Timestamp {
    Timestamp::from_millis(START.as_millis() + i64::from(seconds) * 1_000)
}

/// An aggregate after some events.
#[derive(Debug, Clone)]
pub struct Given<A> {
    pub state: Option<A>,
    now: Timestamp,
}

/// What a command came to.
#[derive(Debug)]
pub struct When<A: Aggregate> {
    before: Given<A>,
    result: Result<Vec<Event>, Rejection>,
}

pub fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    let mut given = Given { state: None, now: START };
    for event in events {
        given.state = A::evolve(given.state, &event, given.now);
        given.now = Timestamp::from_millis(given.now.as_millis() + 1_000);
    }
    given
}

impl<A: Aggregate> Given<A> {
    pub fn when(self, command: &A::Command) -> When<A> {
        let ctx = Ctx { now: self.now };
        let result = A::decide(self.state.as_ref(), command, ctx);
        let result = result.map(|events| events.into_iter().map(Into::into).collect());
        When { before: self, result }
    }

    /// The same, `millis` milliseconds later.
    pub fn later(self, millis: u64) -> Self {
        let millis = i64::try_from(millis).expect("a wait fits a time");
        Self { now: Timestamp::from_millis(self.now.as_millis() + millis), ..self }
    }

    /// The state, which is there.
    pub fn state(self) -> A {
        self.state.expect("the events make the aggregate")
    }
}

impl<A: Aggregate + Debug> When<A> {
    /// The command caused exactly these events.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = A::Event>) -> Given<A> {
        let expected: Vec<Event> = events.into_iter().map(Into::into).collect();
        assert_eq!(self.result.as_ref(), Ok(&expected), "in {:#?}", self.before.state);
        let now = self.before.now;
        let state = crate::fold(self.before.state, expected.iter().map(|e| (e, now)));
        Given { state, now: Timestamp::from_millis(now.as_millis() + 1_000) }
    }

    /// The command was accepted, whatever it caused.
    #[track_caller]
    pub fn then_accepted(self) -> Given<A> {
        let Ok(events) = &self.result else { panic!("it was refused: {:?}", self.result) };
        let now = self.before.now;
        let state = crate::fold(self.before.state, events.iter().map(|e| (e, now)));
        Given { state, now: Timestamp::from_millis(now.as_millis() + 1_000) }
    }

    /// The command was accepted and changed nothing.
    #[track_caller]
    pub fn then_nothing(self) -> Given<A> {
        self.then([])
    }

    #[track_caller]
    pub fn then_not_found(self) {
        assert!(matches!(self.result, Err(Rejection::NotFound(_))), "{:?}", self.result);
    }

    /// Refused for the state it is in, with a message that has `part` in it.
    #[track_caller]
    pub fn then_conflict(self, part: &str) {
        match &self.result {
            Err(Rejection::Conflict(message)) if message.contains(part) => {}
            other => panic!("wanted a conflict about {part:?}, got {other:?}"),
        }
    }

    #[track_caller]
    pub fn then_limit_exceeded(self, part: &str) {
        match &self.result {
            Err(Rejection::LimitExceeded(message)) if message.contains(part) => {}
            other => panic!("wanted a limit about {part:?}, got {other:?}"),
        }
    }

    /// Refused for exactly these fields.
    #[track_caller]
    pub fn then_invalid(self, paths: &[&str]) {
        match &self.result {
            Err(Rejection::Invalid(fields)) => {
                let got: Vec<&str> = fields.iter().map(|f| f.path.as_str()).collect();
                assert_eq!(got, paths);
            }
            other => panic!("wanted {paths:?} to be invalid, got {other:?}"),
        }
    }
}
