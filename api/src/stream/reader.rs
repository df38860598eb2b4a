//! One client: catches up, goes live, and is told when it cannot be served any longer.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use theazo_domain::StreamId;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep};

use super::channel::{Channel, State};
use super::cursor::Cursor;
use super::frame::aside;
use super::quota::Place;
use super::render::Trouble;
use super::ring::Got;
use super::teller::Teller;
use super::{Entered, Streams};
use crate::wire::stream::Error;

/// The first bytes: at once, so that a client knows that it is connected. After a break it comes
/// back after a second.
const GREETING: Bytes = Bytes::from_static(b": connected\nretry: 1000\n\n");
/// What is broken is not mended in a second.
const LATER: Bytes = Bytes::from_static(b"retry: 5000\n\n");
const PING: Bytes = Bytes::from_static(b": ping\n\n");

/// One client of one stream.
pub(super) struct Reader {
    streams: Streams,
    key: StreamId,
    phase: Phase,
    ready: VecDeque<Bytes>,
    sent_at: Instant,
    heartbeat: Pin<Box<Sleep>>,
    /// Counted as one of its key's open streams.
    _quota: Place,
}

/// Where a client is.
enum Phase {
    /// Connected; nothing was read for it.
    Before(Cursor),
    /// Reads for itself what the live ones have had.
    Behind(Box<Teller>),
    /// Reads what all read.
    Live(Member),
    Over,
}

/// A client's share in a channel; dropped, it has left.
pub(super) struct Member {
    streams: Streams,
    key: StreamId,
    channel: Arc<Channel>,
    changes: watch::Receiver<State>,
    /// The number of its next event.
    next: u64,
    /// Where it was when it came: within a piece of text, perhaps.
    came_at: Cursor,
}

impl Reader {
    pub fn new(streams: Streams, key: StreamId, from: Cursor, quota: Place) -> Self {
        Self {
            key,
            phase: Phase::Before(from),
            ready: VecDeque::from([GREETING]),
            sent_at: Instant::now(),
            heartbeat: Box::pin(sleep(streams.heartbeat())),
            streams,
            _quota: quota,
        }
    }

    /// The body of the answer.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
        futures::stream::unfold(self, |mut reader| async move {
            let bytes = reader.next().await?;
            Some((Ok(bytes), reader))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                self.sent_at = Instant::now();
                return Some(bytes);
            }
            if matches!(self.phase, Phase::Over) {
                return None;
            }
            // One that waits is told by what it waits for: a token has one lock for all.
            if self.streams.closing().is_cancelled() {
                self.closing();
            } else if let Err(trouble) = self.advance().await {
                tracing::warn!(%trouble, stream = %self.key, "a stream broke off");
                self.broken();
            }
        }
    }

    /// Brings what comes next, or waits for it.
    async fn advance(&mut self) -> Result<(), Trouble> {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Before(cursor) => {
                self.phase = match self.streams.join(&self.key, cursor) {
                    Some(member) => Phase::Live(member),
                    None => Phase::Behind(self.streams.teller(&self.key, cursor).await?),
                };
            }
            Phase::Behind(teller) => self.catch_up(teller).await?,
            Phase::Live(member) => self.live(member).await,
            Phase::Over => {}
        }
        Ok(())
    }

    async fn catch_up(&mut self, mut teller: Box<Teller>) -> Result<(), Trouble> {
        while let Some(frames) = teller.next().await? {
            self.ready.extend(frames.into_iter().map(|frame| frame.bytes));
            if teller.is_over() {
                return Ok(());
            }
            if !self.ready.is_empty() {
                self.phase = Phase::Behind(teller);
                return Ok(());
            }
        }
        if teller.is_over() {
            return Ok(());
        }
        self.phase = match self.streams.enter(&self.key, teller) {
            Entered::Live(member) => Phase::Live(member),
            Entered::Behind(teller, changes) => self.nearer(teller, changes).await?,
        };
        Ok(())
    }

    /// The live ones have had what this one has not: it is in the log by now, or is being said.
    async fn nearer(
        &mut self,
        mut teller: Box<Teller>,
        mut changes: watch::Receiver<State>,
    ) -> Result<Phase, Trouble> {
        teller.feed().extend_to_head().await?;
        if let Some(frames) = teller.next().await? {
            self.ready.extend(frames.into_iter().map(|frame| frame.bytes));
        } else {
            let frames = teller.hear_now()?;
            if frames.is_empty() {
                // What was said is gone, and what came of it is not in the log yet.
                self.wait(&mut changes).await;
            }
            self.ready.extend(frames.into_iter().map(|frame| frame.bytes));
        }
        if teller.is_over() { Ok(Phase::Over) } else { Ok(Phase::Behind(teller)) }
    }

    async fn live(&mut self, mut member: Member) {
        // Before the ring is looked at: a change after that is not overlooked.
        let state = *member.changes.borrow_and_update();
        match (member.channel.get(member.next, member.came_at), state) {
            (Got::Event(bytes), _) => {
                member.next += 1;
                self.ready.push_back(bytes);
            }
            (Got::Had, _) => member.next += 1,
            (Got::Gone, _) => {
                let message = "This stream was read too slowly, and what comes next is not kept.";
                return self.cut("slow_reader", message);
            }
            (Got::Nothing, State::Over) => return,
            (Got::Nothing, State::Broken) => return self.broken(),
            (Got::Nothing, State::Closing) => return self.closing(),
            (Got::Nothing, State::Open) => self.wait(&mut member.changes).await,
        }
        self.phase = Phase::Live(member);
    }

    /// Waits for a change; sends a comment when there is none for long.
    async fn wait(&mut self, changes: &mut watch::Receiver<State>) {
        loop {
            tokio::select! {
                biased;
                // An error: it is gone, which is a change.
                _ = changes.changed() => return,
                () = &mut self.heartbeat => {
                    let due = self.sent_at + self.streams.heartbeat();
                    // It is set anew here and not with each event: that would cost each event more.
                    if Instant::now() < due {
                        self.heartbeat.as_mut().reset(due);
                    } else {
                        self.heartbeat.as_mut().reset(Instant::now() + self.streams.heartbeat());
                        self.ready.push_back(PING);
                        return;
                    }
                }
            }
        }
    }

    fn closing(&mut self) {
        self.cut("unavailable", "The server is being restarted.");
    }

    fn broken(&mut self) {
        self.ready.push_back(LATER);
        self.cut("unavailable", "The platform cannot go on with this stream at the moment.");
    }

    /// The stream ends here, but not what it tells of.
    fn cut(&mut self, code: &str, why: &str) {
        let message = format!("{why} Connect again with Last-Event-ID to go on from here.");
        let error = Error { code, message: &message, resumable: true, task_id: None };
        self.ready.push_back(aside("error", &error));
        self.phase = Phase::Over;
    }
}

impl Member {
    pub fn new(
        streams: Streams,
        key: StreamId,
        channel: Arc<Channel>,
        (next, came_at): (u64, Cursor),
    ) -> Self {
        let changes = channel.changes();
        Self { streams, key, channel, changes, next, came_at }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.streams.leave(&self.key, &self.channel);
    }
}
