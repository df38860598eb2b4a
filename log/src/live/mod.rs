//! What a model is saying right now: live text, beside the log and not in it.
//!
//! A call's text grows from its intent's commit on, and whoever watches reads it from any offset,
//! as long as the call runs. When its outcome is in the log, the whole text is there, and the live
//! one goes: a reader that has got to some offset takes the rest from the outcome. So nothing is
//! kept per reader, a slow one costs nobody anything, and none can miss or repeat a character.
//!
//! ```text
//!  speaker ─▶ text ─▶ watcher                     the same process
//!                └─▶ relay ═══ bus ═══▶ ear ─▶ text ─▶ watcher     another one
//! ```
//!
//! Between processes the text crosses the bus: whoever speaks has a relay that publishes it, and
//! whoever watches what another process says has an ear. What the bus loses is asked for again, and
//! what never comes is in the outcome.

mod ear;
mod relay;
#[cfg(test)]
mod tests;
mod text;
mod wire;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use theazo_domain::StreamId;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::Position;
use crate::bus::Bus;
use ear::Ear;
use relay::Relay;
pub use text::{Piece, Voice, pieces_after};

/// The live texts of one process. Cheap to clone.
#[derive(Clone, Default)]
pub struct Live(Arc<Inner>);

#[derive(Default)]
struct Inner {
    streams: Mutex<HashMap<StreamId, Stream>>,
    others: Option<Others>,
}

/// The other processes.
struct Others {
    bus: Arc<dyn Bus>,
    /// Where relays and ears run.
    runtime: Handle,
    stop: CancellationToken,
}

/// A stream that somebody here speaks on or watches.
struct Stream {
    state: Arc<watch::Sender<State>>,
    speakers: usize,
    watchers: usize,
    /// Hears what another process says, as long as it is here.
    ear: Option<DropGuard>,
}

/// What a watcher is told: which call speaks, and how much it has said.
#[derive(Debug, Clone, Default)]
struct State {
    call: Option<Call>,
}

#[derive(Debug, Clone)]
struct Call {
    /// The commit of its intent.
    at: Position,
    /// Bytes said, of all voices together.
    said: usize,
    pieces: Arc<RwLock<Vec<Piece>>>,
}

/// The one who speaks. Dropped, the live text is gone: its outcome is in the log, or it has none.
pub struct Speaker {
    live: Live,
    stream: StreamId,
    at: Position,
    state: Arc<watch::Sender<State>>,
}

/// Watches one stream's calls.
pub struct Watcher {
    live: Live,
    stream: StreamId,
    state: watch::Receiver<State>,
}

impl Live {
    /// Of this process alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also what other processes say, and for them, until `stop`. To be used within a runtime.
    pub fn over(bus: Arc<dyn Bus>, stop: CancellationToken) -> Self {
        let others = Some(Others { bus, runtime: Handle::current(), stop });
        Self(Arc::new(Inner { streams: Mutex::default(), others }))
    }

    /// Begins the live text of the call on `stream` whose intent is the commit at `at`.
    pub fn speak(&self, stream: &StreamId, at: Position) -> Speaker {
        let state = self.change(stream, |here| here.speakers += 1);
        let call = Call { at, said: 0, pieces: Arc::default() };
        state.send_modify(|state| state.call = Some(call));
        if let Some(Others { bus, runtime, stop }) = &self.0.others {
            let relay = Relay::new(bus.clone(), stream, at, state.subscribe());
            runtime.spawn(stop.clone().run_until_cancelled_owned(relay.run()));
        }
        Speaker { live: self.clone(), stream: stream.clone(), at, state }
    }

    pub fn watch(&self, stream: &StreamId) -> Watcher {
        let state = self.change(stream, |here| here.watchers += 1).subscribe();
        Watcher { live: self.clone(), stream: stream.clone(), state }
    }

    /// Changes who is on a stream, and what follows from it: there is an ear while somebody
    /// watches and nobody here speaks; nothing is kept of a stream that all have left.
    fn change(
        &self,
        stream: &StreamId,
        who: impl FnOnce(&mut Stream),
    ) -> Arc<watch::Sender<State>> {
        let mut streams = self.0.streams.lock();
        let here = streams.entry(stream.clone()).or_insert_with(Stream::new);
        who(here);
        let state = here.state.clone();
        if here.watchers > 0 && here.speakers == 0 {
            let ear = here.ear.take();
            here.ear = ear.or_else(|| Some(self.0.others.as_ref()?.listen(stream, &state)));
        } else {
            here.ear = None;
        }
        if here.watchers == 0 && here.speakers == 0 {
            streams.remove(stream);
        }
        state
    }

    /// Streams that somebody here speaks on or watches.
    pub fn streams(&self) -> usize {
        self.0.streams.lock().len()
    }
}

impl Others {
    /// Hears what others say on `stream`, until the guard is dropped.
    fn listen(&self, stream: &StreamId, state: &Arc<watch::Sender<State>>) -> DropGuard {
        let stop = self.stop.child_token();
        let ear = Ear::new(self.bus.clone(), stream, state.clone());
        self.runtime.spawn(stop.clone().run_until_cancelled_owned(ear.run()));
        stop.drop_guard()
    }
}

impl Stream {
    fn new() -> Self {
        Self { state: Arc::default(), speakers: 0, watchers: 0, ear: None }
    }
}

impl State {
    /// Ends the call at `at`, if it is that one's turn.
    fn end(&mut self, at: Position) -> bool {
        let own = self.call.as_ref().is_some_and(|call| call.at == at);
        if own {
            self.call = None;
        }
        own
    }

    /// The call at `at`, and not a newer one that has taken its stream.
    fn call(&self, at: Position) -> Option<&Call> {
        self.call.as_ref().filter(|call| call.at == at)
    }
}

impl Call {
    fn push(&mut self, voice: Voice, text: &str) {
        let mut pieces = self.pieces.write();
        match pieces.last_mut() {
            Some(last) if last.voice == voice => last.text.push_str(text),
            _ => pieces.push(Piece { voice, text: text.to_owned() }),
        }
        self.said += text.len();
    }

    /// What it has said after `offset`.
    fn rest(&self, offset: usize) -> Vec<Piece> {
        pieces_after(self.pieces.read().iter().map(|p| (p.voice, p.text.as_str())), offset)
    }
}

impl Speaker {
    /// Says more.
    pub fn say(&self, voice: Voice, text: &str) {
        if text.is_empty() {
            return;
        }
        self.state.send_if_modified(|state| {
            // A newer call may have taken the stream: this one was overtaken.
            let call = state.call.as_mut().filter(|call| call.at == self.at);
            call.map(|call| call.push(voice, text)).is_some()
        });
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.state.send_if_modified(|state| state.end(self.at));
        self.live.change(&self.stream, |here| here.speakers -= 1);
    }
}

impl Watcher {
    /// Waits until the call whose intent is at `at` has said more than `offset` bytes, and answers
    /// what came after them. Never while it says nothing: to be raced with the log.
    pub async fn after(&mut self, at: Position, offset: usize) -> Vec<Piece> {
        let more = |state: &State| state.call(at).is_some_and(|call| call.said > offset);
        let said = self
            .state
            .wait_for(more)
            .await
            .map(|state| state.call.as_ref().map_or_else(Vec::new, |call| call.rest(offset)));
        match said {
            Ok(pieces) => pieces,
            // The sender lives as long as a watcher does.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.live.change(&self.stream, |here| here.watchers -= 1);
    }
}
