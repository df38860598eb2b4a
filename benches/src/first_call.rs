//! From the submission of a task to its first model call, on an idle server: from the first byte of
//! the request to the arrival of the call at a model server on loopback.
//!
//! Bar: p99 ≤ 25 ms.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::http::Connection;
use crate::model::{self, Arrivals};
use crate::server::{LIVE_KEY, Server, Setup};
use crate::stats::{Latencies, verdict};

const WARM_UP: usize = 20;
const BAR_MS: f64 = 25.0;
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn run(rounds: usize) -> anyhow::Result<()> {
    println!("Submission to first model call, {rounds} in a row on an idle server");
    let folder = tempfile::tempdir()?;
    let (models, mut arrivals) = model::serve(model::done).await?;
    let server = Server::start_with(folder.path(), &Setup::default().models(models)).await?;
    let mut connection = Connection::open(server.address, LIVE_KEY).await?;
    let session = connection.post("/v1/sessions", json!({ "userId": "bench" })).await?;
    let session = text(&session, "id")?;
    let agent = connection.post(&format!("/v1/sessions/{session}/agents"), json!({})).await?;
    let agent = text(&agent, "id")?;

    let existing = (format!("/v1/agents/{agent}/run"), json!({ "task": "Say that you are done." }));
    let own = (
        format!("/v1/sessions/{session}/tasks"),
        json!({ "agent": "coder", "input": "Say that you are done." }),
    );
    for (what, (path, body)) in
        [("on an agent that is there", existing), ("on an agent made for it", own)]
    {
        let mut latencies = Vec::new();
        for round in 0..WARM_UP + rounds {
            let took = submit(&mut connection, &session, (&path, &body), &mut arrivals).await?;
            if round >= WARM_UP {
                latencies.push(took);
            }
        }
        let latencies = Latencies::new(latencies);
        let met = latencies.percentile(99.0) <= BAR_MS;
        println!("  {what}: {}  {}", latencies.summary(), verdict(met));
    }
    server.stop().await
}

async fn submit(
    connection: &mut Connection,
    session: &str,
    (path, body): (&str, &Value),
    arrivals: &mut Arrivals,
) -> anyhow::Result<Duration> {
    let sent = Instant::now();
    let submitted = connection.post(path, body.clone()).await?;
    let arrived = timeout(PATIENCE, arrivals.recv()).await?.context("no model server")?;
    let task = text(&submitted, "taskId")?;
    let ended = connection.get(&format!("/v1/sessions/{session}/tasks/{task}/wait")).await?;
    anyhow::ensure!(ended["status"] == "completed", "the task did not complete: {ended}");
    Ok(arrived - sent)
}

fn text(value: &Value, name: &str) -> anyhow::Result<String> {
    let text = value[name].as_str().with_context(|| format!("no {name} in {value}"))?;
    Ok(text.to_owned())
}
