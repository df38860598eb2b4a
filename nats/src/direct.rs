//! Single messages, and all of one stream, without a consumer.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::RawMessage;
use async_nats::{HeaderMap, Message, StatusCode};
use bytes::Bytes;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use theazo_domain::StreamId;
use theazo_log::{LogError, Position, RawCommit};
use tokio::time::{Instant, sleep, timeout};

use crate::message;
use crate::reader::Reader;

/// Messages in one batch.
const BATCH: usize = 256;
/// How long the server may be silent in the middle of a batch.
const SILENCE: Duration = Duration::from_secs(3);
/// What ends a batch.
const END_OF_BATCH: u16 = 204;

#[derive(Deserialize)]
struct Got {
    message: RawMessage,
}

impl Reader {
    /// The commit at `position`.
    pub(crate) async fn at(&self, position: Position) -> Result<Option<RawCommit>, LogError> {
        let deadline = self.deadline();
        loop {
            let found = self.get("", &json!({ "seq": position.0 }), deadline).await?;
            // A server that has not caught up yet, when there are several.
            let behind = found.is_none() && self.replicas > 1 && Instant::now() < deadline;
            if !behind {
                return Ok(found);
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// The commits of `stream` after `after`, in order.
    pub(crate) async fn stream(
        &self,
        stream: &StreamId,
        after: Position,
    ) -> Result<Vec<RawCommit>, LogError> {
        let subject = self.subjects.stream(stream);
        let deadline = self.deadline();
        let mut commits = Vec::new();
        loop {
            self.forward(&subject, after, &mut commits, deadline).await?;
            // One server of several may be behind: only their leader knows that there is no more.
            let end = commits.last().map_or(after, |last: &RawCommit| last.position);
            match self.beyond(&subject, end, deadline).await? {
                Some(missed) => commits.push(missed),
                None => return Ok(commits),
            }
        }
    }

    /// What the leader has after `after`, when there are several servers.
    pub(crate) async fn beyond(
        &self,
        subject: &str,
        after: Position,
        deadline: Instant,
    ) -> Result<Option<RawCommit>, LogError> {
        let Some(from) = after.0.checked_add(1).filter(|_| self.replicas > 1) else {
            return Ok(None);
        };
        let name = format!("STREAM.MSG.GET.{}", self.name);
        let question = json!({ "seq": from, "next_by_subj": subject });
        let got = match self.link.api::<Got>(&name, &question, deadline).await? {
            Ok(got) => got.message,
            Err(error) if error.error_code() == ErrorCode::NO_MESSAGE_FOUND => return Ok(None),
            Err(error) => return Err(LogError::Unavailable(error.to_string())),
        };
        let position = Position(got.sequence);
        let read: StreamMessage =
            got.try_into().map_err(|e| LogError::Corrupt { position, reason: format!("{e}") })?;
        let StreamMessage { subject, headers, payload, .. } = read;
        message::parse(&self.subjects, &subject, position, Some(&headers), payload).map(Some)
    }

    /// Adds what one server has after what is in `commits`, else after `after`.
    async fn forward(
        &self,
        subject: &str,
        after: Position,
        commits: &mut Vec<RawCommit>,
        deadline: Instant,
    ) -> Result<(), LogError> {
        let mut cursor = commits.last().map_or(after, |last| last.position);
        let last = self.get(&format!(".{subject}"), &Value::Null, deadline).await?;
        let Some(last) = last.filter(|last| last.position > cursor) else { return Ok(()) };
        let mut steps = 0;
        while last.previous > cursor {
            if steps == self.direct && !self.batch {
                let (rest, _) = self.scan(subject, cursor, usize::MAX, usize::MAX).await?;
                commits.extend(rest);
                return Ok(());
            }
            let from = json!({ "seq": cursor.0 + 1, "next_by_subj": subject });
            let got = match self.batch {
                true => self.batch(subject, cursor, deadline).await?,
                false => self.get("", &from, deadline).await?.into_iter().collect(),
            };
            let Some(end) = got.last() else { return Ok(()) };
            cursor = end.position;
            commits.extend(got);
            steps += 1;
        }
        if last.position > cursor {
            commits.push(last);
        }
        Ok(())
    }

    /// One message, from any server that has the stream.
    async fn get(
        &self,
        which: &str,
        question: &impl Serialize,
        deadline: Instant,
    ) -> Result<Option<RawCommit>, LogError> {
        let subject = format!("$JS.API.DIRECT.GET.{}{which}", self.name);
        let payload = match which {
            "" => written(question)?,
            _ => Bytes::new(),
        };
        let answer = self.link.ask_again(&subject, payload, deadline).await?;
        match answer.status {
            None => self.stored(answer).map(Some),
            Some(StatusCode::NOT_FOUND) => Ok(None),
            Some(status) => Err(refused(status, answer.description.as_deref())),
        }
    }

    /// Some commits after `after` in one answer; empty when there are none.
    async fn batch(
        &self,
        subject: &str,
        after: Position,
        deadline: Instant,
    ) -> Result<Vec<RawCommit>, LogError> {
        let question =
            written(&json!({ "seq": after.0 + 1, "next_by_subj": subject, "batch": BATCH }))?;
        loop {
            self.link.connected(deadline).await.map_err(|e| LogError::Unavailable(e.reason()))?;
            match self.one_batch(question.clone()).await? {
                Some(commits) => return Ok(commits),
                None if Instant::now() >= deadline => {
                    return Err(LogError::Unavailable("a read was not answered".to_owned()));
                }
                None => sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// `None` when it did not come whole.
    async fn one_batch(&self, question: Bytes) -> Result<Option<Vec<RawCommit>>, LogError> {
        let client = &self.link.client;
        let closed = |e: String| LogError::Unavailable(e);
        let inbox = client.new_inbox();
        let mut answers =
            client.subscribe(inbox.clone()).await.map_err(|e| closed(e.to_string()))?;
        let subject = format!("$JS.API.DIRECT.GET.{}", self.name);
        let sent = client.publish_with_reply(subject, inbox, question).await;
        sent.map_err(|e| closed(e.to_string()))?;
        let mut commits = Vec::new();
        loop {
            let Ok(Some(answer)) = timeout(SILENCE, answers.next()).await else { return Ok(None) };
            match answer.status {
                None => commits.push(self.stored(answer)?),
                Some(StatusCode::NOT_FOUND) => return Ok(Some(commits)),
                Some(StatusCode::NO_RESPONDERS) => return Ok(None),
                Some(status) if status.as_u16() == END_OF_BATCH => return Ok(Some(commits)),
                Some(status) => return Err(refused(status, answer.description.as_deref())),
            }
        }
    }

    /// The commit in the answer to a direct get.
    fn stored(&self, answer: Message) -> Result<RawCommit, LogError> {
        let header = |name: &str| answer.headers.as_ref()?.get(name).map(|value| value.as_str());
        let position = header("Nats-Sequence").and_then(|text| text.parse().ok()).map(Position);
        let (Some(position), Some(subject)) = (position, header("Nats-Subject")) else {
            return Err(LogError::Unavailable("a read was answered without a place".to_owned()));
        };
        let headers: Option<&HeaderMap> = answer.headers.as_ref();
        message::parse(&self.subjects, subject, position, headers, answer.payload.clone())
    }
}

fn written(question: &impl Serialize) -> Result<Bytes, LogError> {
    let unwritten = |e| LogError::Unavailable(format!("a question cannot be written: {e}"));
    serde_json::to_vec(question).map(Bytes::from).map_err(unwritten)
}

fn refused(status: StatusCode, description: Option<&str>) -> LogError {
    let description = description.unwrap_or("no reason given");
    LogError::Unavailable(format!("the server refused a read: {status} {description}"))
}
