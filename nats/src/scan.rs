//! Many messages of many streams: a consumer for one read, gone after it.

use std::time::Duration;

use async_nats::Subscriber;
use bytes::Bytes;
use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use theazo_log::{LogError, Position, RawCommit};
use tokio::time::{Instant, sleep, timeout};

use crate::message::{self, Delivered};
use crate::reader::Reader;

/// Messages asked for at first, and at most, at a time.
const FIRST_CHUNK: usize = 128;
const MAX_CHUNK: usize = 2_048;
/// Bytes that a chunk should come to, by the size of the messages before it.
const CHUNK_BYTES: usize = 4 << 20;
/// How long the server may be silent while it has something to give.
const SILENCE: Duration = Duration::from_secs(3);
/// After which the server removes a consumer that nobody asks.
const UNUSED: Duration = Duration::from_secs(30);

/// A consumer, as the server tells of it.
#[derive(Deserialize)]
pub(crate) struct Made {
    pub(crate) num_pending: u64,
}

/// What has been read so far.
struct Scanned {
    commits: Vec<RawCommit>,
    bytes: usize,
    cursor: Position,
}

impl Scanned {
    fn add(&mut self, raw: RawCommit) {
        self.bytes += raw.body.len();
        self.cursor = raw.position;
        self.commits.push(raw);
    }
}

impl Reader {
    /// At most `limit` commits on `subject` after `after`, fewer when they come to `max_bytes`; and
    /// whether there was nothing more.
    pub(crate) async fn scan(
        &self,
        subject: &str,
        after: Position,
        limit: usize,
        max_bytes: usize,
    ) -> Result<(Vec<RawCommit>, bool), LogError> {
        let mut scanned = Scanned { commits: Vec::new(), bytes: 0, cursor: after };
        let mut deadline = self.deadline();
        loop {
            let before = scanned.cursor;
            let pulled = self.pull_all(subject, &mut scanned, limit, max_bytes, deadline).await;
            if scanned.cursor > before {
                deadline = self.deadline();
            }
            match pulled {
                Ok(true) => match self.beyond(subject, scanned.cursor, deadline).await? {
                    Some(missed) => scanned.add(missed),
                    None => return Ok((scanned.commits, true)),
                },
                Ok(false) => return Ok((scanned.commits, false)),
                Err(LogError::Unavailable(_)) if Instant::now() < deadline => {
                    sleep(Duration::from_millis(20)).await;
                }
                Err(error) => return Err(error),
            }
            if scanned.commits.len() >= limit || scanned.bytes >= max_bytes {
                return Ok((scanned.commits, false));
            }
        }
    }

    /// With a consumer of its own. Answers whether it came to the end.
    async fn pull_all(
        &self,
        subject: &str,
        scanned: &mut Scanned,
        limit: usize,
        max_bytes: usize,
        deadline: Instant,
    ) -> Result<bool, LogError> {
        let Some(from) = scanned.cursor.0.checked_add(1) else { return Ok(true) };
        let name = self.consumer_name();
        let config = json!({
            "name": name,
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": from,
            "ack_policy": "none",
            "replay_policy": "instant",
            "filter_subject": subject,
            "inactive_threshold": nanos(UNUSED),
            "mem_storage": true,
            "num_replicas": 1,
        });
        let made = self.consumer(&format!("{name}.{subject}"), config, deadline).await?;
        let there = usize::try_from(made.num_pending).unwrap_or(usize::MAX);
        let wanted = there.min(limit - scanned.commits.len());
        let pulled = match wanted {
            0 => Ok(()),
            _ => self.pull(&name, scanned, wanted, max_bytes).await,
        };
        self.remove_consumer(&name).await;
        pulled?;
        Ok(wanted == there && scanned.bytes < max_bytes)
    }

