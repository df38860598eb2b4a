//! Streams: what a task or an agent does, as Server-Sent Events, from any place in it.
//!
//! The truth is in the log: an event is made of a commit, and its id is where the reader is then
//! ([`cursor`]). Only what a model is saying right now is not in the log yet; it is heard live, and
//! its id adds how many bytes of it the reader has. When the call has ended, its outcome holds the
//! whole text, and a reader that has not got so far takes the rest from there. So a stream that is
//! resumed at any id is the stream that was not cut, whichever process serves it.
//!
//! A commit is made into events once per process, however many read them ([`channel`]); a reader
//! holds nothing but its place ([`ring`]). One that is too slow for that is cut off.

mod channel;
mod cursor;
mod feed;
mod frame;
mod quota;
mod reader;
mod render;
mod ring;
mod script;
pub(crate) mod stall;
mod start;
mod teller;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use parking_lot::Mutex;
use theazo_commands::Commander;
use theazo_domain::StreamId;
use theazo_log::live::Live;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use channel::{Channel, State};
use quota::Quota;
use reader::{Member, Reader};
use render::Trouble;
use teller::{Scene, Teller};

use crate::ApiConfig;
use crate::authority::Caller;
use crate::error::{ApiError, ErrorCode};

pub(crate) use cursor::Cursor;
pub(crate) use quota::{PostgresStreams, StreamCounts};

/// Seconds after which a refused client may find a place.
const RETRY_AFTER: u32 = 5;

/// All streams of this process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Streams(Arc<Inner>);

struct Inner {
    scene: Scene,
    /// Those that are read live, with how many do.
    channels: Mutex<HashMap<StreamId, (Arc<Channel>, usize)>>,
    quota: Quota,
    per_key: usize,
    heartbeat: Duration,
    tasks: TaskTracker,
    closing: CancellationToken,
}

/// What became of a reader that has caught up with the log.
enum Entered {
    Live(Member),
    /// The live ones are further; the receiver tells when they are further still.
    Behind(Box<Teller>, watch::Receiver<State>),
}

impl Streams {
    /// `closing` ends every stream; `tasks` is waited for then.
    pub fn new(
        commander: Arc<Commander>,
        live: Live,
        config: &ApiConfig,
        counts: Option<Arc<dyn StreamCounts>>,
        (tasks, closing): (TaskTracker, CancellationToken),
    ) -> Self {
        Self(Arc::new(Inner {
            scene: Scene { commander, live },
            channels: Mutex::default(),
            quota: Quota::new(counts),
            per_key: config.max_streams_per_key,
            heartbeat: config.stream_heartbeat,
            tasks,
            closing,
        }))
    }

    /// The stream of `key` from `from` on, as the body of an answer.
    ///
    /// # Errors
    /// 429 when the caller's key has too many open.
    pub async fn open(
        &self,
        caller: &Caller,
        key: StreamId,
        from: Cursor,
    ) -> Result<Body, ApiError> {
        let limit = self.0.per_key;
        let place = self.0.quota.take(caller.key_id, limit).await.ok_or_else(|| {
            let message = format!(
                "This key has {limit} streams open, which is as many as it may; close some, or \
                 read several tasks of an agent through the agent's stream."
            );
            ApiError::new(ErrorCode::RateLimited, message).retry_after(RETRY_AFTER)
        })?;
        let reader = Reader::new(self.clone(), key, from, place);
        Ok(Body::from_stream(reader.into_stream()))
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.0.quota.count()
    }

    /// Tells the other processes how many are open, until `stop`.
    pub async fn beat(self, stop: CancellationToken) {
        self.0.quota.clone().beat(stop).await;
    }

    fn heartbeat(&self) -> Duration {
        self.0.heartbeat
    }

    fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    async fn teller(&self, key: &StreamId, from: Cursor) -> Result<Box<Teller>, Trouble> {
        Teller::new(self.0.scene.clone(), key, from).await.map(Box::new)
    }

    /// Joins those who read it live, if there are any and `cursor` is where they can be joined.
    fn join(&self, key: &StreamId, cursor: Cursor) -> Option<Member> {
        let mut channels = self.0.channels.lock();
        let (channel, readers) = channels.get_mut(key)?;
        let next = channel.place(cursor)?;
        *readers += 1;
        let channel = channel.clone();
        drop(channels);
        Some(Member::new(self.clone(), key.clone(), channel, (next, cursor)))
    }

    /// Joins those who read it live, or is the first.
    fn enter(&self, key: &StreamId, teller: Box<Teller>) -> Entered {
        if let Some(member) = self.join(key, teller.cursor()) {
            return Entered::Live(member);
        }
        let mut channels = self.0.channels.lock();
        // Made meanwhile, or ahead.
        if let Some((channel, _)) = channels.get(key) {
            return Entered::Behind(teller, channel.changes());
        }
        let at = teller.cursor();
        let channel = Arc::new(Channel::new(at, self.0.closing.child_token()));
        channels.insert(key.clone(), (channel.clone(), 1));
        drop(channels);
        self.0.tasks.spawn(self.clone().tell(key.clone(), channel.clone(), teller));
        Entered::Live(Member::new(self.clone(), key.clone(), channel, (0, at)))
    }

    /// Tells a channel until it is over; who comes later reads the log.
    async fn tell(self, key: StreamId, channel: Arc<Channel>, teller: Box<Teller>) {
        channel.clone().run(teller).await;
        let mut channels = self.0.channels.lock();
        if channels.get(&key).is_some_and(|(current, _)| Arc::ptr_eq(current, &channel)) {
            channels.remove(&key);
        }
    }

    /// One reader fewer; without any, nobody need tell it.
    fn leave(&self, key: &StreamId, channel: &Arc<Channel>) {
        let mut channels = self.0.channels.lock();
        let Some((current, readers)) = channels.get_mut(key) else { return };
        if !Arc::ptr_eq(current, channel) {
            return;
        }
        *readers -= 1;
        if *readers == 0 {
            channel.stop.cancel();
            channels.remove(key);
        }
    }
}
