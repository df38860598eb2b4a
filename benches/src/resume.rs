//! From a start after `kill -9` to the next model call, with many tasks open: some were in the
//! middle of a model call, the rest waited for a worker.
//!
//! Bar: ≤ 1 s with 1,000 tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::stream::{self, StreamExt};
use serde_json::json;
use tokio::time::timeout;

use crate::http::Connection;
use crate::model::{self, Arrivals};
use crate::server::{LIVE_KEY, Server, Setup};
use crate::stats::verdict;

/// Runs at the same time.
const WORKERS: usize = 64;
const CRASHES: usize = 5;
const BAR: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(120);

pub async fn run(tasks: usize) -> anyhow::Result<()> {
    println!("Resume after kill -9, {tasks} tasks open, {WORKERS} of them running");
    let folder = tempfile::tempdir()?;
    let open = Arc::new(AtomicBool::new(false));
    let (models, mut arrivals) = model::serve(gated(open.clone())).await?;
    let setup = Setup::default().workers(WORKERS).models(models);
    let mut server = Server::start_with(folder.path(), &setup).await?;
    let mut connection = Connection::open(server.address, LIVE_KEY).await?;
    let session = connection.post("/v1/sessions", json!({ "userId": "bench" })).await?;
    let session = session["id"].as_str().context("a session has an id")?.to_owned();
    let mut ids = Vec::new();
    for _ in 0..tasks {
        let body = json!({ "agent": "coder", "input": "Say that you are done." });
        let task = connection.post(&format!("/v1/sessions/{session}/tasks"), body).await?;
        ids.push(task["taskId"].as_str().context("a task has an id")?.to_owned());
    }
    all_called(&mut arrivals, WORKERS.min(tasks)).await?;

    let mut worst = Duration::ZERO;
    for _ in 0..CRASHES {
        server.kill().await?;
        while arrivals.try_recv().is_ok() {}
        let start = Instant::now();
        server = Server::start_with(folder.path(), &setup).await?;
        let first = all_called(&mut arrivals, 1).await? - start;
        let all = all_called(&mut arrivals, WORKERS.min(tasks) - 1).await? - start;
        println!(
            "  next model call after {:.0} ms (ready after {:.0} ms, all {WORKERS} after {:.0} ms)",
            first.as_secs_f64() * 1e3,
            server.ready_after.as_secs_f64() * 1e3,
            all.as_secs_f64() * 1e3,
        );
        worst = worst.max(first);
    }
    println!("  the longest: {:.0} ms  {}", worst.as_secs_f64() * 1e3, verdict(worst <= BAR));
    open.store(true, Ordering::Release);
    finish(server, &session, &ids).await
}

/// When `calls` more have arrived.
async fn all_called(arrivals: &mut Arrivals, calls: usize) -> anyhow::Result<Instant> {
    let mut last = Instant::now();
    for _ in 0..calls {
        let arrived = timeout(PATIENCE, arrivals.recv()).await.context("no model call came")?;
        last = arrived.context("the model server ended")?;
    }
    Ok(last)
}

/// Says nothing until it is open, and then one word.
fn gated(open: Arc<AtomicBool>) -> impl Fn() -> stream::BoxStream<'static, String> {
    move || {
        let open = open.clone();
        let word = async move {
            while !open.load(Ordering::Acquire) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            "done".to_owned()
        };
        stream::once(word).boxed()
    }
}

/// What was open at all the crashes comes to its end.
async fn finish(server: Server, session: &str, ids: &[String]) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut connection = Connection::open(server.address, LIVE_KEY).await?;
    for id in ids {
        let wait = format!("/v1/sessions/{session}/tasks/{id}/wait?timeout=5m");
        let task = connection.get(&wait).await?;
        ensure!(task["status"] == "completed", "a task did not complete: {task}");
    }
    println!("  then all {} completed, in {:.1} s", ids.len(), start.elapsed().as_secs_f64());
    server.stop().await
}
