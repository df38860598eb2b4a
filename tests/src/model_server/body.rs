//! Sending an answer, chunk by chunk, past its gates and into its faults.

use std::io;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::stream;

use super::capture::Delivery;
use super::gate::Gate;
use super::render::Rendered;
use super::reply::Fault;

/// What is left of an answer.
struct Player {
    chunks: std::vec::IntoIter<Bytes>,
    next: usize,
    gates: Vec<(Option<usize>, Gate)>,
    fault: Option<Fault>,
    /// Before each chunk.
    pause: Duration,
    delivery: Delivery,
    /// Whether it is an answer, and no refusal.
    answers: bool,
    over: bool,
}

pub(super) fn body(
    rendered: Rendered,
    gates: Vec<(Option<usize>, Gate)>,
    fault: Option<Fault>,
    pause: Duration,
    delivery: Delivery,
) -> Body {
    let answers = rendered.status < 400;
    let chunks = rendered.chunks.into_iter();
    let player = Player { chunks, next: 0, gates, fault, pause, delivery, answers, over: false };
    Body::from_stream(stream::unfold(player, |mut player| async move {
        let chunk = player.step().await?;
        Some((chunk, player))
    }))
}

impl Player {
    /// The next chunk; an error closes the connection.
    async fn step(&mut self) -> Option<io::Result<Bytes>> {
        if self.over {
            return None;
        }
        for (_, gate) in self.gates.iter().filter(|(at, _)| *at == Some(self.next)) {
            gate.pass().await;
        }
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        match self.fault {
            Some(Fault::Silence { after }) if after <= self.next => {
                return std::future::pending().await;
            }
            Some(Fault::Cut { after }) if after <= self.next => return self.cut().await,
            _ => {}
        }
        let Some(chunk) = self.chunks.next() else {
            return match self.fault {
                Some(Fault::Silence { .. }) => std::future::pending().await,
                Some(Fault::Cut { .. } | Fault::CutBeforeEnd) => self.cut().await,
                Some(Fault::Error { .. }) | None => {
                    self.over = true;
                    self.delivery.end(self.answers && self.fault.is_none());
                    None
                }
            };
        };
        self.next += 1;
        let last = self.chunks.len() == 0;
        if last && matches!(self.fault, None | Some(Fault::Error { .. })) {
            self.over = true;
            self.delivery.end(self.answers && self.fault.is_none());
        }
        Some(Ok(chunk))
    }

    async fn cut(&mut self) -> Option<io::Result<Bytes>> {
        // Gives the connection a chance to write what it has.
        tokio::task::yield_now().await;
        self.over = true;
        self.delivery.end(false);
        Some(Err(io::Error::other("the script cuts the connection here")))
    }
}
