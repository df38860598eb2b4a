//! A bus that loses, repeats and delays messages, as chance has it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::bus::{Bus, BusError, Messages};

/// How many of a thousand messages something happens to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    pub lost: u64,
    pub repeated: u64,
    /// Other messages overtake it.
    pub delayed: u64,
}

/// One process's connection to a bus. Faults befall what is sent through it.
pub struct FaultyBus {
    bus: Arc<dyn Bus>,
    faults: Faults,
    chance: Mutex<u64>,
    cut: AtomicBool,
}

impl FaultyBus {
    pub fn new(bus: Arc<dyn Bus>, faults: Faults, seed: u64) -> Arc<Self> {
        Arc::new(Self { bus, faults, chance: Mutex::new(seed), cut: AtomicBool::new(false) })
    }

    /// Loses everything from now on, as a process does that is gone.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    /// Whether something happens that happens to `per_mille` of a thousand (splitmix64).
    fn happens(&self, per_mille: u64) -> bool {
        let mut state = self.chance.lock();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % 1_000 < per_mille
    }

    fn loses(&self) -> bool {
        self.cut.load(Ordering::SeqCst) || self.happens(self.faults.lost)
    }
}

#[async_trait]
impl Bus for FaultyBus {
    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), BusError> {
        if self.loses() {
            return Ok(());
        }
        if self.happens(self.faults.delayed) {
            let (bus, subject, payload) = (self.bus.clone(), subject.to_owned(), payload.clone());
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                bus.publish(&subject, payload).await
            });
            return Ok(());
        }
        if self.happens(self.faults.repeated) {
            self.bus.publish(subject, payload.clone()).await?;
        }
        self.bus.publish(subject, payload).await
    }

    async fn subscribe(&self, subject: &str) -> Result<Messages, BusError> {
        self.bus.subscribe(subject).await
    }

    async fn request(
        &self,
        subject: &str,
        payload: Bytes,
        patience: Duration,
    ) -> Result<Bytes, BusError> {
        if self.loses() {
            // The time that passes meanwhile shows nothing.
            return Err(BusError::Timeout(subject.to_owned()));
        }
        self.bus.request(subject, payload, patience).await
    }

    fn connected_since(&self) -> Option<Instant> {
        self.bus.connected_since()
    }
}
