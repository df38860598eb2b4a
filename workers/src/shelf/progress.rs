use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use theazo_commands::vault::ByteStream;
use theazo_domain::SnapshotId;
use tokio::time::Instant;

use super::ShelfError;

/// How often it is said in the trace how far a snapshot is.
const TELL: Duration = Duration::from_secs(10);
/// How long no byte of it may move. A part that is on its way takes less.
const STALLED: Duration = Duration::from_secs(120);
/// However large it is.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// How much of a snapshot has moved.
#[derive(Default)]
pub(super) struct Progress(Arc<AtomicU64>);

impl Progress {
    pub fn count<E: Send + 'static>(
        &self,
        data: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> ByteStream<E> {
        let moved = self.0.clone();
        data.inspect_ok(move |bytes| {
            moved.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        })
        .boxed()
    }

    /// `work`, for as long as it comes on.
    pub async fn watch<T>(
        &self,
        id: SnapshotId,
        work: impl Future<Output = Result<T, ShelfError>>,
    ) -> Result<T, ShelfError> {
        let mut work = pin!(work);
        let begun = Instant::now();
        let (mut before, mut since) = (0, begun);
        loop {
            if let Ok(done) = tokio::time::timeout(TELL, work.as_mut()).await {
                return done;
            }
            let moved = self.0.load(Ordering::Relaxed);
            tracing::info!(snapshot = %id, bytes = moved, "a snapshot is on its way");
            if moved != before {
                (before, since) = (moved, Instant::now());
            }
            if since.elapsed() >= STALLED {
                return Err(ShelfError::Stalled(STALLED));
            }
            if begun.elapsed() >= LONGEST {
                return Err(ShelfError::Slow(LONGEST));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> SnapshotId {
        SnapshotId::from_uuid(uuid::Uuid::from_u128(1))
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_move_is_given_up() {
        let progress = Progress::default();
        let stuck = progress.watch(id(), std::future::pending::<Result<(), _>>()).await;
        assert!(matches!(stuck, Err(ShelfError::Stalled(_))), "{stuck:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_moves_slowly_has_its_time_and_no_more() {
        let drip = |pieces: u32| {
            futures::stream::unfold(0, move |n| async move {
                tokio::time::sleep(Duration::from_secs(60)).await;
                (n < pieces).then(|| (Ok::<_, ShelfError>(Bytes::from_static(b"x")), n + 1))
            })
        };
        let all = async |pieces| {
            let progress = Progress::default();
            let data = progress.count(drip(pieces));
            progress.watch(id(), data.try_for_each(|_| async { Ok(()) })).await
        };
        assert!(all(20).await.is_ok());
        let slow = all(100).await;
        assert!(matches!(slow, Err(ShelfError::Slow(_))), "{slow:?}");
    }
}
