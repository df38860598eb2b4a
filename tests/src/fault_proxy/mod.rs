//! A proxy between a client and the server that breaks what passes, by a seed: what a client meets
//! on a bad day, many times a second. It knows where a request and an answer end, so that "the
//! server did it, and the client was never told" is exactly that.
//!
//! ```no_run
//! # async fn example() {
//! use theazo_tests::fault_proxy::{Fault, FaultProxy};
//! use theazo_tests::{Chance, Server};
//!
//! let server = Server::start().await;
//! let proxy = FaultProxy::start(server.live().address(), Chance::of(7));
//! // … a client that calls `proxy.url()` …
//! assert!(proxy.happened(Fault::AnswerDropped) > 0);
//! # }
//! ```
//!
//! A request that is sent again and again gets through at last: no more than [`IN_A_ROW`] attempts
//! are broken one after the other, so a client with more retries than that always gets an answer.

mod deliver;
mod fault;
mod message;
mod plan;
mod serve;
mod stream;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::Chance;

pub use fault::Fault;
pub use plan::IN_A_ROW;

use plan::Plan;
use serve::Door;

/// The proxy, in a thread of its own: it is there in whatever runtime a test has, and while a test
/// waits for a client's process to end. Dropping it ends it and its connections.
pub struct FaultProxy {
    address: SocketAddr,
    plan: Arc<Plan>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// Between whoever calls [`Self::url`] and `target`.
    pub fn start(target: SocketAddr, chance: Chance) -> Self {
        Self::with(target, Plan::of(chance))
    }

    /// Does nothing but this to whatever it can be done to.
    pub fn only(target: SocketAddr, fault: Fault, chance: Chance) -> Self {
        Self::with(target, Plan::only(fault, chance))
    }

    fn with(target: SocketAddr, plan: Plan) -> Self {
        let plan = Arc::new(plan);
        let (stop, stopped) = oneshot::channel();
        let (told, address) = std::sync::mpsc::channel();
        let shared = plan.clone();
        let serve = async move {
            let door = Door::open().unwrap();
            told.send(door.address()).unwrap();
            tokio::select! {
                () = door.serve(target, shared) => {}
                _ = stopped => {}
            }
        };
        let thread = std::thread::Builder::new().name("fault-proxy".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            // Connections are its tasks: they end with it.
            runtime.unwrap().block_on(serve);
        });
        let address = address.recv().unwrap();
        Self { address, plan, stop: Some(stop), thread: Some(thread.unwrap()) }
    }

    /// `http://127.0.0.1:PORT`: for `THEAZO_BASE_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests have come.
    pub fn requests(&self) -> usize {
        self.plan.requests()
    }

    /// How often this was done.
    pub fn happened(&self, fault: Fault) -> usize {
        self.happenings().get(&fault).copied().unwrap_or_default()
    }

    /// How often each was done.
    pub fn happenings(&self) -> BTreeMap<Fault, usize> {
        self.plan.happenings()
    }

    /// Fails when there is a fault that never was: then nothing is proved of it.
    #[track_caller]
    pub fn must_have_done_everything(&self) {
        let never: Vec<&Fault> =
            Fault::ALL.iter().filter(|fault| self.happened(**fault) == 0).collect();
        assert!(never.is_empty(), "never happened: {never:?} of {:?}", self.happenings());
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
