//! A load generator that costs little: keep-alive HTTP/1.1 connections, one request at a time each.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    key: String,
}

impl Connection {
    pub async fn open(address: SocketAddr, key: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, key: format!("Bearer {key}") })
    }

    /// Sends one request and reads its whole answer.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> anyhow::Result<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("authorization", &self.key)
            .header("content-type", "application/json")
            .body(Full::new(body.unwrap_or_default()))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            bail!("{path} answered {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(body)
    }

    pub async fn post(&mut self, path: &str, body: Value) -> anyhow::Result<Value> {
        let body = Bytes::from(serde_json::to_vec(&body)?);
        Ok(serde_json::from_slice(&self.send(Method::POST, path, Some(body)).await?)?)
    }
}

/// What one load came to.
pub struct Load {
    pub per_second: f64,
    pub latencies: crate::stats::Latencies,
}

/// Posts `body` on `connections` connections for `time`.
pub async fn load(
    (address, key): (SocketAddr, &str),
    connections: usize,
    time: Duration,
    path: &'static str,
    body: Bytes,
) -> anyhow::Result<Load> {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(address, key).await?);
    }
    let start = Instant::now();
    let tasks: Vec<_> = open
        .into_iter()
        .map(|mut connection| {
            let body = body.clone();
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while start.elapsed() < time {
                    let sent = Instant::now();
                    connection.send(Method::POST, path, Some(body.clone())).await?;
                    latencies.push(sent.elapsed());
                }
                anyhow::Ok(latencies)
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.context("a connection broke off")??);
    }
    let per_second = all.len() as f64 / start.elapsed().as_secs_f64();
    Ok(Load { per_second, latencies: crate::stats::Latencies::new(all) })
}
