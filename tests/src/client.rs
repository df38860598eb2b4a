use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HOST};
use serde_json::Value;

use crate::{Answer, on_cluster};

/// Longer than any request may take (an exec has 120 s).
const PATIENCE: Duration = Duration::from_secs(150);

/// How long the read models of a busy machine may be behind.
const CATCH_UP: Duration = Duration::from_secs(60);
const POSITION: &str = "X-Theazo-Position";
const MIN_POSITION: &str = "X-Theazo-Min-Position";

/// Where a server listens; it moves when the server is started again.
pub(crate) type Address = Arc<Mutex<SocketAddr>>;

fn http(patience: Duration) -> reqwest::Client {
    let http = reqwest::Client::builder().timeout(patience).no_proxy();
    http.redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// Speaks the API with one key. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    addresses: Arc<[Address]>,
    /// Counts requests: each goes to another one of several addresses.
    turn: Arc<AtomicUsize>,
    /// The last position that it was told of, for whoever asks one process and then another one.
    seen: Option<Arc<AtomicU64>>,
    key: Option<String>,
}

impl Client {
    pub(crate) fn new(address: Address, key: Option<&str>) -> Self {
        let seen = on_cluster().then(Arc::default);
        Self { seen, ..Self::of_several(vec![address], key) }
    }

    /// Of processes that are all as good.
    pub(crate) fn of_several(addresses: Vec<Address>, key: Option<&str>) -> Self {
        let turn = Arc::default();
        let (addresses, key) = (addresses.into(), key.map(str::to_owned));
        Self { http: http(PATIENCE), addresses, turn, seen: Some(Arc::default()), key }
    }

    /// The same, that waits no longer than this for an answer.
    pub fn patient_for(&self, patience: Duration) -> Self {
        Self { http: http(patience), ..self.clone() }
    }

    /// The same, with another key or none.
    pub fn with_key(&self, key: Option<&str>) -> Self {
        Self { key: key.map(str::to_owned), ..self.clone() }
    }

    /// The same, with a memory of its own for what it was told.
    pub fn alone(&self) -> Self {
        Self { seen: self.seen.as_ref().map(|_| Arc::default()), ..self.clone() }
    }

    /// Whether its key is a test key.
    pub fn is_test(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.starts_with("th_test_"))
    }

    /// Where it asks next.
    pub fn address(&self) -> SocketAddr {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        *self.addresses[turn % self.addresses.len()].lock().unwrap()
    }

    pub fn call(&self, method: Method, path: impl Into<String>) -> Call {
        Call {
            client: self.clone(),
            method,
            path: path.into(),
            headers: Vec::new(),
            body: None,
            foreign: false,
        }
    }

    pub fn get(&self, path: impl Into<String>) -> Call {
        self.call(Method::GET, path)
    }

    pub fn post(&self, path: impl Into<String>, body: Value) -> Call {
        self.call(Method::POST, path).json(body)
    }

    pub fn patch(&self, path: impl Into<String>, body: Value) -> Call {
        self.call(Method::PATCH, path).json(body)
    }

    pub fn delete(&self, path: impl Into<String>) -> Call {
        self.call(Method::DELETE, path)
    }

    pub fn put(&self, path: impl Into<String>, data: impl Into<Bytes>) -> Call {
        self.call(Method::PUT, path).raw(data, "application/octet-stream")
    }
}

/// A request that is sent when it is awaited.
#[derive(Debug, Clone)]
pub struct Call {
    client: Client,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Bytes>,
    foreign: bool,
}

impl Call {
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn json(self, body: Value) -> Self {
        self.raw(body.to_string(), "application/json")
    }

    pub fn raw(mut self, body: impl Into<Bytes>, content_type: &str) -> Self {
        self.body = Some(body.into());
        self.header(CONTENT_TYPE.as_str(), content_type)
    }

    /// With an `Idempotency-Key`.
    pub fn once(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    /// To a host name of its own: what an agent exposes.
    pub fn host(self, host: &str) -> Self {
        self.header(HOST.as_str(), host).foreign()
    }

    /// The answer is a program's in a sandbox: the API's conventions do not hold for it.
    pub fn foreign(self) -> Self {
        Self { foreign: true, ..self }
    }

    /// `POST /v1/sessions`, for messages.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Sends it; an error means that no whole answer came back.
    pub async fn send(self) -> Result<Answer, reqwest::Error> {
        let request = self.name();
        let (head, foreign) = (self.method == Method::HEAD, self.foreign);
        let seen = self.client.seen.clone();
        let response = self.open().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let answer = Answer { request, status, headers, body: response.bytes().await? };
        let position = answer.header(POSITION).map(|text| text.parse().unwrap());
        if let (Some(seen), Some(position)) = (seen, position) {
            seen.fetch_max(position, Ordering::Relaxed);
        }
        if !foreign && let Some(wrong) = answer.break_of_convention(head) {
            panic!("{}: {wrong}: {}", answer.request, answer.brief());
        }
        Ok(answer)
    }

    /// Sends it as the SDK would: a read waits until it can see what this client has written.
    async fn send_as_sdk(self) -> Result<Answer, reqwest::Error> {
        let reads = self.method == Method::GET && !self.foreign && self.client.seen.is_some();
        // Whoever talks to several processes breaks them too, and says how long to insist.
        if !reads || self.client.addresses.len() > 1 {
            return self.send().await;
        }
        let deadline = Instant::now() + CATCH_UP;
        loop {
            let answer = self.clone().send().await?;
            let is_behind = answer.status == 503 && answer.brief().contains(MIN_POSITION);
            if !is_behind || Instant::now() > deadline {
                return Ok(answer);
            }
        }
    }

    /// Sends it, and leaves the answer's body to be read as it comes.
    pub async fn open(self) -> Result<reqwest::Response, reqwest::Error> {
        let url = format!("http://{}{}", self.client.address(), self.path);
        let mut builder = self.client.http.request(self.method.clone(), url);
        if let Some(key) = &self.client.key {
            builder = builder.bearer_auth(key);
        }
        let asks = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(MIN_POSITION));
        // Of one process only reads need to; of several, a command has to know what another wrote.
        let needs = self.method == Method::GET || self.client.addresses.len() > 1;
        if let Some(seen) = self.client.seen.as_ref().filter(|_| needs && !asks && !self.foreign) {
            builder = builder.header(MIN_POSITION, seen.load(Ordering::Relaxed));
        }
        for (name, value) in self.headers {
            builder = builder.header(name, value);
        }
        if let Some(body) = self.body {
            builder = builder.body(body);
        }
        builder.send().await
    }
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let request = self.name();
            self.send_as_sdk().await.unwrap_or_else(|e| panic!("{request}: no answer: {e:?}"))
        })
    }
}
