//! A load generator that costs little: keep-alive HTTP/1.1 connections, one request at a time each.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::stats::Latencies;

/// Where in the log a write ended up.
const POSITION: &str = "x-theazo-position";

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

    /// Sends one request and reads its whole answer, which must be a success.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> anyhow::Result<Bytes> {
        let (status, body) = self.exchange(method, path, &[], body.unwrap_or_default()).await?;
        if !status.is_success() {
            bail!("{path} answered {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(body)
    }

    /// Sends one request and reads its whole answer.
    pub async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let answer = self.request(method, path, headers, body).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    /// Asks for a stream; its body comes as it comes.
    pub async fn stream(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<(StatusCode, Incoming)> {
        let answer = self.request(Method::GET, path, headers, Bytes::new()).await?;
        Ok((answer.status(), answer.into_body()))
    }

    async fn request(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> anyhow::Result<Response<Incoming>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("authorization", &self.key)
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.sender.ready().await?;
        Ok(self.sender.send_request(request.body(Full::new(body))?).await?)
    }

    pub async fn post(&mut self, path: &str, body: Value) -> anyhow::Result<Value> {
        let body = Bytes::from(serde_json::to_vec(&body)?);
        Ok(serde_json::from_slice(&self.send(Method::POST, path, Some(body)).await?)?)
    }

    /// Posts what appends a commit; answers its position.
    pub async fn write(&mut self, path: &str, body: Bytes) -> anyhow::Result<u64> {
        let answer = self.request(Method::POST, path, &[], body).await?;
        let (status, position) = (answer.status(), answer.headers().get(POSITION).cloned());
        let body = answer.into_body().collect().await?.to_bytes();
        match position {
            Some(position) if status.is_success() => Ok(position.to_str()?.parse()?),
            _ => bail!("{path} answered {status}: {}", String::from_utf8_lossy(&body)),
        }
    }

    pub async fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&self.send(Method::GET, path, None).await?)?)
    }
}

/// What is done over and over by one of many who do it at the same time.
pub trait Job: Send + 'static {
    fn once(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// What one load came to.
pub struct Load {
    pub per_second: f64,
    pub latencies: Latencies,
}

/// Has every one of `jobs` done over and over for `time`. Answers them too: what they hold can be
/// used again.
pub async fn drive<J: Job>(jobs: Vec<J>, time: Duration) -> anyhow::Result<(Load, Vec<J>)> {
    let start = Instant::now();
    let tasks: Vec<_> = jobs
        .into_iter()
        .map(|mut job| {
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while start.elapsed() < time {
                    let sent = Instant::now();
                    job.once().await?;
                    latencies.push(sent.elapsed());
                }
                anyhow::Ok((latencies, job))
            })
        })
        .collect();
    let (mut all, mut jobs) = (Vec::new(), Vec::new());
    for task in tasks {
        let (latencies, job) = task.await.context("a connection broke off")??;
        all.extend(latencies);
        jobs.push(job);
    }
    let per_second = all.len() as f64 / start.elapsed().as_secs_f64();
    Ok((Load { per_second, latencies: Latencies::new(all) }, jobs))
}

/// One POST.
struct Post {
    connection: Connection,
    path: &'static str,
    body: Bytes,
}

impl Job for Post {
    async fn once(&mut self) -> anyhow::Result<()> {
        self.connection.send(Method::POST, self.path, Some(self.body.clone())).await.map(|_| ())
    }
}

/// Posts `body` on `connections` connections for `time`.
pub async fn load(
    (address, key): (SocketAddr, &str),
    connections: usize,
    time: Duration,
    path: &'static str,
    body: Bytes,
) -> anyhow::Result<Load> {
    let mut posts = Vec::new();
    for _ in 0..connections {
        let connection = Connection::open(address, key).await?;
        posts.push(Post { connection, path, body: body.clone() });
    }
    Ok(drive(posts, time).await?.0)
}
