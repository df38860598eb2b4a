//! A Stripe on the loopback, in place of `api.stripe.com`: meter events, their adjustments, and the
//! sums of a meter.
//!
//! It keeps to what Stripe documents of them: a meter event's identifier is unique for 24 hours, its
//! time is at most 35 days ago or 5 minutes ahead, its value is a whole number of at most 15 digits,
//! one call at a time is made for each customer and meter, and an `Idempotency-Key` is answered as
//! it was the first time. The official `stripe` package is held against it.
//!
//! What a test does to it: [`StripeServer::fail_next`] answers otherwise, [`StripeServer::hold`]
//! keeps a call before or after it has taken effect, so that its caller can be killed there.

mod answer;
mod book;
mod serve;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::Router;
use tokio::sync::oneshot;

pub use book::MeterEvent;
pub use serve::{Failing, Hold};

use serve::{Shared, handle};

/// It lives in a thread of its own, so it is there while the server under test is killed and
/// started again.
pub struct StripeServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StripeServer {
    /// The key that it takes.
    pub const KEY: &'static str = "sk_test_51LoopbackKeyOfTheTests";
    /// The id of its meter.
    pub const METER: &'static str = "mtr_test_61LoopbackMeter";

    /// With one meter, whose events have this name, and no customers.
    pub fn start(event_name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::new(event_name));
        let (stop, stopped) = oneshot::channel();
        let router = Router::new().fallback(handle).with_state(shared.clone());
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            tokio::select! {
                served = axum::serve(listener, router) => served.unwrap(),
                _ = stopped => {}
            }
        };
        let thread = std::thread::Builder::new().name("stripe".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(serve);
        });
        Self { address, shared, stop: Some(stop), thread: Some(thread.unwrap()) }
    }

    /// `http://127.0.0.1:PORT`: for `STRIPE_BASE_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes a customer.
    pub fn customer(&self, id: &str) {
        self.shared.book().customers.insert(id.to_owned());
    }

    /// An event that somebody else tells it of, now.
    pub fn add(&self, identifier: &str, customer: &str, value: i128) {
        let mut book = self.shared.book();
        let (identifier, customer) = (identifier.to_owned(), customer.to_owned());
        let (timestamp, created) = (book.now(), book.now());
        let cancelled = false;
        book.events.push(MeterEvent { identifier, customer, value, timestamp, created, cancelled });
    }

    /// The meter events that count, in the order in which they came.
    pub fn events(&self) -> Vec<MeterEvent> {
        self.shared.book().events.iter().filter(|event| !event.cancelled).cloned().collect()
    }

    /// What each customer's events come to.
    pub fn totals(&self) -> BTreeMap<String, i128> {
        let mut totals = BTreeMap::new();
        for event in self.events() {
            *totals.entry(event.customer).or_default() += event.value;
        }
        totals
    }

    /// How many calls there were of meter events, of whatever outcome.
    pub fn calls(&self) -> u64 {
        self.shared.book().calls
    }

    /// What was wrong with how it was called, besides what it answered with an error.
    pub fn violations(&self) -> Vec<String> {
        self.shared.book().violations.clone()
    }

    /// Answers the next meter events so, one after the other.
    pub fn fail_next(&self, answers: impl IntoIterator<Item = Failing>) {
        self.shared.failing().extend(answers);
    }

    /// Keeps the `call`th meter event from now on (from 0): see [`Hold`].
    pub fn hold(&self, call: u64, hold: Hold) {
        self.shared.hold(call, hold);
    }

    /// Waits until a call is kept, and gives how many there were.
    pub async fn held(&self) {
        self.shared.held().await;
    }

    /// Lets go what is kept.
    pub fn release(&self) {
        self.shared.release();
    }

    /// Lets its clock run ahead by so many seconds.
    pub fn pass_time(&self, seconds: i64) {
        self.shared.book().ahead += seconds;
    }
}

impl Drop for StripeServer {
    fn drop(&mut self) {
        self.release();
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
