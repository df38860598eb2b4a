//! The usage records of a period, in the order of the log.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use theazo_domain::pricing::UsageRecord;
use theazo_domain::{Scope, Timestamp};
use theazo_log::{Commit, EventLog, Filter, LogError, Position};
use tokio_util::task::AbortOnDropHandle;

use crate::users::Users;
use crate::{Billed, Period, start};

/// Commits read at a time: two pages are in memory, the one that is gone through and the next.
const PAGE: usize = 512;

/// Usage records, one after the other. After an error it is over.
pub type Records = BoxStream<'static, Result<Owned, LogError>>;

/// Where a usage record is: which event of which commit. A commit may have several. Its text is
/// `123~0`; that of a commit's position alone, `123`, is the place after all of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub position: Position,
    pub index: usize,
}

impl Place {
    pub const START: Place = Place { position: Position::START, index: usize::MAX };
}

impl From<Position> for Place {
    fn from(position: Position) -> Self {
        Self { position, index: usize::MAX }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            usize::MAX => write!(f, "{}", self.position),
            index => write!(f, "{}~{index}", self.position),
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse::<u64>().ok()).flatten()
        };
        let place = match text.split_once('~') {
            Some((position, index)) => number(position).zip(number(index)).and_then(|(p, i)| {
                Some(Self { position: Position(p), index: usize::try_from(i).ok()? })
            }),
            None => number(text).map(|position| Position(position).into()),
        };
        place.ok_or_else(|| format!("`{text}` is not the position of a row, such as 123~0"))
    }
}

/// A usage record, out of the log.
#[derive(Debug, Clone)]
pub struct Owned {
    pub place: Place,
    /// When it was committed.
    pub recorded: Timestamp,
    /// Recorded after the period that it was asked for with had been closed.
    pub adjustment: bool,
    /// Whose it is.
    pub billed: Arc<Billed>,
    commit: Arc<Commit>,
}

impl Owned {
    pub fn record(&self) -> UsageRecord<'_> {
        let event = &self.commit.events[self.place.index];
        UsageRecord::of(&self.commit.stream, event).expect("it was made from one")
    }

    pub fn user_id(&self) -> &str {
        &self.billed.user_id
    }

    pub fn commit(&self) -> &Arc<Commit> {
        &self.commit
    }
}

/// The usage records of `scope` that were used in `period`, of those that are in the log now and
/// after `after` (a [`Place`], or a [`Position`] for all after that commit). Memory is constant.
pub fn records(
    log: Arc<dyn EventLog>,
    scope: Scope,
    after: impl Into<Place>,
    period: Period,
) -> Records {
    let after = after.into();
    let begin = async move { Replay::begin(log, scope, after, period).await };
    let pages = stream::once(begin).map_ok(|replay| {
        stream::try_unfold(replay, |mut replay| async move {
            let page = replay.page().await?;
            Ok(page.map(|page| (stream::iter(page).map(Ok), replay)))
        })
    });
    ended_by_an_error(pages.try_flatten().try_flatten().boxed())
}

fn ended_by_an_error(records: Records) -> Records {
    stream::unfold(Some(records), |records| async move {
        let mut records = records?;
        let item = records.next().await?;
        let records = item.is_ok().then_some(records);
        Some((item, records))
    })
    .boxed()
}

struct Replay {
    log: Arc<dyn EventLog>,
    filter: Filter,
    period: Period,
    after: Place,
    head: Position,
    users: Users,
    next: Option<Reading>,
}

/// A page on its way.
type Reading = AbortOnDropHandle<Result<Vec<Arc<Commit>>, LogError>>;

impl Replay {
    async fn begin(
        log: Arc<dyn EventLog>,
        scope: Scope,
        after: Place,
        period: Period,
    ) -> Result<Self, LogError> {
        let head = log.head().await?;
        let start = start::before(&*log, scope, period.from, head).await?;
        // The commit of `after` itself may have more of them.
        let resumed = Position(after.position.0.saturating_sub(1));
        let users = Users::new(scope, head);
        let filter = Filter::scope(scope);
        let mut replay = Self { log, filter, period, after, head, users, next: None };
        replay.read_ahead(start.max(resumed));
        Ok(replay)
    }

    /// The records of the next page, which may be none; `None` after the last page.
    async fn page(&mut self) -> Result<Option<Vec<Owned>>, LogError> {
        let Some(reading) = self.next.take() else { return Ok(None) };
        let stopped = |e| LogError::Unavailable(format!("a read stopped: {e}"));
        let commits = reading.await.map_err(stopped)??;
        let Some(last) = commits.last().map(|commit| commit.position) else { return Ok(None) };
        self.read_ahead(last);
        let (head, mut page) = (self.head, Vec::new());
        for commit in commits.iter().filter(|commit| commit.position <= head) {
            self.add(commit, &mut page).await?;
        }
        Ok(Some(page))
    }

    async fn add(&mut self, commit: &Arc<Commit>, page: &mut Vec<Owned>) -> Result<(), LogError> {
        for (index, event) in commit.events.iter().enumerate() {
            let place = Place { position: commit.position, index };
            let Some(record) = UsageRecord::of(&commit.stream, event) else { continue };
            if place <= self.after || !self.period.contains(record.at()) {
                continue;
            }
            page.push(Owned {
                place,
                recorded: commit.time,
                adjustment: self.period.is_closed_at(commit.time),
                billed: self.users.of(&*self.log, record.session, commit.position).await?,
                commit: Arc::clone(commit),
            });
        }
        Ok(())
    }

    fn read_ahead(&mut self, after: Position) {
        if after >= self.head {
            return;
        }
        let (log, filter) = (Arc::clone(&self.log), self.filter.clone());
        let read = async move { log.read(&filter, after, PAGE).await };
        self.next = Some(AbortOnDropHandle::new(tokio::spawn(read)));
    }
}
