//! What reads need: shared by the log, its appends, the tail, and every subscription.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::jetstream::stream::Info;
use serde_json::json;
use theazo_domain::{CommitId, StreamId};
use theazo_log::{
    Commit, Filter, Hub, Kinds, LogError, Page, Passing, Past, Position, RawCommit, Recent,
    Upcasters,
};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::heads::{Heads, Known, Step};
use crate::link::Link;
use crate::message::HEADERS;
use crate::subjects::Subjects;
use crate::under_way::UnderWay;

/// Bytes of stored bodies after which a page ends early.
const PAGE_BYTES: usize = 16 << 20;
/// How long a read waits for the tail to come to what is in the log already.
const TAIL_LAG: Duration = Duration::from_millis(100);

pub(crate) struct Reader {
    pub(crate) link: Arc<Link>,
    /// The JetStream stream's name.
    pub(crate) name: String,
    pub(crate) subjects: Subjects,
    pub(crate) replicas: usize,
    /// The server has batch direct get.
    pub(crate) batch: bool,
    /// Commits of a stream that are read one by one.
    pub(crate) direct: usize,
    pub(crate) patience: Duration,
    pub(crate) upcasters: Arc<Upcasters>,
    pub(crate) heads: Heads,
    pub(crate) under_way: UnderWay,
    pub(crate) recent: Recent,
    pub(crate) hub: Arc<Hub>,
    /// The last commit that is known to be durable.
    pub(crate) durable: AtomicU64,
    /// Where the tail is.
    pub(crate) tail: watch::Sender<Position>,
}

impl Reader {
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    /// Whether the server takes a commit with a body of so many bytes.
    pub(crate) fn fits(&self, body: usize) -> Result<(), LogError> {
        let (bytes, max) = (body + HEADERS, self.link.client.max_payload());
        match bytes > max {
            true => Err(LogError::Unavailable(format!(
                "a commit of {bytes} bytes is larger than the NATS server takes ({max}); \
                 raise max_payload in server.conf"
            ))),
            false => Ok(()),
        }
    }

    /// A commit at `position` is durable.
    pub(crate) fn saw(&self, position: Position) {
        self.durable.fetch_max(position.0, Ordering::AcqRel);
    }

    /// The log's last position, never before what is known to be durable.
    pub(crate) async fn head(&self, deadline: Instant) -> Result<Position, LogError> {
        let durable = self.durable.load(Ordering::Acquire);
        Ok(self.head_of_leader(deadline).await?.max(Position(durable)))
    }

    /// The last sequence, as the stream's leader says it.
    pub(crate) async fn head_of_leader(&self, deadline: Instant) -> Result<Position, LogError> {
        let name = format!("STREAM.INFO.{}", self.name);
        let info = self.link.api::<Info>(&name, &json!({}), deadline).await?;
        let info = info.map_err(|e| LogError::Unavailable(e.to_string()))?;
        Ok(Position(info.state.last_sequence))
    }

    /// What is known of `stream` after a look: everything that was durable before it.
    pub(crate) async fn refresh(
        &self,
        stream: &StreamId,
        id: CommitId,
        before: Option<Known>,
    ) -> Result<Known, LogError> {
        let mut known = before.unwrap_or_default();
        let news = self.stream(stream, known.revision).await?;
        match before {
            None => self.heads.learn(stream, news.iter().map(Step::from)),
            Some(_) => news.iter().for_each(|raw| self.heads.saw(stream, raw.into())),
        }
        if let Some(last) = news.last() {
            (known.revision, known.hash) = (last.position, last.hash);
        }
        let found = news.iter().find(|raw| raw.id == id).map(|raw| raw.position);
        known.found = known.found.or(found);
        Ok(known)
    }

    pub(crate) async fn find(
        &self,
        stream: &StreamId,
        id: CommitId,
    ) -> Result<Option<Arc<Commit>>, LogError> {
        let mut known = self.heads.look(stream, id);
        if known.is_none_or(|known| known.found.is_none()) {
            known = Some(self.refresh(stream, id, known).await?);
        }
        match known.and_then(|known| known.found) {
            Some(position) => self.decoded_at(position).await.map(Some),
            None => Ok(None),
        }
    }

    /// The commit at `position`, where one is known to be.
    pub(crate) async fn decoded_at(&self, position: Position) -> Result<Arc<Commit>, LogError> {
        if let Some(commit) = self.recent.at(position) {
            return Ok(commit);
        }
        let gone = || LogError::Unavailable(format!("no commit is at {position} any more"));
        self.decode(&self.at(position).await?.ok_or_else(gone)?)
    }

    pub(crate) async fn read(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Arc<Commit>>, LogError> {
        let head = self.head(self.deadline()).await?;
        if self.subjects.filter(filter).is_none() || after >= head || limit == 0 {
            return Ok(Vec::new());
        }
        if self.recent.passed(filter, after, 0).is_some() {
            let mut tail = self.tail.subscribe();
            let there = timeout(TAIL_LAG, tail.wait_for(|tail| *tail >= head)).await;
            if let (Ok(Ok(_)), Some(commits)) = (there, self.recent.read(filter, after, limit)) {
                return Ok(commits);
            }
        }
        let raw = self.read_raw(filter, after, limit).await?;
        raw.iter().map(|raw| self.decode(raw)).collect()
    }

    pub(crate) async fn read_raw(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RawCommit>, LogError> {
        Ok(self.matching(filter, after, limit, usize::MAX).await?.0)
    }

    /// As [`Reader::scan`], what matches `filter`; none only when there is nothing more.
    async fn matching(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
        max_bytes: usize,
    ) -> Result<(Vec<RawCommit>, bool), LogError> {
        let Some(subject) = self.subjects.filter(filter).filter(|_| limit > 0) else {
            return Ok((Vec::new(), true));
        };
        if filter.kinds == Kinds::ALL || filter.kinds.single().is_some() {
            return self.scan(&subject, after, limit, max_bytes).await;
        }
        let (mut after, mut matching, mut bytes) = (after, Vec::new(), 0);
        loop {
            let left = limit - matching.len();
            let (raw, end) = self.scan(&subject, after, left, max_bytes).await?;
            after = raw.last().map_or(after, |last| last.position);
            let wanted = raw.into_iter().filter(|raw| filter.matches_stream(&raw.stream));
            matching.extend(wanted.inspect(|raw| bytes += raw.body.len()));
            let full = matching.len() >= limit || bytes >= max_bytes;
            if end || full {
                return Ok((matching, end));
            }
        }
    }

    pub(crate) fn decode(&self, raw: &RawCommit) -> Result<Arc<Commit>, LogError> {
        raw.decode(&self.upcasters).map(Arc::new)
    }
}

/// The past that subscriptions begin with.
#[derive(Clone)]
pub(crate) struct History(pub(crate) Arc<Reader>);

impl Past for History {
    async fn page(&self, filter: &Filter, after: Position, limit: usize) -> Result<Page, LogError> {
        let Self(reader) = self;
        if let Some(commits) = reader.recent.passed(filter, after, limit) {
            return Ok(Page { end: commits.len() < limit, commits });
        }
        let (raw, end) = reader.matching(filter, after, limit, PAGE_BYTES).await?;
        let passing = |raw| Passing::stored(raw, &reader.upcasters);
        Ok(Page { commits: raw.into_iter().map(passing).collect(), end })
    }
}
