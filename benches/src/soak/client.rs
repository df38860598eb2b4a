//! A client that does not give up while the server is killed under it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::Value;
use tokio::sync::watch;

use crate::http::Connection;
use crate::server::TEST_KEY;

/// A server is back by then.
const PATIENCE: Duration = Duration::from_secs(120);
const AGAIN: Duration = Duration::from_millis(50);

/// Cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<watch::Sender<SocketAddr>>);

/// An answer that is not about the server being away.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Answer {
    pub fn ok(self) -> anyhow::Result<Value> {
        ensure!(self.status.is_success(), "answered {}: {}", self.status, self.body);
        Ok(self.body)
    }
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self(Arc::new(watch::Sender::new(address)))
    }

    /// The server is elsewhere now.
    pub fn moved(&self, address: SocketAddr) {
        self.0.send_replace(address);
    }

    pub async fn connect(&self) -> anyhow::Result<Connection> {
        let address = *self.0.borrow();
        Connection::open(address, TEST_KEY).await
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.until_answered(Method::GET, path, &[], Bytes::new()).await
    }

    /// Sent again with the same `key` until it is answered, it is done once.
    pub async fn post(&self, key: &str, path: &str, body: &Value) -> anyhow::Result<Answer> {
        let body = Bytes::from(serde_json::to_vec(body)?);
        self.until_answered(Method::POST, path, &[("idempotency-key", key)], body).await
    }

    async fn until_answered(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let sent = async {
                let mut connection = self.connect().await?;
                connection.exchange(method.clone(), path, headers, body.clone()).await
            };
            let why = match sent.await {
                // Being restarted, or the first of two at once is still at work.
                Ok((StatusCode::SERVICE_UNAVAILABLE, body)) => {
                    format!("unavailable: {}", String::from_utf8_lossy(&body))
                }
                Ok((StatusCode::CONFLICT, body)) if is_still_processed(&body) => {
                    "the same request is still being processed".to_owned()
                }
                Ok((status, body)) => {
                    let body = serde_json::from_slice(&body).unwrap_or_default();
                    return Ok(Answer { status, body });
                }
                Err(error) => error.to_string(),
            };
            if Instant::now() > deadline {
                bail!("{method} {path} is not answered: {why}");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

fn is_still_processed(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).contains("still being processed")
}
