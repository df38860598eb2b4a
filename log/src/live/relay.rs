//! Tells other processes what a call of this one says.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use theazo_domain::StreamId;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::text::cut;
use super::wire::{self, Question, SoFar, TEXT_MAX, Told};
use super::{Call, Piece, State};
use crate::Position;
use crate::bus::{Bus, BusError, Message, Messages};

/// Between two messages that are not full.
const GAP: Duration = Duration::from_millis(50);
/// Bytes with which a message is full.
const FULL: usize = 1 << 10;

/// Reads the text as a watcher does: whoever speaks never waits for it, and when the bus is slow
/// its messages are fewer and larger.
pub(super) struct Relay {
    bus: Arc<dyn Bus>,
    stream: StreamId,
    at: Position,
    state: watch::Receiver<State>,
    /// Bytes that were told, or lost.
    told: usize,
}

impl Relay {
    pub fn new(
        bus: Arc<dyn Bus>,
        stream: &StreamId,
        at: Position,
        state: watch::Receiver<State>,
    ) -> Self {
        Self { bus, stream: stream.clone(), at, state, told: 0 }
    }

    /// Until the call has ended.
    pub async fn run(mut self) {
        // Before the first piece: whoever hears that one late can ask for what it missed.
        let mut asked = self.questions().await;
        let mut due = Instant::now();
        loop {
            let said = self.state.borrow_and_update().call(self.at).map(|call| call.said);
            let Some(said) = said else { break };
            let more = said.saturating_sub(self.told);
            if more >= FULL || (more > 0 && Instant::now() >= due) {
                self.tell().await;
                due = Instant::now() + GAP;
                continue;
            }
            tokio::select! {
                changed = self.state.changed() => {
                    if changed.is_err() {
                        break;
                    }
                }
                question = asked.next() => match question {
                    Some(question) => self.answer(&question).await,
                    None => asked = futures::stream::pending().boxed(),
                },
                () = sleep_until(due), if more > 0 => {}
            }
        }
        self.publish(&Told::Ended { ended: self.at }).await;
    }

    async fn questions(&self) -> Messages {
        match self.bus.subscribe(&wire::so_far(&self.stream)).await {
            Ok(asked) => asked,
            Err(error) => {
                let stream = &self.stream;
                tracing::warn!(%stream, %error, "live text is told, but cannot be asked for");
                futures::stream::pending().boxed()
            }
        }
    }

    fn call(&self) -> Option<Call> {
        self.state.borrow().call(self.at).cloned()
    }

    /// Tells all that was not told yet. What is lost on the way is asked for.
    async fn tell(&mut self) {
        let pieces = self.call().map_or_else(Vec::new, |call| call.rest(self.told));
        for Piece { voice, text } in pieces {
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let (text, after) = rest.split_at(cut(rest, TEXT_MAX));
                let (at, offset, text) = (self.at, self.told, text.to_owned());
                self.told += text.len();
                self.publish(&Told::Piece { at, offset, voice, text }).await;
                rest = after;
            }
        }
    }

    async fn answer(&self, question: &Message) {
        let Some(call) = self.call() else { return };
        // What cannot be read is of no process of ours.
        let Ok(Question { at, offset }) = serde_json::from_slice(&question.payload) else { return };
        let offset = if at == self.at { offset } else { 0 };
        let pieces = first(call.rest(offset), TEXT_MAX);
        let so_far = SoFar { at: self.at, offset, pieces, said: call.said };
        let answered = match wire::encode(&so_far) {
            Ok(answer) => question.answer(&*self.bus, answer).await,
            Err(error) => Err(BusError::Unavailable(error.to_string())),
        };
        self.note(answered);
    }

    async fn publish(&self, told: &Told) {
        let published = match wire::encode(told) {
            Ok(message) => self.bus.publish(&wire::subject(&self.stream), message).await,
            Err(error) => Err(BusError::Unavailable(error.to_string())),
        };
        self.note(published);
    }

    fn note(&self, sent: Result<(), BusError>) {
        if let Err(error) = sent {
            let stream = &self.stream;
            tracing::debug!(%stream, %error, "live text was not told; who misses it will ask");
        }
    }
}

/// What is within the first `limit` bytes of `pieces`.
fn first(pieces: Vec<Piece>, limit: usize) -> Vec<Piece> {
    let mut room = limit;
    let mut first = Vec::new();
    for mut piece in pieces {
        let end = cut(&piece.text, room);
        let whole = end == piece.text.len();
        piece.text.truncate(end);
        room -= end;
        first.push(piece);
        if !whole {
            break;
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Voice;

    #[test]
    fn an_answer_is_cut_once_and_has_nothing_of_what_follows_the_cut() {
        let piece = |text: &str| Piece { voice: Voice::Text, text: text.to_owned() };
        let pieces = || vec![piece("ab"), piece("cé"), piece("d")];
        let joined =
            |limit| -> String { first(pieces(), limit).into_iter().map(|p| p.text).collect() };
        let cuts: Vec<String> = (0..=6).map(joined).collect();
        assert_eq!(cuts, ["", "a", "ab", "abc", "abc", "abcé", "abcéd"]);
    }
}
