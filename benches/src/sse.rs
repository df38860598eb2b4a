//! Many SSE clients on one process: its memory, and how long a piece of a model's text takes from
//! the model server to each of them.
//!
//! The model server is in this process and puts the time of sending into the text, so a client
//! knows how old what it reads is. What is measured goes through everything: model server → the
//! run's model client → live text → the stream's events → 10,000 sockets → this process, which has
//! all clients and shares two cores with the server. Each piece has a number too: a gap or a repeat
//! in any stream fails the measurement.
//!
//! Bars: ≤ 500 MiB, p99 ≤ 100 ms, at two pieces a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::Connection;
use crate::model;
use crate::pieces::Pieces;
use crate::server::{LIVE_KEY, Server, Setup, raise_open_files};
use crate::stats::{Latencies, verdict};

/// Between two pieces of text.
const GAP: Duration = Duration::from_millis(500);
/// Streams that one key may have open.
const PER_KEY: usize = 1_000;
/// Connections that are made at the same time.
const CONNECTING: usize = 100;
const BAR_MIB: f64 = 500.0;
const BAR_MS: f64 = 100.0;
const PATIENCE: Duration = Duration::from_secs(120);

pub async fn run(clients: usize, tasks: usize, seconds: u64) -> anyhow::Result<()> {
    println!(
        "{clients} SSE clients over {tasks} tasks, {:.0} pieces/s each",
        1.0 / GAP.as_secs_f64()
    );
    let most = raise_open_files()?;
    ensure!(most > clients as u64 + 500, "{most} open files are not enough: raise `ulimit -Hn`");
    let folder = tempfile::tempdir()?;
    let epoch = Instant::now();
    let (models, mut arrivals) = model::serve(move || chatter(epoch)).await?;
    let setup = Setup::default().workers(tasks).models(models);
    let server = Server::start_with(folder.path(), &setup).await?;
    let mut connection = Connection::open(server.address, LIVE_KEY).await?;
    let keys = keys(&mut connection, clients.div_ceil(PER_KEY)).await?;
    let paths = talk(&mut connection, tasks).await?;
    for _ in 0..tasks {
        tokio::time::timeout(PATIENCE, arrivals.recv()).await.context("a task does not begin")?;
    }
    let before = server.resident_kib()?;

    let place = |n: usize| Arc::<str>::from(request(&paths[n % tasks], &keys[n / PER_KEY]));
    let opening = stream::iter((0..clients).map(place)).map(|r| open(server.address, r));
    let open: Vec<TcpStream> = opening
        .buffer_unordered(CONNECTING)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .collect::<Result<_, _>>()?;
    let from = Instant::now() + 4 * GAP;
    let until = from + Duration::from_secs(seconds);
    let listening: Vec<_> =
        open.into_iter().map(|socket| tokio::spawn(listen(socket, epoch, from, until))).collect();
    tokio::time::sleep_until((until - GAP / 2).into()).await;
    let after = server.resident_kib()?;
    let mut all = Vec::new();
    for listener in listening {
        all.extend(listener.await??);
    }
    report(clients, seconds, (before, after), &Latencies::new(all));
    server.kill().await
}

fn report(clients: usize, seconds: u64, (before, after): (u64, u64), latencies: &Latencies) {
    let mib = |kib: u64| kib as f64 / 1024.0;
    let memory = mib(after);
    println!(
        "  memory: {memory:.0} MiB, {:.1} KiB a client over {:.0} MiB without any  {}",
        after.saturating_sub(before) as f64 / clients as f64,
        mib(before),
        verdict(memory <= BAR_MIB),
    );
    println!(
        "  fan-out: {:.0} events/s; {}, longest {:.0} ms  {}",
        latencies.len() as f64 / seconds as f64,
        latencies.summary(),
        latencies.percentile(100.0),
        verdict(latencies.percentile(99.0) <= BAR_MS),
    );
}

/// What the model says, for ever: pieces with their number and the time.
fn chatter(epoch: Instant) -> BoxStream<'static, String> {
    let beat = tokio::time::interval(GAP);
    stream::unfold((beat, 0u64), move |(mut beat, number)| async move {
        beat.tick().await;
        let micros = epoch.elapsed().as_micros();
        Some((format!("~{number}:{micros};"), (beat, number + 1)))
    })
    .boxed()
}

async fn keys(connection: &mut Connection, count: usize) -> anyhow::Result<Vec<String>> {
    let mut keys = Vec::new();
    for n in 0..count {
        let key = connection.post("/v1/api-keys", json!({ "name": format!("sse {n}") })).await?;
        keys.push(key["key"].as_str().context("a new key is shown")?.to_owned());
    }
    Ok(keys)
}

/// Tasks whose model never stops talking; the paths of their streams.
async fn talk(connection: &mut Connection, tasks: usize) -> anyhow::Result<Vec<String>> {
    let session = connection.post("/v1/sessions", json!({ "userId": "bench" })).await?;
    let session = session["id"].as_str().context("a session has an id")?.to_owned();
    let mut paths = Vec::new();
    for _ in 0..tasks {
        let body = json!({ "agent": "coder", "input": "Talk." });
        let task = connection.post(&format!("/v1/sessions/{session}/tasks"), body).await?;
        let id = task["taskId"].as_str().context("a task has an id")?;
        paths.push(format!("/v1/sessions/{session}/tasks/{id}/stream"));
    }
    Ok(paths)
}

fn request(path: &str, key: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
         accept: text/event-stream\r\n\r\n"
    )
}

async fn open(address: std::net::SocketAddr, request: Arc<str>) -> anyhow::Result<TcpStream> {
    let mut socket = TcpStream::connect(address).await?;
    socket.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    socket.read_exact(&mut head).await?;
    ensure!(head == *b"HTTP/1.1 200", "a stream answered {}", String::from_utf8_lossy(&head));
    Ok(socket)
}

/// Reads one stream until `until`; how old each piece was that was sent after `from`.
async fn listen(
    mut socket: TcpStream,
    epoch: Instant,
    from: Instant,
    until: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    let listening = async {
        let mut pieces = Pieces::default();
        let mut buffer = [0; 2 << 10];
        loop {
            let read = socket.read(&mut buffer).await?;
            let now = Instant::now();
            ensure!(read > 0, "a stream ended");
            for micros in pieces.feed(&buffer[..read])? {
                let sent = epoch + Duration::from_micros(micros);
                if sent >= from {
                    latencies.push(now.saturating_duration_since(sent));
                }
            }
        }
    };
    match tokio::time::timeout_at(until.into(), listening).await {
        Ok(ended) => ended,
        Err(_) => Ok(latencies),
    }
}
