//! A sandbox's place in the provider, and what is in it.

use std::sync::Arc;

use parking_lot::Mutex;

use super::record::Record;
use super::sandbox::LiveSandbox;

/// What is in a slot.
#[derive(Clone, Default)]
pub enum Held {
    /// It is being made, or has been destroyed.
    #[default]
    Nothing,
    /// The files of a sandbox whose processes have ended: to be adopted, or destroyed.
    Left(Arc<Record>),
    Live(Arc<LiveSandbox>),
}

/// One sandbox's place: while `gate` is held it is being made, paused, resumed or destroyed.
#[derive(Default)]
pub struct Slot {
    pub gate: tokio::sync::Mutex<()>,
    held: Mutex<Held>,
}

impl Slot {
    pub fn of(held: Held) -> Self {
        Self { gate: tokio::sync::Mutex::default(), held: Mutex::new(held) }
    }

    pub fn held(&self) -> Held {
        self.held.lock().clone()
    }

    pub fn hold(&self, held: Held) {
        *self.held.lock() = held;
    }

    pub fn live(&self) -> Option<Arc<LiveSandbox>> {
        match &*self.held.lock() {
            Held::Live(live) => Some(Arc::clone(live)),
            Held::Nothing | Held::Left(_) => None,
        }
    }

    /// The record of what is there, live or not.
    pub fn record(&self) -> Option<Arc<Record>> {
        match &*self.held.lock() {
            Held::Nothing => None,
            Held::Left(record) => Some(Arc::clone(record)),
            Held::Live(live) => Some(Arc::clone(&live.record)),
        }
    }
}
