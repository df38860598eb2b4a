//! The commits of a few streams, merged in log order.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use theazo_domain::StreamId;
use theazo_log::{Commit, EventLog, Filter, LogError, Position, Subscription};

/// Commits read at a time, at most.
const PAGE: usize = 256;

/// Gives what was committed to the streams that are followed, in log order, up to a bound. Up to
/// it the log is known to be complete, so that no commit of one stream is given before an earlier
/// one of another.
pub(super) struct Feed {
    log: Arc<dyn EventLog>,
    bound: Position,
    streams: Vec<Followed>,
}

struct Followed {
    stream: StreamId,
    /// Everything up to here was given, or is in `ahead`.
    read_to: Position,
    ahead: VecDeque<Arc<Commit>>,
}

impl Feed {
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        Self { log, bound: Position::START, streams: Vec::new() }
    }

    /// From now on also the commits of `stream` after `after`.
    pub fn follow(&mut self, stream: StreamId, after: Position) {
        self.streams.push(Followed { stream, read_to: after, ahead: VecDeque::new() });
    }

    pub fn leave(&mut self, stream: &StreamId) {
        self.streams.retain(|followed| followed.stream != *stream);
    }

    /// The position up to which commits may be given: one that the log has.
    pub fn set_bound(&mut self, bound: Position) {
        self.bound = bound;
    }

    /// Up to the log's end as it is now.
    pub async fn extend_to_head(&mut self) -> Result<(), LogError> {
        self.bound = self.bound.max(self.log.head().await?);
        Ok(())
    }

    /// The next commit; `None` when all up to the bound were given.
    pub async fn next(&mut self) -> Result<Option<Arc<Commit>>, LogError> {
        for followed in &mut self.streams {
            followed.fill(&self.log, self.bound).await?;
        }
        let first = |followed: &Followed| followed.ahead.front().map(|commit| commit.position);
        let streams = self.streams.iter_mut();
        let next = streams.filter(|f| first(f).is_some()).min_by_key(|f| first(f));
        Ok(next.and_then(|followed| followed.ahead.pop_front()))
    }

    /// A commit that a subscription gave: the log is complete up to it.
    pub fn offer(&mut self, commit: Arc<Commit>) {
        self.bound = self.bound.max(commit.position);
        let mut streams = self.streams.iter_mut();
        if let Some(followed) = streams.find(|followed| followed.stream == commit.stream) {
            followed.offer(commit);
        }
    }
}

impl Followed {
    async fn fill(&mut self, log: &Arc<dyn EventLog>, bound: Position) -> Result<(), LogError> {
        if !self.ahead.is_empty() || self.read_to >= bound {
            return Ok(());
        }
        let filter = Filter::stream(self.stream.clone());
        let mut commits = log.read(&filter, self.read_to, PAGE).await?;
        let all = commits.len() < PAGE;
        commits.retain(|commit| commit.position <= bound);
        let last = commits.last().map_or(self.read_to, |commit| commit.position);
        self.read_to = if all || commits.len() < PAGE { bound } else { last };
        self.ahead = commits.into();
        Ok(())
    }

    /// Spares the read, where nothing of the stream is between what was read and this.
    fn offer(&mut self, commit: Arc<Commit>) {
        if commit.previous <= self.read_to && commit.position > self.read_to {
            self.read_to = commit.position;
            self.ahead.push_back(commit);
        }
    }
}

/// What is committed from now on to the streams that a feed follows.
#[derive(Default)]
pub(super) struct Wakes(Vec<(StreamId, Subscription)>);

impl Wakes {
    /// Listens where `feed` reads, from where it has got to.
    pub fn tune(&mut self, feed: &Feed) {
        let followed = |stream: &StreamId| feed.streams.iter().any(|f| f.stream == *stream);
        self.0.retain(|(stream, _)| followed(stream));
        for Followed { stream, read_to, .. } in &feed.streams {
            if self.0.iter().all(|(listened, _)| listened != stream) {
                let filter = Filter::stream(stream.clone());
                self.0.push((stream.clone(), feed.log.subscribe(filter, *read_to)));
            }
        }
    }

    /// The next commit of any. To be dropped and called again at will.
    pub async fn next(&mut self) -> Result<Arc<Commit>, LogError> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Arc<Commit>, LogError>> {
        for (_, subscription) in &mut self.0 {
            match Pin::new(subscription).poll_next(cx) {
                Poll::Ready(Some(commit)) => return Poll::Ready(commit),
                Poll::Ready(None) => {
                    let ended = "a subscription ended".to_owned();
                    return Poll::Ready(Err(LogError::Unavailable(ended)));
                }
                Poll::Pending => {}
            }
        }
        Poll::Pending
    }
}
