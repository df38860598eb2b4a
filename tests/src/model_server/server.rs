use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::panic::Location;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::sync::oneshot;

use super::capture::Captured;
use super::script::{Allow, Script, holds};
use super::serve::{Shared, handle};

/// How long [`ModelServer::until`] waits before it fails the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A scripted model server on a port of its own. It lives in a thread of its own, so it is there
/// while the server under test is killed and started again, and in whatever runtime a test has.
///
/// Dropping it stops it, and fails the test when a request was not well formed.
pub struct ModelServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ModelServer {
    /// Listens on a free port of the loopback, with no script.
    pub async fn start() -> Self {
        Self::start_now()
    }

    /// As [`Self::start`], where there is no runtime.
    pub fn start_now() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let (stop, stopped) = oneshot::channel();
        let router = Router::new().fallback(handle).with_state(shared.clone());
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
            tokio::select! {
                served = axum::serve(listener, router) => served.unwrap(),
                _ = stopped => {}
            }
        };
        let thread = std::thread::Builder::new().name("model-server".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            // Connections are its tasks: they end with it.
            runtime.unwrap().block_on(serve);
        });
        Self { address, shared, stop: Some(stop), thread: Some(thread.unwrap()) }
    }

    /// `http://127.0.0.1:PORT`: for `ANTHROPIC_BASE_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `http://127.0.0.1:PORT/v1`: for `OPENAI_BASE_URL`.
    pub fn openai_url(&self) -> String {
        format!("{}/v1", self.url())
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers whatever no other script answers.
    pub fn script(&self, script: Script) {
        self.shared.scripts.lock().unwrap().default = Some(Arc::new(script));
    }

    /// Answers conversations whose first user message has this marker as a word of its own; failing
    /// that, those that have it anywhere (a summary, say).
    pub fn script_for(&self, marker: &str, script: Script) {
        let mut scripts = self.shared.scripts.lock().unwrap();
        scripts.by_marker.retain(|(other, _)| other != marker);
        scripts.by_marker.push((marker.to_owned(), Arc::new(script)));
    }

    /// Answers calls of this model that no marker is for.
    pub fn script_model(&self, model: &str, script: Script) {
        let mut scripts = self.shared.scripts.lock().unwrap();
        scripts.by_model.retain(|(other, _)| other != model);
        scripts.by_model.push((model.to_owned(), Arc::new(script)));
    }

    /// Lets all clients do what is otherwise a violation.
    pub fn allow(&self, allow: Allow) {
        self.shared.allowed.lock().unwrap().push(allow);
    }

    /// What `GET /v1/models` lists.
    pub fn models(&self, names: &[&str]) {
        *self.shared.models.lock().unwrap() = names.iter().map(|name| (*name).to_owned()).collect();
    }

    /// Every request so far, in the order in which they came.
    pub fn requests(&self) -> Vec<Captured> {
        self.shared.requests.snapshot()
    }

    /// Every call of a model so far: [`Self::requests`] without those that only count tokens.
    pub fn calls(&self) -> Vec<Captured> {
        let mut requests = self.requests();
        requests.retain(Captured::is_model_call);
        requests
    }

    /// The calls of one conversation: those that a script with this marker answered, or whose first
    /// user message has it.
    pub fn calls_of(&self, marker: &str) -> Vec<Captured> {
        let mut requests = self.calls();
        requests.retain(|r| r.conversation == marker || holds(&r.first_user_text, marker));
        requests
    }

    /// How often each call was finished: answered to its last byte, with no error. Calls that ask
    /// the same (model, system prompt, conversation) are the same call, so conversations that are
    /// to be told apart need different words.
    pub fn finished(&self) -> BTreeMap<u64, usize> {
        let mut counts = BTreeMap::new();
        for request in self.calls() {
            let count: &mut usize = counts.entry(request.call).or_default();
            *count += usize::from(request.finished);
        }
        counts
    }

    /// Fails when a call was made again although it had been finished.
    #[track_caller]
    pub fn assert_no_finished_call_was_repeated(&self) {
        let mut done = BTreeMap::new();
        for (n, request) in self.calls().iter().enumerate() {
            if let Some(earlier) = done.get(&request.call) {
                panic!("call {n} asks again what call {earlier} had been told: {request:?}");
            }
            if request.finished {
                done.insert(request.call, n);
            }
        }
    }

    /// What was wrong with the requests since this was asked last. They count no more.
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.violations.lock().unwrap())
    }

    /// Fails when a request was not well formed.
    #[track_caller]
    pub fn assert_well_formed(&self) {
        let wrong = self.take_violations();
        assert!(wrong.is_empty(), "the model was called wrongly:\n  {}", wrong.join("\n  "));
    }

    /// Waits until the requests so far give something.
    #[track_caller]
    pub fn until<T>(
        &self,
        what: impl Into<String>,
        mut probe: impl FnMut(&[Captured]) -> Option<T>,
    ) -> impl Future<Output = T> {
        let (caller, what) = (Location::caller(), what.into());
        let mut changes = self.shared.requests.changes();
        async move {
            let deadline = tokio::time::Instant::now() + PATIENCE;
            loop {
                changes.mark_unchanged();
                let requests = self.requests();
                if let Some(found) = probe(&requests) {
                    return found;
                }
                let changed = tokio::time::timeout_at(deadline, changes.changed()).await;
                assert!(changed.is_ok(), "{caller}: not within {PATIENCE:?}: {what}: {requests:?}");
            }
        }
    }

    /// Waits until this conversation has so many requests, and gives them.
    #[track_caller]
    pub fn until_asked(&self, marker: &str, times: usize) -> impl Future<Output = Vec<Captured>> {
        self.until(format!("{times} requests of {marker}"), move |_| {
            let calls = self.calls_of(marker);
            (calls.len() >= times).then_some(calls)
        })
    }

    /// Waits until the client has left a request of this conversation before its answer's end.
    #[track_caller]
    pub fn until_abandoned(&self, marker: &str) -> impl Future<Output = Captured> {
        self.until(format!("a request of {marker} that the client left"), move |_| {
            self.calls_of(marker).into_iter().find(|request| request.abandoned)
        })
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if !std::thread::panicking() {
            self.assert_well_formed();
        }
    }
}
