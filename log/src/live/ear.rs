//! Hears what another process says on a stream that is watched here.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use theazo_domain::StreamId;
use tokio::sync::watch;

use super::wire::{self, Question, SoFar, Told};
use super::{Call, State, Voice};
use crate::Position;
use crate::bus::{Bus, BusError, Messages};

/// How long whoever speaks may take to say what was said so far.
const PATIENCE: Duration = Duration::from_secs(2);
/// Before listening again when the bus cannot be reached.
const RETRY: Duration = Duration::from_secs(1);

/// Puts the pieces together by their offsets: what was heard before is left out, and what is
/// missing is asked for.
pub(super) struct Ear {
    bus: Arc<dyn Bus>,
    stream: StreamId,
    state: Arc<watch::Sender<State>>,
    /// The last call that is known to have ended: what comes of it now is late.
    ended: Position,
}

impl Ear {
    pub fn new(bus: Arc<dyn Bus>, stream: &StreamId, state: Arc<watch::Sender<State>>) -> Self {
        Self { bus, stream: stream.clone(), state, ended: Position::START }
    }

    /// Until it is dropped, or the bus is closed.
    pub async fn run(mut self) {
        // First the ear, then the question: nothing can be said in between.
        let mut told = self.listen().await;
        self.ask().await;
        while let Some(message) = told.next().await {
            match serde_json::from_slice(&message.payload) {
                Ok(Told::Piece { at, offset, voice, text }) => {
                    if self.hear((at, offset), voice, &text) == Heard::Gap {
                        self.ask().await;
                    }
                }
                Ok(Told::Ended { ended }) => {
                    self.ended = self.ended.max(ended);
                    self.state.send_if_modified(|state| state.end(ended));
                }
                Err(error) => tracing::debug!(%error, "live text that cannot be read"),
            }
        }
    }

    async fn listen(&self) -> Messages {
        let subject = wire::subject(&self.stream);
        loop {
            match self.bus.subscribe(&subject).await {
                Ok(told) => return told,
                Err(error) => {
                    tracing::debug!(%error, "live text of others cannot be heard yet");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Asks for what is missing. Without an answer the next piece shows the gap again.
    async fn ask(&self) {
        loop {
            let before = self.place();
            let so_far = match self.request(before).await {
                Ok(so_far) => so_far,
                Err(error) => {
                    tracing::debug!(%error, "nobody says what was said so far");
                    return;
                }
            };
            let mut offset = so_far.offset;
            for piece in &so_far.pieces {
                self.hear((so_far.at, offset), piece.voice, &piece.text);
                offset += piece.text.len();
            }
            let now = self.place();
            let got_on = (now.at, now.offset) != (before.at, before.offset);
            if !got_on || (now.at == so_far.at && now.offset >= so_far.said) {
                return;
            }
        }
    }

    async fn request(&self, question: Question) -> Result<SoFar, BusError> {
        let unreadable = |error: serde_json::Error| BusError::Unavailable(error.to_string());
        let question = wire::encode(&question).map_err(unreadable)?;
        let subject = wire::so_far(&self.stream);
        let answer = self.bus.request(&subject, question, PATIENCE).await?;
        serde_json::from_slice(&answer).map_err(unreadable)
    }

    /// How far what is known here goes.
    fn place(&self) -> Question {
        let state = self.state.borrow();
        match &state.call {
            Some(call) => Question { at: call.at, offset: call.said },
            None => Question { at: Position::START, offset: 0 },
        }
    }

    fn hear(&self, (at, offset): (Position, usize), voice: Voice, text: &str) -> Heard {
        let mut heard = Heard::Known;
        self.state.send_if_modified(|state| {
            let overtaken = state.call.as_ref().is_some_and(|call| call.at > at);
            if overtaken || at <= self.ended {
                return false;
            }
            if state.call(at).is_none() {
                state.call = Some(Call { at, said: 0, pieces: Arc::default() });
            }
            let Some(call) = &mut state.call else { return false };
            if offset > call.said {
                heard = Heard::Gap;
                return false;
            }
            let Some(new) = text.get(call.said - offset..).filter(|new| !new.is_empty()) else {
                return false;
            };
            heard = Heard::New;
            call.push(voice, new);
            true
        });
        heard
    }
}

/// What became of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    New,
    /// There was nothing new in it.
    Known,
    /// Something before it is missing.
    Gap,
}
