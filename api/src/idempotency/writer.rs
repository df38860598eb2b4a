use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::{Fingerprint, IdempotencyError, StoredAnswer};

/// Answers that one transaction writes.
const BATCH: usize = 64;
const QUEUE: usize = 1_024;

/// Puts that wait for the writing of the ones before become one batch.
pub(super) struct Writer(mpsc::Sender<Put>);

pub(super) struct Put {
    pub key: Fingerprint,
    pub answer: StoredAnswer,
    done: oneshot::Sender<Result<(), IdempotencyError>>,
}

/// Where batches are written.
#[async_trait]
pub(super) trait Sink: Send + Sync + 'static {
    async fn insert(&self, batch: &[Put]) -> Result<(), sqlx::Error>;
}

impl Writer {
    /// Writes until this is dropped.
    pub fn start(sink: impl Sink) -> Self {
        let (queue, puts) = mpsc::channel(QUEUE);
        tokio::spawn(write(sink, puts));
        Self(queue)
    }

    /// Returns when it is written.
    pub async fn put(
        &self,
        key: Fingerprint,
        answer: StoredAnswer,
    ) -> Result<(), IdempotencyError> {
        let gone = || IdempotencyError::Unavailable("its writer has ended".to_owned());
        let (done, written) = oneshot::channel();
        self.0.send(Put { key, answer, done }).await.map_err(|_| gone())?;
        written.await.map_err(|_| gone())?
    }
}

/// Writes what has queued up in one transaction, until the last sender is gone.
async fn write(sink: impl Sink, mut puts: mpsc::Receiver<Put>) {
    let mut batch = Vec::with_capacity(BATCH);
    while puts.recv_many(&mut batch, BATCH).await > 0 {
        let result = sink.insert(&batch).await.map_err(IdempotencyError::from);
        for put in batch.drain(..) {
            // Who waited may have gone away.
            let _ = put.done.send(result.clone());
        }
    }
}
