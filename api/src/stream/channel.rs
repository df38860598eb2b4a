//! One stream that is read live, told once for all who read it.
//!
//! ```text
//!  log ──────┐
//!  live text ┴─▶ teller ─▶ ring ─▶ reader, reader, reader …
//! ```
//!
//! A reader that is somewhere in the ring goes on from there. One that is before it catches up with
//! a teller of its own first; the first one's becomes the channel's.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use parking_lot::RwLock;
use theazo_domain::StreamId;
use theazo_log::live::{Piece, Watcher};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::cursor::Cursor;
use super::feed::Wakes;
use super::frame::Frame;
use super::render::Trouble;
use super::ring::{Got, Ring};
use super::teller::{Scene, Teller};

/// Between two events with text: as often as a reader's eye can tell.
const TEXT_GAP: Duration = Duration::from_millis(50);

/// A stream that is read live.
pub(super) struct Channel {
    ring: RwLock<Ring>,
    /// Changed with the ring.
    state: watch::Sender<State>,
    /// Cancelled when nobody reads it any more.
    pub stop: CancellationToken,
}

/// What a channel has come to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum State {
    #[default]
    Open,
    /// The last event is in the ring.
    Over,
    Broken,
    /// The server is being stopped.
    Closing,
}

impl Channel {
    pub fn new(at: Cursor, stop: CancellationToken) -> Self {
        Self { ring: RwLock::new(Ring::new(at)), state: watch::Sender::default(), stop }
    }

    /// The number of the next event for a reader at `cursor`; `None` when that one is behind.
    pub fn place(&self, cursor: Cursor) -> Option<u64> {
        self.ring.read().place(cursor)
    }

    pub fn get(&self, number: u64, cursor: Cursor) -> Got {
        self.ring.read().get(number, cursor)
    }

    /// Tells of every change of the ring or the state.
    pub fn changes(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Tells it until it ends, breaks, or nobody reads it.
    pub async fn run(self: Arc<Self>, teller: Box<Teller>) {
        let ended = tokio::select! {
            () = self.stop.cancelled() => {
                self.state.send_replace(State::Closing);
                return;
            }
            ended = AssertUnwindSafe(self.tell(teller)).catch_unwind() => ended,
        };
        let panicked = |_| Err(Trouble::new("telling it panicked".to_owned()));
        match ended.unwrap_or_else(panicked) {
            Ok(()) => self.state.send_replace(State::Over),
            Err(trouble) => {
                tracing::warn!(%trouble, "a stream broke off; its readers are told to come back");
                self.state.send_replace(State::Broken)
            }
        };
    }

    async fn tell(&self, mut teller: Box<Teller>) -> Result<(), Trouble> {
        let mut wakes = Wakes::default();
        let mut ear = Ear::new(teller.scene().clone());
        loop {
            while let Some(frames) = teller.next().await? {
                self.push(frames, teller.cursor());
                if teller.is_over() {
                    return Ok(());
                }
            }
            wakes.tune(teller.feed());
            tokio::select! {
                biased;
                commit = wakes.next() => teller.feed().offer(commit?),
                pieces = ear.listen(&teller) => {
                    let frames = teller.say(&pieces)?;
                    self.push(frames, teller.cursor());
                }
            }
        }
    }

    fn push(&self, frames: Vec<Frame>, head: Cursor) {
        let mut ring = self.ring.write();
        if frames.is_empty() && ring.head() == head {
            return;
        }
        ring.push(frames, head);
        drop(ring);
        self.state.send_modify(|_| {});
    }
}

/// Hears what the model says, at most every so often.
struct Ear {
    scene: Scene,
    watcher: Option<(StreamId, Watcher)>,
    heard_at: Option<Instant>,
}

impl Ear {
    fn new(scene: Scene) -> Self {
        Self { scene, watcher: None, heard_at: None }
    }

    /// What the call that is open where `teller` is says next. Never, when there is none.
    async fn listen(&mut self, teller: &Teller) -> Vec<Piece> {
        let Some(call) = teller.open_call() else { return std::future::pending().await };
        if let Some(at) = self.heard_at {
            tokio::time::sleep_until(at + TEXT_GAP).await;
        }
        let tuned = self.watcher.take_if(|(stream, _)| *stream == call.stream);
        let watcher = match tuned {
            Some((_, watcher)) => watcher,
            None => self.scene.live.watch(&call.stream),
        };
        let (_, watcher) = self.watcher.insert((call.stream.clone(), watcher));
        let offset = usize::try_from(teller.cursor().text).unwrap_or(usize::MAX);
        let pieces = watcher.after(call.at, offset).await;
        self.heard_at = Some(Instant::now());
        pieces
    }
}