    async fn pull(
        &self,
        consumer: &str,
        scanned: &mut Scanned,
        wanted: usize,
        max_bytes: usize,
    ) -> Result<(), LogError> {
        let client = &self.link.client;
        let closed = |e: String| LogError::Unavailable(e);
        let inbox = client.new_inbox();
        let mut messages =
            client.subscribe(inbox.clone()).await.map_err(|e| closed(e.to_string()))?;
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{}.{consumer}", self.name);
        let goal = scanned.commits.len() + wanted;
        let mut got = (0, 0);
        while scanned.commits.len() < goal && scanned.bytes < max_bytes {
            let chunk = chunk(got).min(goal - scanned.commits.len());
            let question = json!({ "batch": chunk, "expires": nanos(SILENCE) }).to_string();
            let asked =
                client.publish_with_reply(subject.clone(), inbox.clone(), Bytes::from(question));
            asked.await.map_err(|e| closed(e.to_string()))?;
            let before = (scanned.commits.len(), scanned.bytes);
            self.receive(&mut messages, scanned, chunk).await?;
            got = (scanned.commits.len() - before.0, scanned.bytes - before.1);
        }
        Ok(())
    }

    async fn receive(
        &self,
        messages: &mut Subscriber,
        scanned: &mut Scanned,
        count: usize,
    ) -> Result<(), LogError> {
        let failed = |reason: &str| LogError::Unavailable(format!("a read stopped: {reason}"));
        for _ in 0..count {
            let message = timeout(SILENCE, messages.next())
                .await
                .map_err(|_| failed("the server was silent"))?
                .ok_or_else(|| failed("the connection is closed"))?;
            if let Some(status) = message.status {
                let description = message.description.unwrap_or_default();
                return Err(failed(&format!("{status} {description}")));
            }
            let place = message.reply.as_ref().and_then(|reply| Delivered::parse(reply));
            let Delivered { position, .. } =
                place.ok_or_else(|| failed("a message came without its place"))?;
            let subject = message.subject.clone();
            let headers = message.headers.as_ref();
            let raw = message::parse(&self.subjects, &subject, position, headers, message.payload)?;
            scanned.add(raw);
        }
        Ok(())
    }

    /// A name that nobody else gives a consumer.
    pub(crate) fn consumer_name(&self) -> String {
        let inbox = self.link.client.new_inbox();
        format!("theazo-{}", inbox.rsplit('.').next().unwrap_or_default())
    }

    /// Makes a consumer; `path` is its name, and its filter when it has one.
    pub(crate) async fn consumer(
        &self,
        path: &str,
        config: Value,
        deadline: Instant,
    ) -> Result<Made, LogError> {
        let question = json!({ "stream_name": self.name, "config": config });
        let name = format!("CONSUMER.CREATE.{}.{path}", self.name);
        let made = self.link.api::<Made>(&name, &question, deadline).await?;
        made.map_err(|e| LogError::Unavailable(format!("a consumer cannot be made: {e}")))
    }

    /// Removes a consumer sooner than the server would by itself.
    pub(crate) async fn remove_consumer(&self, name: &str) {
        let subject = format!("$JS.API.CONSUMER.DELETE.{}.{name}", self.name);
        if let Err(failed) = self.link.ask(&subject, None, Bytes::new(), SILENCE).await {
            let reason = failed.reason();
            tracing::debug!(name, reason, "a consumer is left for the server to remove");
        }
    }
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// How many messages to ask for, by what the last chunk was in messages and bytes.
fn chunk((messages, bytes): (usize, usize)) -> usize {
    match CHUNK_BYTES.checked_div(bytes / messages.max(1)) {
        _ if messages == 0 => FIRST_CHUNK,
        fitting => fitting.unwrap_or(MAX_CHUNK).clamp(1, MAX_CHUNK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_follow_the_size_of_messages() {
        assert_eq!(chunk((0, 0)), FIRST_CHUNK);
        assert_eq!(chunk((128, 128 * 300)), MAX_CHUNK);
        assert_eq!(chunk((128, 128 << 20)), 4);
        assert_eq!(chunk((1, 64 << 20)), 1);
    }
}
