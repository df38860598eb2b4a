//! What a model is saying right now: live text, beside the log and not in it.
//!
//! A call's text grows from its intent's commit on, and whoever watches reads it from any offset,
//! as long as the call runs. When its outcome is in the log, the whole text is there, and the live
//! one goes: a reader that has got to some offset takes the rest from the outcome. So nothing is
//! kept per reader, a slow one costs nobody anything, and none can miss or repeat a character.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use theazo_domain::StreamId;
use tokio::sync::watch;

use crate::Position;

/// Which voice a piece of live text is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    Text,
    Reasoning,
}

/// A stretch of one voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub voice: Voice,
    pub text: String,
}

/// The live texts of one process. Cheap to clone.
#[derive(Clone, Default)]
pub struct Live(Arc<Mutex<HashMap<StreamId, Arc<watch::Sender<State>>>>>);

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
    sender: Arc<watch::Sender<State>>,
}

/// Watches one stream's calls.
pub struct Watcher {
    live: Live,
    stream: StreamId,
    state: watch::Receiver<State>,
}

impl Live {
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the live text of the call on `stream` whose intent is the commit at `at`.
    pub fn speak(&self, stream: &StreamId, at: Position) -> Speaker {
        let sender = self.sender(stream);
        let call = Call { at, said: 0, pieces: Arc::default() };
        sender.send_modify(|state| state.call = Some(call));
        Speaker { live: self.clone(), stream: stream.clone(), at, sender }
    }

    pub fn watch(&self, stream: &StreamId) -> Watcher {
        let state = self.sender(stream).subscribe();
        Watcher { live: self.clone(), stream: stream.clone(), state }
    }

    fn sender(&self, stream: &StreamId) -> Arc<watch::Sender<State>> {
        let mut streams = self.0.lock();
        match streams.get(stream) {
            Some(sender) => sender.clone(),
            None => {
                let sender = Arc::new(watch::Sender::new(State::default()));
                streams.insert(stream.clone(), sender.clone());
                sender
            }
        }
    }

    /// Forgets a stream that nobody speaks on and nobody watches.
    fn tidy(&self, stream: &StreamId) {
        let mut streams = self.0.lock();
        if let Some(sender) = streams.get(stream)
            && sender.receiver_count() == 0
            && sender.borrow().call.is_none()
        {
            streams.remove(stream);
        }
    }

    /// Streams that somebody speaks on or watches.
    pub fn streams(&self) -> usize {
        self.0.lock().len()
    }
}

impl Speaker {
    /// Says more.
    pub fn say(&self, voice: Voice, text: &str) {
        if text.is_empty() {
            return;
        }
        self.sender.send_if_modified(|state| {
            // A newer call has taken the stream: this one was overtaken.
            let Some(call) = state.call.as_mut().filter(|call| call.at == self.at) else {
                return false;
            };
            let mut pieces = call.pieces.write();
            match pieces.last_mut() {
                Some(last) if last.voice == voice => last.text.push_str(text),
                _ => pieces.push(Piece { voice, text: text.to_owned() }),
            }
            drop(pieces);
            call.said += text.len();
            true
        });
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.sender.send_if_modified(|state| {
            let own = state.call.as_ref().is_some_and(|call| call.at == self.at);
            if own {
                state.call = None;
            }
            own
        });
        self.live.tidy(&self.stream);
    }
}

impl Watcher {
    /// Waits until the call whose intent is at `at` has said more than `offset` bytes, and answers
    /// what came after them. Never while it says nothing: to be raced with the log.
    pub async fn after(&mut self, at: Position, offset: usize) -> Vec<Piece> {
        let more = |state: &State| {
            state.call.as_ref().is_some_and(|call| call.at == at && call.said > offset)
        };
        let said = self
            .state
            .wait_for(more)
            .await
            .map(|state| state.call.as_ref().map_or_else(Vec::new, |call| rest(call, offset)));
        match said {
            Ok(pieces) => pieces,
            // The sender lives as long as a watcher does.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // This receiver is dropped after this; what is left then is tidied by the next one.
        self.state = watch::Sender::new(State::default()).subscribe();
        self.live.tidy(&self.stream);
    }
}

fn rest(call: &Call, offset: usize) -> Vec<Piece> {
    pieces_after(call.pieces.read().iter().map(|p| (p.voice, p.text.as_str())), offset)
}

/// What follows the first `offset` bytes of `pieces`. An offset within a character begins with
/// that character.
pub fn pieces_after<'p>(
    pieces: impl IntoIterator<Item = (Voice, &'p str)>,
    offset: usize,
) -> Vec<Piece> {
    let mut skip = offset;
    let mut rest = Vec::new();
    for (voice, text) in pieces {
        if skip >= text.len() {
            skip -= text.len();
            continue;
        }
        let from = text.floor_char_boundary(skip);
        skip = 0;
        rest.push(Piece { voice, text: text[from..].to_owned() });
    }
    rest
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::conformance::fixtures::{scope, session};

    fn stream() -> StreamId {
        session(scope(0), 1)
    }

    fn joined(pieces: &[Piece]) -> String {
        pieces.iter().map(|piece| piece.text.as_str()).collect()
    }

    #[test]
    fn a_watcher_reads_from_any_offset() {
        let live = Live::new();
        let speaker = live.speak(&stream(), Position(7));
        speaker.say(Voice::Reasoning, "hm ");
        speaker.say(Voice::Text, "one ");
        speaker.say(Voice::Text, "two");
        let mut watcher = live.watch(&stream());
        let all = watcher.after(Position(7), 0).now_or_never().unwrap();
        assert_eq!(all.len(), 2, "a voice's stretch is one piece");
        assert_eq!(joined(&all), "hm one two");
        let some = watcher.after(Position(7), 5).now_or_never().unwrap();
        assert_eq!(some, [Piece { voice: Voice::Text, text: "e two".to_owned() }]);
        assert!(watcher.after(Position(7), 10).now_or_never().is_none());
        assert!(watcher.after(Position(8), 0).now_or_never().is_none(), "another call");
    }

    #[test]
    fn an_overtaken_speaker_says_nothing_more() {
        let live = Live::new();
        let old = live.speak(&stream(), Position(1));
        let new = live.speak(&stream(), Position(2));
        old.say(Voice::Text, "old");
        drop(old);
        new.say(Voice::Text, "new");
        let mut watcher = live.watch(&stream());
        let heard = watcher.after(Position(2), 0).now_or_never().unwrap();
        assert_eq!(joined(&heard), "new");
    }

    #[test]
    fn nothing_is_kept_when_all_have_gone() {
        let live = Live::new();
        let watcher = live.watch(&stream());
        drop(live.speak(&stream(), Position(1)));
        assert_eq!(live.streams(), 1);
        drop(watcher);
        assert_eq!(live.streams(), 0);
        drop(live.speak(&stream(), Position(1)));
        assert_eq!(live.streams(), 0);
    }
}
