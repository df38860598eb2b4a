//! What a read model is compared by.

use std::fmt;

use async_trait::async_trait;
use theazo_domain::pricing::UsageRecord;
use theazo_domain::{AgentId, Event, Scope, SessionId, TaskId};
use theazo_log::Commit;
use theazo_projections::{ReadError, ReadModels};

use crate::Billed;

/// Amounts that a row can have, at most.
pub const FIELDS: usize = 8;

/// The amounts of a row, in the order of [`Compared::fields`].
pub type Amounts = [i128; FIELDS];

/// What a row is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    Session(SessionId),
    Agent(AgentId),
    Task(TaskId),
    /// Whatever else a read model counts by, such as `2026-05-01/user_1/m`.
    Other(Box<str>),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Session(id) => id.fmt(f),
            Key::Agent(id) => id.fmt(f),
            Key::Task(id) => id.fmt(f),
            Key::Other(text) => text.fmt(f),
        }
    }
}

/// An event of the log, with what it bills.
pub struct Seen<'a> {
    pub commit: &'a Commit,
    pub event: &'a Event,
    /// The usage record that it is, and its user.
    pub usage: Option<(UsageRecord<'a>, &'a Billed)>,
}

/// A page of rows.
#[derive(Debug, Default)]
pub struct Rows {
    pub rows: Vec<(Key, Amounts)>,
    /// What the next page is asked for with, when there is one.
    pub next: Option<u64>,
}

/// A read model that shows money, or what is paid for.
///
/// Each of its rows must be a sum: [`Compared::of`] says what an event adds, and to which row.
#[async_trait]
pub trait Compared: Send + Sync {
    fn name(&self) -> &'static str;

    /// What its amounts are called: [`FIELDS`] at most.
    fn fields(&self) -> &'static [&'static str];

    /// What an event adds.
    fn of(&self, seen: &Seen<'_>) -> Option<(Key, Amounts)>;

    /// Its rows, each once: newest first, so that those that are added meanwhile come on no later
    /// page. `after` is [`Rows::next`] of the page before.
    async fn rows(
        &self,
        reads: &ReadModels,
        scope: Scope,
        after: Option<u64>,
    ) -> Result<Rows, ReadError>;
}
