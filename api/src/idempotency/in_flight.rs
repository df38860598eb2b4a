use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::Fingerprint;

/// The keys whose first request is under way. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct InFlight(Arc<Mutex<HashMap<Fingerprint, watch::Sender<()>>>>);

/// The only request with its key, until it is dropped.
pub(crate) struct Place {
    key: Fingerprint,
    in_flight: InFlight,
}

impl InFlight {
    /// Waits until no other request with this key is under way.
    pub async fn enter(&self, key: Fingerprint) -> Place {
        loop {
            let mut ended = match self.0.lock().entry(key) {
                Entry::Occupied(other) => other.get().subscribe(),
                Entry::Vacant(free) => {
                    free.insert(watch::Sender::new(()));
                    return Place { key, in_flight: self.clone() };
                }
            };
            // An error is the sender's end, which is what we wait for.
            let _ = ended.changed().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.in_flight.0.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_and_all_in_the_end() {
        let in_flight = InFlight::default();
        let first = in_flight.enter([1; 32]).await;
        let _other_key = in_flight.enter([2; 32]).await;
        let inside = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let waiting: Vec<_> = (0..8)
            .map(|_| {
                let (in_flight, inside) = (in_flight.clone(), inside.clone());
                tokio::spawn(async move {
                    let _place = in_flight.enter([1; 32]).await;
                    assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    tokio::task::yield_now().await;
                    inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                })
            })
            .collect();
        drop(first);
        for task in waiting {
            task.await.unwrap();
        }
        assert_eq!(in_flight.0.lock().len(), 1);
    }
}
