//! A subscription: the past from the log, then live from the hub, with no seam.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;

use futures::{StreamExt, future, stream};
use tokio_util::task::AbortOnDropHandle;

use crate::hub::Receiver;
use crate::{Broken, Filter, Glance, Hub, LogError, Passing, Position, Subscription, Watch};

/// Commits read at a time, at most.
const PAGE: usize = 1_024;

/// Some of what matches, in order.
#[derive(Debug, Default)]
pub struct Page {
    pub commits: Vec<Passing>,
    /// Nothing more matched when the page was read.
    pub end: bool,
}

/// Reads the past of a log, page by page.
pub trait Past: Clone + Send + Sync + 'static {
    /// At most `limit` commits after `after` that match; none only at the end.
    fn page(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
    ) -> impl Future<Output = Result<Page, LogError>> + Send;
}

/// Every commit after `after` that matches: those in `past`, then those that `hub` will publish.
/// A subscriber that falls more than `buffer` commits behind re-reads from `past`.
pub fn follow<P: Past>(
    past: P,
    hub: Arc<Hub>,
    filter: Filter,
    after: Position,
    buffer: usize,
) -> Subscription {
    let follower = Follower::new(past, hub, (filter, true), after, buffer);
    stream::unfold(Some(follower), |state| async move {
        let mut follower = state?;
        match follower.next().await.and_then(|passing| passing.commit()) {
            Ok(commit) => Some((Ok(commit), Some(follower))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

/// As [`follow`], for [`EventLog::watch`](crate::EventLog::watch).
pub fn watch<P: Past>(
    past: P,
    hub: Arc<Hub>,
    (filter, glance): (Filter, Option<Glance>),
    after: Position,
    buffer: usize,
) -> Watch {
    let mut follower = Follower::new(past, hub, (filter, false), after, buffer);
    follower.glance = glance;
    stream::unfold(Some(follower), |state| async move {
        let mut follower = state?;
        match follower.next().await {
            Ok(passing) => Some((Ok(passing), Some(follower))),
            Err(error) => Some((Err(Broken { error, reached: follower.cursor }), None)),
        }
    })
    .boxed()
}

/// A watch over `subscription`, where the log has nothing better.
pub(crate) fn watched(
    subscription: Subscription,
    glance: Option<Glance>,
    after: Position,
) -> Watch {
    let passing = subscription.scan(after, |reached, commit| {
        let passing = commit.map(Passing::from);
        *reached = passing.as_ref().map_or(*reached, Passing::position);
        let reached = *reached;
        future::ready(Some(passing.map_err(|error| Broken { error, reached })))
    });
    let wanted = move |passing: &Result<Passing, Broken>| match (passing, &glance) {
        (Ok(passing), Some(glance)) => glance(passing),
        _ => true,
    };
    passing.filter(move |passing| future::ready(wanted(passing))).boxed()
}

struct Follower<P> {
    past: P,
    hub: Arc<Hub>,
    filter: Filter,
    /// Commits are to be given decoded.
    whole: bool,
    glance: Option<Glance>,
    buffer: usize,
    /// Commits to read at a time.
    page: usize,
    /// Everything up to here was given, or is in `ready`.
    cursor: Position,
    ready: VecDeque<Passing>,
    live: Option<Receiver>,
    /// The publisher glances at what comes.
    left: bool,
    /// The page after `cursor`, being read while `ready` is given.
    ahead: Option<AbortOnDropHandle<Result<Read, LogError>>>,
}

/// A page, and the hub's head before it was read: a last page is complete up to there.
type Read = (Position, Page);

impl<P: Past> Follower<P> {
    fn new(
        past: P,
        hub: Arc<Hub>,
        (filter, whole): (Filter, bool),
        after: Position,
        buffer: usize,
    ) -> Self {
        Self {
            past,
            hub,
            filter,
            whole,
            glance: None,
            buffer,
            page: PAGE,
            cursor: after,
            ready: VecDeque::new(),
            live: None,
            left: false,
            ahead: None,
        }
    }

    async fn next(&mut self) -> Result<Passing, LogError> {
        loop {
            if let Some(commit) = self.ready.pop_front() {
                return Ok(commit);
            }
            let Some(live) = &mut self.live else {
                self.catch_up().await?;
                continue;
            };
            if let Some(glance) = &self.glance
                && !self.left
            {
                self.left = live.leave_to_publisher(glance, self.cursor);
            }
            match live.recv().await {
                Some(commit) if commit.position() > self.cursor => {
                    self.cursor = commit.position();
                    if self.left || self.glance.as_ref().is_none_or(|glance| glance(&commit)) {
                        return Ok(commit);
                    }
                }
                // Catching up had it already.
                Some(_) => (),
                // Lagged: nothing after the cursor was given, so the log has the rest.
                None => {
                    self.cursor = self.cursor.max(live.passed());
                    (self.live, self.left) = (None, false);
                }
            }
        }
    }

    /// Reads one page, and goes live when it reaches what the hub has published.
    async fn catch_up(&mut self) -> Result<(), LogError> {
        let closed = || LogError::Unavailable("it is closed".to_owned());
        // First the receiver, then the read: what is published in between is in both.
        let live = match self.whole {
            true => self.hub.receive(self.filter.clone(), self.buffer),
            false => self.hub.receive_passing(self.filter.clone(), self.buffer),
        };
        let live = live.ok_or_else(closed)?;
        if live.from() > self.cursor {
            let read = match self.ahead.take() {
                Some(ahead) => ahead.await.map_err(stopped)?,
                None => self.read().await,
            };
            let (head, page) = match read {
                Ok(read) => read,
                // What is before the commit that cannot be read is given first.
                Err(LogError::Corrupt { .. }) if self.page > 1 => {
                    self.page /= 2;
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            self.page = PAGE.min(self.page * 2);
            let last = page.commits.last().map_or(self.cursor, Passing::position);
            self.cursor = if page.end { last.max(head) } else { last };
            self.ready = page.commits.into();
            if let Some(glance) = &self.glance {
                self.ready.retain(|commit| glance(commit));
            }
        }
        if self.cursor >= live.from() {
            self.live = Some(live);
        } else {
            self.ahead = Some(AbortOnDropHandle::new(tokio::spawn(self.read())));
        }
        Ok(())
    }

    fn read(&self) -> impl Future<Output = Result<Read, LogError>> + Send + use<P> {
        let (past, hub, whole) = (self.past.clone(), Arc::clone(&self.hub), self.whole);
        let (filter, after, limit) = (self.filter.clone(), self.cursor, self.page);
        async move {
            let head = hub.head();
            let page = past.page(&filter, after, limit).await?;
            if whole {
                // Here, beside whoever takes them.
                page.commits.iter().try_for_each(|commit| commit.commit().map(|_| ()))?;
            }
            Ok((head, page))
        }
    }
}

fn stopped(error: tokio::task::JoinError) -> LogError {
    LogError::Unavailable(format!("a read stopped: {error}"))
}
