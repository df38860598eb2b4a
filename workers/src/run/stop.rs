//! What can stop a run that is under way. The dispatcher, which hears every commit in order, tells
//! each run.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Why a run is to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// At the next step: its agent is to be paused.
    Pause,
    /// At the next step, and soon: this worker stops.
    Shutdown,
    /// At once: somebody cancelled the task.
    Cancel { reason: String },
    /// At once: its agent has ended or is about to.
    AgentEnded,
    /// At once: its time is over.
    Timeout { seconds: u32 },
    /// At once: another attempt has the task. Nothing more is to be said about it.
    Overtaken,
}

impl Stop {
    /// Whether it ends also what is in flight.
    pub const fn is_hard(&self) -> bool {
        !matches!(self, Stop::Pause | Stop::Shutdown)
    }

    /// Of two, the one that counts.
    const fn rank(&self) -> u8 {
        match self {
            Stop::Pause => 0,
            Stop::Shutdown => 1,
            Stop::Timeout { .. } => 2,
            Stop::Cancel { .. } => 3,
            Stop::AgentEnded => 4,
            Stop::Overtaken => 5,
        }
    }
}

/// Tells a run to stop. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Stopper(watch::Sender<Option<Stop>>);

impl Default for Stopper {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Stopper {
    /// A stop that counts more than one that was told before takes its place.
    pub fn stop(&self, stop: Stop) {
        self.0.send_if_modified(|now| {
            let counts = now.as_ref().is_none_or(|now| now.rank() < stop.rank());
            if counts {
                *now = Some(stop);
            }
            counts
        });
    }

    /// The agent is not paused after all.
    pub fn unpause(&self) {
        self.0.send_if_modified(|now| {
            let paused = *now == Some(Stop::Pause);
            if paused {
                *now = None;
            }
            paused
        });
    }

    pub fn signal(&self, deadline: Instant, seconds: u32) -> Signal {
        Signal { told: self.0.subscribe(), deadline, seconds }
    }
}

/// A run's ear.
pub(crate) struct Signal {
    told: watch::Receiver<Option<Stop>>,
    deadline: Instant,
    seconds: u32,
}

impl Signal {
    /// Whether to stop now, between two steps.
    pub fn now(&self) -> Option<Stop> {
        let told = self.told.borrow().clone();
        match told {
            Some(stop) if stop.is_hard() => Some(stop),
            told if Instant::now() < self.deadline => told,
            _ => Some(Stop::Timeout { seconds: self.seconds }),
        }
    }

    /// What is left of the run's time.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Waits for a stop that ends what is in flight.
    pub async fn hard(&mut self) -> Stop {
        let told = self.told.wait_for(|stop| stop.as_ref().is_some_and(Stop::is_hard));
        tokio::select! {
            told = told => match told {
                Ok(stop) => stop.clone().unwrap_or(Stop::Overtaken),
                // The dispatcher is gone, and with it whoever could fence this run.
                Err(_) => Stop::Overtaken,
            },
            () = tokio::time::sleep_until(self.deadline) => {
                Stop::Timeout { seconds: self.seconds }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_stop_that_counts_more_wins() {
        let stopper = Stopper::default();
        let mut signal = stopper.signal(Instant::now() + Duration::from_secs(9), 9);
        assert_eq!(signal.now(), None);
        stopper.stop(Stop::Pause);
        assert_eq!(signal.now(), Some(Stop::Pause));
        stopper.unpause();
        assert_eq!(signal.now(), None);
        stopper.stop(Stop::Cancel { reason: "enough".to_owned() });
        stopper.stop(Stop::Pause);
        stopper.unpause();
        assert_eq!(signal.hard().await, Stop::Cancel { reason: "enough".to_owned() });
    }

    #[tokio::test(start_paused = true)]
    async fn time_runs_out_by_itself() {
        let stopper = Stopper::default();
        let mut signal = stopper.signal(Instant::now() + Duration::from_secs(9), 9);
        assert_eq!(signal.hard().await, Stop::Timeout { seconds: 9 });
        assert_eq!(signal.now(), Some(Stop::Timeout { seconds: 9 }));
        assert_eq!(signal.left(), Duration::ZERO);
    }
}
