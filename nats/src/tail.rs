//! The one consumer of this process that gets every commit as it is written.
//!
//! What it gives is numbered, so that nothing is missed: on a gap, on silence, and after every
//! break of the connection a new one begins after the last commit seen. The server acknowledges
//! nothing and remembers nothing for it.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, StatusCode, Subscriber};
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use serde_json::json;
use theazo_log::{LogError, Passing, Position};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::heads::Step;
use crate::message::{self, Delivered, Envelope};
use crate::reader::Reader;
use crate::scan::nanos;

/// How often the server says that it is there, when it has nothing else to say.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// Commits that are handed on together.
const BATCH: usize = 256;
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Follows the log until `closing`.
pub(crate) async fn run(reader: Arc<Reader>, closing: CancellationToken) {
    let mut pause = Duration::from_millis(10);
    loop {
        let mut tail = Tail::new(&reader);
        let began = tail.last;
        let stopped = tokio::select! {
            () = closing.cancelled() => None,
            reason = tail.follow() => Some(reason),
        };
        let (name, progress) = (tail.name.clone(), tail.last > began);
        if reader.link.connected_since().is_some() {
            reader.remove_consumer(&name).await;
        }
        let Some(reason) = stopped else { return };
        tracing::info!(reason, after = %reader.hub.head(), "following the log anew");
        pause = if progress { Duration::from_millis(10) } else { (pause * 2).min(LONGEST_PAUSE) };
        tokio::select! {
            () = closing.cancelled() => return,
            () = sleep(pause) => (),
        }
    }
}

struct Tail<'a> {
    reader: &'a Reader,
    /// The consumer's.
    name: String,
    last: Position,
    /// How many messages the consumer has given.
    number: u64,
    /// To be handed on, with the sizes of their bodies.
    batch: Vec<(Passing, usize)>,
}

impl<'a> Tail<'a> {
    fn new(reader: &'a Reader) -> Self {
        let (name, last) = (reader.consumer_name(), reader.hub.head());
        Self { reader, name, last, number: 0, batch: Vec::new() }
    }

    /// Follows until something is wrong, and says what.
    async fn follow(&mut self) -> String {
        let mut connected = self.reader.link.watch();
        let epoch = connected.borrow_and_update().epoch;
        let mut messages = match self.begin().await {
            Ok(messages) => messages,
            Err(error) => return error.to_string(),
        };
        loop {
            let first = tokio::select! {
                biased;
                _ = connected.wait_for(|connected| connected.epoch != epoch) => {
                    return "the connection was made anew".to_owned();
                }
                first = timeout(HEARTBEAT * 3, messages.next()) => first,
            };
            let first = match first {
                Ok(Some(first)) => first,
                Ok(None) => return "the connection is closed".to_owned(),
                Err(_) => return "the server was silent".to_owned(),
            };
            let taken = self.take_all(first, &mut messages).await;
            self.hand_on();
            if let Err(reason) = taken {
                return reason;
            }
        }
    }

    async fn begin(&mut self) -> Result<Subscriber, LogError> {
        let reader = self.reader;
        let deadline = Instant::now() + reader.patience;
        let inbox = reader.link.client.new_inbox();
        let messages = reader.link.client.subscribe(inbox.clone()).await;
        let messages = messages.map_err(|e| LogError::Unavailable(e.to_string()))?;
        let config = json!({
            "name": self.name,
            "deliver_subject": inbox,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self.last.0 + 1,
            "ack_policy": "none",
            "replay_policy": "instant",
            "max_deliver": 1,
            "flow_control": true,
            "idle_heartbeat": nanos(HEARTBEAT),
            "mem_storage": true,
            "num_replicas": 1,
        });
        reader.consumer(&self.name, config, deadline).await?;
        let head = reader.head_of_leader(deadline).await?;
        if head < self.last {
            tracing::error!(
                had = %self.last, has = %head,
                "the NATS server has lost commits that it had acknowledged; \
                 restore its store, or start again from a backup"
            );
            return Err(LogError::Unavailable("the server has lost commits".to_owned()));
        }
        Ok(messages)
    }

    /// Takes `first`, and what has come with it.
    async fn take_all(&mut self, first: Message, more: &mut Subscriber) -> Result<(), String> {
        let mut next = Some(first);
        while let Some(message) = next.take() {
            match message.status {
                None => self.take(message)?,
                Some(StatusCode::IDLE_HEARTBEAT) => self.beat(message).await?,
                Some(status) => {
                    return Err(format!("{status} {}", message.description.unwrap_or_default()));
                }
            }
            if self.batch.len() < BATCH {
                next = more.next().now_or_never().flatten();
            }
        }
        Ok(())
    }

    /// A sign of life, which may want an answer: how fast the server goes on depends on it.
    async fn beat(&self, message: Message) -> Result<(), String> {
        let header = |name: &str| Some(message.headers.as_ref()?.get(name)?.as_str().to_owned());
        let stalled = header("Nats-Consumer-Stalled");
        let answer = message.reply.as_ref().map(ToString::to_string).or(stalled);
        if let Some(subject) = answer {
            let sent = self.reader.link.client.publish(subject, Bytes::new()).await;
            sent.map_err(|e| e.to_string())?;
        }
        let given = header("Nats-Last-Consumer").and_then(|text| text.parse::<u64>().ok());
        match given {
            Some(given) if given != self.number => {
                Err(format!("the server gave {given} commits, {} came", self.number))
            }
            _ => Ok(()),
        }
    }

    fn take(&mut self, message: Message) -> Result<(), String> {
        let place = message.reply.as_ref().and_then(|reply| Delivered::parse(reply));
        let Delivered { position, number, .. } =
            place.ok_or_else(|| "a message came without its place".to_owned())?;
        if number != self.number + 1 {
            return Err(format!("commits were missed before {position}"));
        }
        self.number = number;
        if position <= self.last {
            return Ok(());
        }
        if position.0 != self.last.0 + 1 {
            tracing::error!(%position, after = %self.last, "the NATS server has a hole in the log");
        }
        self.last = position;
        let reader = self.reader;
        let (subject, bytes) = (message.subject.clone(), message.payload.len());
        let headers = message.headers.as_ref();
        let envelope = message::envelope(&reader.subjects, &subject, position, headers);
        let commit = envelope.and_then(|envelope| {
            let Envelope { stream, links } = &envelope;
            reader.heads.saw(stream, Step::new(position, *links));
            match reader.under_way.came_back(stream, links, position) {
                Some(ours) => Ok(Passing::from(ours)),
                None => {
                    let raw = envelope.with(position, message.payload)?;
                    Ok(Passing::stored(raw, &reader.upcasters))
                }
            }
        });
        match commit {
            Ok(commit) => self.batch.push((commit, bytes)),
            Err(error) => {
                tracing::error!(%error, "a commit in the log cannot be read");
                self.hand_on();
                reader.recent.clear();
                reader.hub.pass(position);
                reader.tail.send_replace(position);
            }
        }
        Ok(())
    }

    fn hand_on(&mut self) {
        let Some((last, _)) = self.batch.last() else { return };
        let reader = self.reader;
        let position = last.position();
        reader.saw(position);
        reader.recent.push(self.batch.iter().map(|(commit, bytes)| (commit, *bytes)));
        let commits: Vec<_> = self.batch.drain(..).map(|(commit, _)| commit).collect();
        reader.hub.publish(&commits);
        reader.tail.send_replace(position);
    }
}
