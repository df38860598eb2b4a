//! The log's face: [`EventLog`] over the writer and the readers.

use std::sync::Arc;

use async_trait::async_trait;
use theazo_domain::{CommitId, StreamId};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::answer::Answer;
use super::checkpoint::{self, Signals};
use super::job::Job;
use super::reader::Reader;
use super::scopes::Scopes;
use super::writer::{Writer, last_position};
use super::{SqliteOptions, connect, publish, schema};
use crate::codec::encode;
use crate::{
    AppendError, Appended, Commit, Draft, EventLog, Filter, Glance, Hash, Hub, LogError, Position,
    RawCommit, Recent, Subscription, Watch, follow, watch,
};

/// Batches that may wait for the publisher.
const SETTLED: usize = 8;

/// The log in one SQLite file. One process has it open at a time.
///
/// Dropped without [`EventLog::close`], it still finishes what is queued, as long as the runtime
/// lives.
pub struct SqliteLog {
    jobs: mpsc::Sender<Job>,
    reader: Reader,
    hub: Arc<Hub>,
    subscriber_buffer: usize,
    closing: CancellationToken,
    /// The writer and the publisher, until they are joined.
    tasks: Mutex<Vec<JoinHandle<()>>>,
    _checkpointer: AbortOnDropHandle<()>,
}

impl SqliteLog {
    /// Opens the log, or makes it.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] says what is wrong with the file or its folder.
    pub async fn open(options: SqliteOptions) -> Result<Arc<Self>, LogError> {
        let mut conn = connect::writer(&options).await?;
        schema::prepare(&mut conn).await?;
        let scopes = Arc::new(Scopes::default());
        scopes.load(&mut conn).await?;
        let read = |e| connect::unavailable("the log's end cannot be read", &e);
        let last = last_position(&mut conn).await.map_err(read)?;

        let recent = Arc::new(Recent::new(options.recent));
        let hub = Hub::new(last);
        let signals = Arc::new(Signals::default());
        let closing = CancellationToken::new();
        let reader = Reader {
            pool: connect::readers(&options).await?,
            scopes: Arc::clone(&scopes),
            recent: Arc::clone(&recent),
            upcasters: Arc::new(options.upcasters.clone()),
        };
        let (jobs, queue) = mpsc::channel(options.queue.max(1));
        let (settled, batches) = mpsc::channel(SETTLED);
        let writer =
            Writer::new(options.clone(), conn, last, scopes, settled, Arc::clone(&signals));
        let tasks = vec![
            tokio::spawn(writer.run(queue, closing.clone())),
            tokio::spawn(publish::run(batches, recent, Arc::clone(&hub))),
        ];
        let subscriber_buffer = options.subscriber_buffer;
        let checkpointer = tokio::spawn(checkpoint::run(options, signals));
        Ok(Arc::new(Self {
            jobs,
            reader,
            hub,
            subscriber_buffer,
            closing,
            tasks: Mutex::new(tasks),
            _checkpointer: AbortOnDropHandle::new(checkpointer),
        }))
    }

    /// The live fan-out, for those who need no past.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    async fn enqueue(&self, expected: Position, draft: Draft) -> Result<Answer, AppendError> {
        let closed = || LogError::Unavailable("it is closed".to_owned());
        // Here and not in the writer: callers run in parallel.
        let body: Arc<str> = encode(&draft)
            .map_err(|e| LogError::Unavailable(format!("a commit is not JSON: {e}")))?
            .into();
        let content = Hash::content(body.as_bytes());
        let (answer, answered) = oneshot::channel();
        let job = Job { expected, draft, body, content, answer };
        self.jobs.send(job).await.map_err(|_| closed())?;
        answered.await.map_err(|_| AppendError::Unknown("the writer stopped".to_owned()))
    }

    /// The commit that an append repeats.
    async fn repeated(&self, position: Position) -> Result<Appended, AppendError> {
        match self.reader.at(position).await {
            Ok(Some(commit)) => Ok(Appended { commit, duplicate: true }),
            // It is durable, so the caller must not take it for undone.
            Ok(None) => Err(AppendError::Unknown(format!("no commit is at {position}"))),
            Err(error) => Err(AppendError::Unknown(error.to_string())),
        }
    }
}

#[async_trait]
impl EventLog for SqliteLog {
    async fn append(&self, expected: Position, draft: Draft) -> Result<Appended, AppendError> {
        match self.enqueue(expected, draft).await? {
            Answer::Written(commit) => Ok(Appended { commit, duplicate: false }),
            Answer::Repeated(commit) => Ok(Appended { commit, duplicate: true }),
            Answer::Stored(position) => self.repeated(position).await,
            Answer::Conflict(actual) => Err(AppendError::Conflict { actual }),
            Answer::NotWritten(error) => Err(AppendError::Log(error)),
            Answer::Unknown(reason) => Err(AppendError::Unknown(reason)),
        }
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Position,
    ) -> Result<Vec<Arc<Commit>>, LogError> {
        self.reader.read(&Filter::stream(stream.clone()), after, usize::MAX).await
    }

    async fn find(&self, stream: &StreamId, id: CommitId) -> Result<Option<Arc<Commit>>, LogError> {
        self.reader.find(stream, id).await
    }

    async fn read(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Arc<Commit>>, LogError> {
        self.reader.read(filter, after, limit).await
    }

    async fn read_raw(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RawCommit>, LogError> {
        self.reader.read_raw(filter, after, limit).await
    }

    async fn head(&self) -> Result<Position, LogError> {
        Ok(self.hub.head())
    }

    fn subscribe(&self, filter: Filter, after: Position) -> Subscription {
        let hub = Arc::clone(&self.hub);
        follow(self.reader.clone(), hub, filter, after, self.subscriber_buffer)
    }

    fn watch(&self, filter: Filter, glance: Option<Glance>, after: Position) -> Watch {
        let (reader, hub) = (self.reader.clone(), Arc::clone(&self.hub));
        watch(reader, hub, (filter, glance), after, self.subscriber_buffer)
    }

    async fn close(&self) {
        self.closing.cancel();
        let mut tasks = self.tasks.lock().await;
        for task in tasks.drain(..) {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the log did not end by itself");
            }
        }
        self.reader.pool.close().await;
    }
}
