//! One append: what is known of the stream, the publish, and what its outcome means.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use theazo_log::{AppendError, Appended, Draft, Hash, LogError, Position, encode};
use tokio::time::{Instant, sleep};

use crate::heads::{Known, Step};
use crate::message::{Links, Outgoing};
use crate::publish::{Published, publish};
use crate::reader::Reader;
use crate::under_way::Sent;

/// An append under way.
pub(crate) struct Append<'a> {
    reader: &'a Reader,
    ack_wait: Duration,
    expected: Position,
    draft: Arc<Draft>,
    body: Bytes,
    content: Hash,
}

/// The answer, or what is known by now, to go on with.
enum Outcome {
    Done(Result<Appended, AppendError>),
    Again(Known),
}

impl<'a> Append<'a> {
    /// # Errors
    /// When the commit can never be written.
    pub(crate) fn new(
        reader: &'a Reader,
        ack_wait: Duration,
        expected: Position,
        draft: Draft,
    ) -> Result<Self, LogError> {
        let body = encode(&draft)
            .map_err(|e| LogError::Unavailable(format!("a commit is not JSON: {e}")))?;
        reader.fits(body.len())?;
        let content = Hash::content(body.as_bytes());
        let (draft, body) = (Arc::new(draft), body.into());
        Ok(Self { reader, ack_wait, expected, draft, body, content })
    }

    pub(crate) async fn run(self) -> Result<Appended, AppendError> {
        let Draft { stream, id, .. } = &*self.draft;
        let deadline = self.reader.deadline();
        let mut known = self.reader.heads.look(stream, *id);
        // The server itself refuses a first commit where there is one already.
        if known.is_none() && self.expected > Position::START {
            known = Some(self.reader.refresh(stream, *id, None).await?);
        }
        if let Some(behind) = known.filter(|known| known.revision < self.expected) {
            known = Some(self.reader.refresh(stream, *id, Some(behind)).await?);
        }
        loop {
            if let Some(Known { revision, found, .. }) = known {
                if let Some(position) = found {
                    return self.stored(position, false).await;
                }
                if revision != self.expected {
                    return Err(AppendError::Conflict { actual: revision });
                }
            }
            match self.publish(known.unwrap_or_default()).await {
                Outcome::Done(answer) => return answer,
                Outcome::Again(news) if Instant::now() < deadline => known = Some(news),
                Outcome::Again(_) => {
                    return Err(AppendError::Log(LogError::Unavailable(
                        "the server refuses the stream's own revision".to_owned(),
                    )));
                }
            }
        }
    }

    /// Publishes after the commit that `known` ends with.
    async fn publish(&self, known: Known) -> Outcome {
        let Draft { stream, id, .. } = &*self.draft;
        let hash = Hash::link(known.hash, self.content);
        let links = Links { id: *id, previous: self.expected, previous_hash: known.hash, hash };
        let subject = self.reader.subjects.stream(stream);
        let message = Outgoing::new(subject, stream, links, self.body.clone());
        let sent = Sent::new(Arc::clone(&self.draft), links);
        self.reader.under_way.sent(&sent);
        let patience = self.reader.patience;
        let published = publish(&self.reader.link, &message, self.ack_wait, patience).await;
        if !matches!(published, Published::Written(_) | Published::Unknown(_)) {
            self.reader.under_way.forget(*id);
        }
        match published {
            Published::Written(position) => Outcome::Done(self.written(position, &sent)),
            Published::Duplicate { at, tried } => Outcome::Done(self.stored(at, tried).await),
            Published::Refused { tried } => self.refused(known, tried).await,
            Published::NotWritten(error) => Outcome::Done(Err(AppendError::Log(error))),
            Published::Unknown(reason) => Outcome::Done(Err(AppendError::Unknown(reason))),
        }
    }

    fn written(&self, position: Position, sent: &Sent) -> Result<Appended, AppendError> {
        if position <= self.expected {
            return Err(AppendError::Unknown(format!(
                "the server put it at {position}, after {}: it has lost what it had",
                self.expected
            )));
        }
        let commit = sent.at(position);
        self.reader.heads.wrote(&commit.stream, Step::from(&*commit));
        self.reader.saw(position);
        Ok(Appended { commit, duplicate: false })
    }

    /// The commit's id is at `position` already: by our own earlier try perhaps, when we `tried`.
    async fn stored(&self, position: Position, tried: bool) -> Result<Appended, AppendError> {
        // It is durable, so nothing that goes wrong from here on may say that it is not.
        let unknown = |e: LogError| AppendError::Unknown(e.to_string());
        let commit = self.reader.decoded_at(position).await.map_err(unknown)?;
        if commit.id != self.draft.id || commit.stream != self.draft.stream {
            return Err(AppendError::Unknown(format!("another commit is at {position}")));
        }
        self.reader.saw(position);
        self.reader.heads.saw(&commit.stream, Step::from(&*commit));
        let ours = tried && commit.hash == Hash::link(commit.previous_hash, self.content);
        Ok(Appended { commit, duplicate: !ours })
    }

    /// The stream is elsewhere than expected: by our own earlier try, or by another's commit.
    async fn refused(&self, known: Known, tried: bool) -> Outcome {
        let Draft { stream, id, .. } = &*self.draft;
        let cached = self.reader.heads.look(stream, *id);
        let before = cached.or(Some(known).filter(|known| known.revision > Position::START));
        let news = match self.reader.refresh(stream, *id, before).await {
            Ok(news) => news,
            Err(error) if tried => {
                return Outcome::Done(Err(AppendError::Unknown(error.to_string())));
            }
            Err(error) => return Outcome::Done(Err(AppendError::Log(error))),
        };
        if let Some(position) = news.found {
            return Outcome::Done(self.stored(position, tried).await);
        }
        if news.revision != self.expected {
            return Outcome::Done(Err(AppendError::Conflict { actual: news.revision }));
        }
        // What we know of the stream is not what the server has.
        self.reader.heads.forget(stream);
        sleep(Duration::from_millis(20)).await;
        match self.reader.refresh(stream, *id, None).await {
            Ok(news) => Outcome::Again(news),
            Err(error) => Outcome::Done(Err(AppendError::Log(error))),
        }
    }
}
