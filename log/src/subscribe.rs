//! A subscription: the past from the log, then live from the hub, with no seam.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;

use futures::{StreamExt, stream};
use tokio_util::task::AbortOnDropHandle;

use crate::hub::Receiver;
use crate::{Commit, Filter, Hub, LogError, Position, Subscription};

/// Commits read at a time, at most.
const PAGE: usize = 1_024;

/// Some of what matches, in order.
#[derive(Debug, Default)]
pub struct Page {
    pub commits: Vec<Arc<Commit>>,
    /// Nothing more matched when the page was read.
    pub end: bool,
}

/// Reads the past of a log, page by page.
pub trait Past: Clone + Send + Sync + 'static {
    /// At most `limit` commits after `after` that match.
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
    let follower = Follower {
        past,
        hub,
        filter,
        buffer,
        page: PAGE,
        cursor: after,
        ready: VecDeque::new(),
        live: None,
        ahead: None,
    };
    stream::unfold(Some(follower), |state| async move {
        let mut follower = state?;
        match follower.next().await {
            Ok(commit) => Some((Ok(commit), Some(follower))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

struct Follower<P> {
    past: P,
    hub: Arc<Hub>,
    filter: Filter,
    buffer: usize,
    /// Commits to read at a time.
    page: usize,
    /// Everything up to here was given, or is in `ready`.
    cursor: Position,
    ready: VecDeque<Arc<Commit>>,
    live: Option<Receiver>,
    /// The page after `cursor`, being read while `ready` is given.
    ahead: Option<AbortOnDropHandle<Result<Read, LogError>>>,
}

/// A page, and the hub's head before it was read: a last page is complete up to there.
type Read = (Position, Page);

impl<P: Past> Follower<P> {
    async fn next(&mut self) -> Result<Arc<Commit>, LogError> {
        loop {
            if let Some(commit) = self.ready.pop_front() {
                return Ok(commit);
            }
            let Some(live) = &mut self.live else {
                self.catch_up().await?;
                continue;
            };
            match live.recv().await {
                Some(commit) if commit.position > self.cursor => {
                    self.cursor = commit.position;
                    return Ok(commit);
                }
                // Catching up had it already.
                Some(_) => (),
                // Lagged: nothing after the cursor was given, so the log has the rest.
                None => self.live = None,
            }
        }
    }

    /// Reads one page, and goes live when it reaches what the hub has published.
    async fn catch_up(&mut self) -> Result<(), LogError> {
        let closed = || LogError::Unavailable("it is closed".to_owned());
        // First the receiver, then the read: what is published in between is in both.
        let live = self.hub.receive(self.filter.clone(), self.buffer).ok_or_else(closed)?;
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
            let last = page.commits.last().map_or(self.cursor, |commit| commit.position);
            self.cursor = if page.end { last.max(head) } else { last };
            self.ready = page.commits.into();
        }
        if self.cursor >= live.from() {
            self.live = Some(live);
        } else {
            self.ahead = Some(AbortOnDropHandle::new(tokio::spawn(self.read())));
        }
        Ok(())
    }

    fn read(&self) -> impl Future<Output = Result<Read, LogError>> + Send + use<P> {
        let (past, hub) = (self.past.clone(), Arc::clone(&self.hub));
        let (filter, after, limit) = (self.filter.clone(), self.cursor, self.page);
        async move {
            let head = hub.head();
            Ok((head, past.page(&filter, after, limit).await?))
        }
    }
}

fn stopped(error: tokio::task::JoinError) -> LogError {
    LogError::Unavailable(format!("a read stopped: {error}"))
}
