//! The log's face: [`EventLog`] over the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use theazo_domain::{CommitId, StreamId};
use theazo_log::{
    AppendError, Appended, Commit, Draft, EventLog, Filter, Glance, Hub, LogError, Position,
    RawCommit, Recent, Subscription, Watch, follow, watch,
};
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::append::Append;
use crate::connect::{Nats, NatsError};
use crate::definition;
use crate::durability::Durability;
use crate::heads::{Heads, Step};
use crate::reader::{History, Reader};
use crate::subjects::Subjects;
use crate::under_way::UnderWay;
use crate::{JetStreamOptions, tail};

/// How long closing waits until subscribers have been given what was appended.
const LAST_COMMITS: Duration = Duration::from_secs(2);

/// The log in one JetStream stream, open in as many processes as you like.
pub struct JetStreamLog {
    reader: Arc<Reader>,
    subscriber_buffer: usize,
    ack_wait: Duration,
    durability: Durability,
    closing: CancellationToken,
    appends: TaskTracker,
    tailing: CancellationToken,
    tail: Mutex<Option<AbortOnDropHandle<()>>>,
}

impl JetStreamLog {
    /// Opens the log, or makes it.
    ///
    /// # Errors
    /// When the server is one that no log may be on, has no JetStream, or has a stream of this name
    /// that is not defined as the log needs it.
    pub async fn open(nats: &Nats, options: JetStreamOptions) -> Result<Arc<Self>, NatsError> {
        let version = nats.version()?;
        if let Some(reason) = version.refused() {
            return Err(NatsError::Server(reason));
        }
        let subjects = Subjects::new(&options.prefix);
        let head = definition::prepare(&nats.0, &options, &subjects).await?;
        let durability = Durability::of(options.replicas, options.assume_synced);
        for warning in &durability.warnings {
            tracing::warn!("{warning}");
        }
        let reader = Arc::new(Reader {
            link: Arc::clone(&nats.0),
            name: options.stream,
            subjects,
            replicas: options.replicas,
            batch: version.has_batch_get(),
            direct: options.direct,
            patience: options.patience,
            upcasters: Arc::new(options.upcasters),
            heads: Heads::new(options.ids),
            under_way: UnderWay::new(),
            recent: Recent::new(options.recent),
            hub: Hub::new(head),
            durable: AtomicU64::new(head.0),
            tail: watch::Sender::new(head),
        });
        let tailing = CancellationToken::new();
        let tail = tokio::spawn(tail::run(Arc::clone(&reader), tailing.clone()));
        Ok(Arc::new(Self {
            reader,
            subscriber_buffer: options.subscriber_buffer,
            ack_wait: options.ack_wait,
            durability,
            closing: CancellationToken::new(),
            appends: TaskTracker::new(),
            tailing,
            tail: Mutex::new(Some(AbortOnDropHandle::new(tail))),
        }))
    }

    /// How safe an acknowledged commit is.
    pub fn durability(&self) -> &Durability {
        &self.durability
    }

    /// The live fan-out, for those who need no past.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.reader.hub
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    pub(crate) fn ack_wait(&self) -> Duration {
        self.ack_wait
    }

    fn open_still(&self) -> Result<(), LogError> {
        match self.closing.is_cancelled() {
            true => Err(LogError::Unavailable("it is closed".to_owned())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl EventLog for JetStreamLog {
    async fn append(&self, expected: Position, draft: Draft) -> Result<Appended, AppendError> {
        // First, so that closing either waits for it or is seen.
        let _under_way = self.appends.token();
        self.open_still()?;
        Append::new(&self.reader, self.ack_wait, expected, draft)?.run().await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Position,
    ) -> Result<Vec<Arc<Commit>>, LogError> {
        self.open_still()?;
        let raw = self.reader.stream(stream, after).await?;
        if after == Position::START {
            self.reader.heads.learn(stream, raw.iter().map(Step::from));
        }
        raw.iter().map(|raw| self.reader.decode(raw)).collect()
    }

    async fn find(&self, stream: &StreamId, id: CommitId) -> Result<Option<Arc<Commit>>, LogError> {
        self.open_still()?;
        self.reader.find(stream, id).await
    }

    async fn read(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Arc<Commit>>, LogError> {
        self.open_still()?;
        self.reader.read(filter, after, limit).await
    }

    async fn read_raw(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RawCommit>, LogError> {
        self.open_still()?;
        self.reader.read_raw(filter, after, limit).await
    }

    async fn head(&self) -> Result<Position, LogError> {
        self.open_still()?;
        self.reader.head(self.reader.deadline()).await
    }

    fn subscribe(&self, filter: Filter, after: Position) -> Subscription {
        let (past, hub) = (History(Arc::clone(&self.reader)), Arc::clone(&self.reader.hub));
        follow(past, hub, filter, after, self.subscriber_buffer)
    }

    fn watch(&self, filter: Filter, glance: Option<Glance>, after: Position) -> Watch {
        let (past, hub) = (History(Arc::clone(&self.reader)), Arc::clone(&self.reader.hub));
        watch(past, hub, (filter, glance), after, self.subscriber_buffer)
    }

    async fn close(&self) {
        self.closing.cancel();
        self.appends.close();
        self.appends.wait().await;
        let Some(tail) = self.tail.lock().await.take() else { return };
        let durable = Position(self.reader.durable.load(Ordering::Acquire));
        let mut reached = self.reader.tail.subscribe();
        if timeout(LAST_COMMITS, reached.wait_for(|tail| *tail >= durable)).await.is_err() {
            tracing::warn!("closed before subscribers were given the last commits");
        }
        self.tailing.cancel();
        if let Err(error) = tail.await {
            tracing::error!(%error, "the tail of the log did not end by itself");
        }
        self.reader.hub.close();
    }
}

impl Drop for JetStreamLog {
    fn drop(&mut self) {
        self.reader.hub.close();
    }
}
