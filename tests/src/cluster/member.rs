//! One process of a cluster, and its way to NATS.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::link::{Link, Way};
use crate::client::Address;
use crate::server::Process;

pub(crate) struct Member {
    pub process: Process,
    pub link: Link,
    /// Where it listens; of its last life while it is in none.
    pub address: Address,
    /// Whether this life of it has got as far as listening.
    pub is_up: bool,
    /// Whether it is to be started again when it has ended.
    pub is_wanted: bool,
    /// Since when the others cannot hear it.
    away: Option<Instant>,
    /// The longest time that they could not.
    pub longest_away: Duration,
}

impl Member {
    pub fn new(process: Process, link: Link) -> Self {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
        Self {
            process,
            link,
            address: Arc::new(Mutex::new(nowhere)),
            is_up: false,
            is_wanted: true,
            away: None,
            longest_away: Duration::ZERO,
        }
    }

    pub fn name(&self) -> &'static str {
        self.process.name
    }

    pub fn kill9(&mut self) {
        self.leaves();
        (self.is_wanted, self.is_up) = (false, false);
        self.process.kill9();
    }

    pub fn freeze(&mut self) {
        if self.process.runs() {
            self.leaves();
            self.process.signal(Signal::SIGSTOP);
        }
    }

    pub fn thaw(&mut self) {
        if self.process.runs() {
            self.process.signal(Signal::SIGCONT);
            self.is_back();
        }
    }

    pub fn turn(&mut self, way: Way) {
        self.link.turn(way);
        match way {
            Way::Open => self.is_back(),
            Way::Silent | Way::Closed => self.leaves(),
        }
    }

    /// Takes note that it listens, when it does.
    pub fn look(&mut self) {
        if !self.is_up
            && self.process.runs()
            && let Some(address) = self.process.listens_at()
        {
            *self.address.lock().unwrap() = address;
            self.is_up = true;
            self.is_back();
        }
    }

    fn leaves(&mut self) {
        self.away.get_or_insert_with(Instant::now);
    }

    fn is_back(&mut self) {
        if let Some(since) = self.away.take() {
            self.longest_away = self.longest_away.max(since.elapsed());
        }
    }
}
