use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HOST};
use serde_json::Value;

use crate::Answer;

/// Longer than any request may take (an exec has 120 s).
const PATIENCE: Duration = Duration::from_secs(150);

/// Where a server listens; it moves when the server is started again.
pub(crate) type Address = Arc<Mutex<SocketAddr>>;

/// Speaks the API with one key. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    address: Address,
    key: Option<String>,
}

impl Client {
    pub(crate) fn new(address: Address, key: Option<&str>) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy();
        let http = http.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { http, address, key: key.map(str::to_owned) }
    }

    /// The same, with another key or none.
    pub fn with_key(&self, key: Option<&str>) -> Self {
        Self { key: key.map(str::to_owned), ..self.clone() }
    }

    /// Whether its key is a test key.
    pub fn is_test(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.starts_with("th_test_"))
    }

    pub fn address(&self) -> SocketAddr {
        *self.address.lock().unwrap()
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

    /// Sends it; an error means that no whole answer came back.
    pub async fn send(self) -> Result<Answer, reqwest::Error> {
        let request = format!("{} {}", self.method, self.path);
        let (head, foreign) = (self.method == Method::HEAD, self.foreign);
        let response = self.open().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let answer = Answer { request, status, headers, body: response.bytes().await? };
        if !foreign && let Some(wrong) = answer.break_of_convention(head) {
            panic!("{}: {wrong}: {}", answer.request, answer.brief());
        }
        Ok(answer)
    }

    /// Sends it, and leaves the answer's body to be read as it comes.
    pub async fn open(self) -> Result<reqwest::Response, reqwest::Error> {
        let url = format!("http://{}{}", self.client.address(), self.path);
        let mut builder = self.client.http.request(self.method, url);
        if let Some(key) = &self.client.key {
            builder = builder.bearer_auth(key);
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
            let request = format!("{} {}", self.method, self.path);
            self.send().await.unwrap_or_else(|e| panic!("{request}: no answer: {e:?}"))
        })
    }
}
