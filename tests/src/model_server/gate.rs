//! Holding an answer back until the test says so.

use std::panic::Location;
use std::time::Duration;

use tokio::sync::watch;

/// How long [`Gate::arrived`] waits before it fails the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A place in an answer that is not passed before [`Self::open`]. A gate stays open once it is
/// open, so that an answer that is asked for again passes. Clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate {
    state: watch::Sender<State>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    arrivals: usize,
    open: bool,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self { state: watch::Sender::new(State::default()) }
    }

    /// Lets everything through, now and later.
    pub fn open(&self) {
        self.state.send_modify(|state| state.open = true);
    }

    /// Holds back what comes from now on.
    pub fn close(&self) {
        self.state.send_modify(|state| state.open = false);
    }

    /// How many answers have come to this gate.
    pub fn arrivals(&self) -> usize {
        self.state.borrow().arrivals
    }

    /// Waits until an answer has come to this gate; it is held there, unless the gate is open.
    #[track_caller]
    pub fn arrived(&self) -> impl Future<Output = ()> + use<> {
        self.arrived_times(1)
    }

    /// Waits until `times` answers have come to this gate since it was made.
    #[track_caller]
    pub fn arrived_times(&self, times: usize) -> impl Future<Output = ()> + use<> {
        let caller = Location::caller();
        let mut seen = self.state.subscribe();
        async move {
            let wait = seen.wait_for(|state| state.arrivals >= times);
            let came = tokio::time::timeout(PATIENCE, wait).await.is_ok();
            let arrivals = seen.borrow().arrivals;
            assert!(came, "{caller}: {arrivals} of {times} came to the gate within {PATIENCE:?}");
        }
    }

    /// The answer's side: says that it is here, and waits.
    pub(super) async fn pass(&self) {
        self.state.send_modify(|state| state.arrivals += 1);
        let mut seen = self.state.subscribe();
        // It cannot end before the gate does: `self` holds the sender.
        let _ = seen.wait_for(|state| state.open).await;
    }
}
