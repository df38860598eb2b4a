//! One at a time on a snapshot: whoever takes, imports or removes it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use theazo_domain::SnapshotId;
use tokio::sync::OwnedMutexGuard;

#[derive(Debug, Default)]
pub struct Making(Mutex<HashMap<SnapshotId, Arc<tokio::sync::Mutex<()>>>>);

/// Holds a snapshot until it is dropped.
#[derive(Debug)]
pub struct Turn<'a> {
    making: &'a Making,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Making {
    pub async fn turn(&self, snapshot: SnapshotId) -> Turn<'_> {
        let lock = Arc::clone(self.0.lock().entry(snapshot).or_default());
        Turn { making: self, guard: Some(lock.lock_owned().await) }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut locks = self.making.0.lock();
        self.guard.take();
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn one_waits_for_the_other_and_nothing_is_left() {
        let making = Making::default();
        let id = |n| SnapshotId::from_uuid(Uuid::from_u128(n));
        let first = making.turn(id(1)).await;
        let mut second = Box::pin(making.turn(id(1)));
        assert!((&mut second).now_or_never().is_none());
        drop(making.turn(id(2)).await);
        drop(first);
        drop(second.await);
        assert!(making.0.lock().is_empty());
    }
}
