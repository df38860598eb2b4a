//! Between what blocks (files, tar, compression) and what does not (the streams of the contract).
//!
//! At most [`AHEAD`] chunks are under way, so that a slow side slows the other down.

use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::ArchiveError;
use crate::contract::{ProviderError, Result, SnapshotData};

const AHEAD: usize = 4;
const CHUNK: usize = 256 << 10;

/// Streams what `work` writes on a thread of its own; then, whatever came of it, `after` runs. Work
/// whose stream is dropped fails at its next write. Only a stream that ends without an error is
/// whole.
pub fn send(
    work: impl FnOnce(&mut Outlet) -> Result<()> + Send + 'static,
    after: impl Future<Output = Result<()>> + Send + 'static,
) -> SnapshotData {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let mut outlet = Outlet { sender: sender.clone(), chunk: Vec::new() };
    tokio::spawn(async move {
        let worked = tokio::task::spawn_blocking(move || work(&mut outlet)).await;
        let worked = worked.unwrap_or_else(|error| {
            tracing::error!(%error, "exporting a snapshot");
            Err(ProviderError::failed("the provider failed to export the snapshot"))
        });
        if let Err(error) = after.await {
            tracing::warn!(%error, "after the export of a snapshot");
        }
        if let Err(error) = worked {
            // Whoever wanted it may have gone.
            let _ = sender.send(Err(error)).await;
        }
    });
    let next = |mut receiver: mpsc::Receiver<_>| async {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    };
    futures::stream::unfold(receiver, next).boxed()
}

/// Where an export is written to.
pub struct Outlet {
    sender: mpsc::Sender<Result<Bytes>>,
    chunk: Vec<u8>,
}

impl Write for Outlet {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.chunk.is_empty() {
            self.chunk.reserve_exact(CHUNK);
        }
        let length = data.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&data[..length]);
        if self.chunk.len() == CHUNK {
            self.flush()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::take(&mut self.chunk));
        let sent = self.sender.blocking_send(Ok(chunk));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

/// Hands a stream to `work`, which reads it on a thread that may block. Work whose caller goes away
/// sees a stream that was cut short.
pub async fn receive<T, F>(mut data: SnapshotData, work: impl FnOnce(Feed) -> F) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(AHEAD);
    let mut working = tokio::spawn(work(Feed { receiver, failure: Arc::default() }));
    let pump = async move {
        while let Some(chunk) = data.next().await {
            let last = chunk.is_err();
            if sender.send(chunk).await.is_err() || last {
                break;
            }
        }
    };
    let done = tokio::select! {
        done = &mut working => done,
        () = pump => working.await,
    };
    done.unwrap_or_else(|error| {
        tracing::error!(%error, "importing a snapshot");
        Err(ProviderError::failed("the provider failed to import the snapshot"))
    })
}

/// What comes in of an import.
pub struct Feed {
    receiver: mpsc::Receiver<Result<Bytes>>,
    failure: Arc<Mutex<Option<ProviderError>>>,
}

impl Feed {
    /// Reads it with `work`. Blocks. A failure of the stream itself comes before what it led to.
    pub fn read<T>(
        self,
        work: impl FnOnce(FeedReader) -> std::result::Result<T, ArchiveError>,
    ) -> std::result::Result<T, ArchiveError> {
        let failure = Arc::clone(&self.failure);
        let done = work(FeedReader { feed: self, chunk: Bytes::new() });
        match failure.lock().take() {
            Some(error) => Err(ArchiveError::Source(error)),
            None => done,
        }
    }
}

pub struct FeedReader {
    feed: Feed,
    chunk: Bytes,
}

impl Read for FeedReader {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.feed.receiver.blocking_recv() {
                None => return Ok(0),
                Some(Ok(chunk)) => self.chunk = chunk,
                Some(Err(error)) => {
                    *self.feed.failure.lock() = Some(error);
                    return Err(io::Error::other("the stream failed"));
                }
            }
        }
        let length = self.chunk.len().min(to.len());
        self.chunk.copy_to_slice(&mut to[..length]);
        Ok(length)
    }
}
