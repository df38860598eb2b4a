//! The local provider through the API.
//!
//! Bars (design.md): create to first exec result p50 ≤ 15 ms, p99 ≤ 60 ms in a row; exec on a warm
//! agent p50 ≤ 5 ms for `bash true`, ≤ 8 ms for a Python one-liner.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::http::Connection;
use crate::server::{LIVE_KEY, Server};
use crate::stats::{Latencies, verdict};

const IN_A_ROW: usize = 200;
const AT_ONCE: usize = 50;
const WARM: usize = 200;

pub async fn run() -> anyhow::Result<()> {
    println!("The local sandbox through the API");
    let folder = tempfile::tempdir()?;
    let server = Server::start(folder.path()).await?;
    let mut connection = Connection::open(server.address, LIVE_KEY).await?;
    let session = connection.post("/v1/sessions", json!({ "userId": "bench" })).await?;
    let session = session["id"].as_str().unwrap_or_default().to_owned();

    first_execs(&mut connection, &session, 20).await?;
    let row = first_execs(&mut connection, &session, IN_A_ROW).await?;
    let met = row.percentile(50.0) <= 15.0 && row.percentile(99.0) <= 60.0;
    println!(
        "  create to first result, {} in a row: {}  {}",
        row.len(),
        row.summary(),
        verdict(met)
    );
    println!("  the same, {AT_ONCE} at once: {}", at_once(&server, &session).await?.summary());
    for (lang, code, bar) in [("bash", "true", 5.0), ("python", "print(2 + 2)", 8.0)] {
        let warm = warm(&mut connection, &session, lang, code).await?;
        let met = warm.percentile(50.0) <= bar;
        println!("  exec on a warm agent, {lang} `{code}`: {}  {}", warm.summary(), verdict(met));
    }
    server.stop().await
}

async fn create(connection: &mut Connection, session: &str) -> anyhow::Result<String> {
    let agent = connection.post(&format!("/v1/sessions/{session}/agents"), json!({})).await?;
    Ok(agent["id"].as_str().unwrap_or_default().to_owned())
}

async fn exec(
    connection: &mut Connection,
    agent: &str,
    lang: &str,
    code: &str,
) -> anyhow::Result<()> {
    let body = json!({ "lang": lang, "code": code });
    let result = connection.post(&format!("/v1/agents/{agent}/exec"), body).await?;
    anyhow::ensure!(result["exitCode"] == 0, "the code failed: {result}");
    Ok(())
}

async fn terminate(connection: &mut Connection, agent: &str) -> anyhow::Result<()> {
    connection.post(&format!("/v1/agents/{agent}/terminate"), json!({})).await?;
    Ok(())
}

async fn first_execs(
    connection: &mut Connection,
    session: &str,
    count: usize,
) -> anyhow::Result<Latencies> {
    let mut latencies = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        let agent = create(connection, session).await?;
        exec(connection, &agent, "bash", "true").await?;
        latencies.push(start.elapsed());
        terminate(connection, &agent).await?;
    }
    Ok(Latencies::new(latencies))
}

async fn at_once(server: &Server, session: &str) -> anyhow::Result<Latencies> {
    let mut open = Vec::new();
    for _ in 0..AT_ONCE {
        open.push(Connection::open(server.address, LIVE_KEY).await?);
    }
    let tasks: Vec<_> = open
        .into_iter()
        .map(|mut connection| {
            let session = session.to_owned();
            tokio::spawn(async move {
                let start = Instant::now();
                let agent = create(&mut connection, &session).await?;
                exec(&mut connection, &agent, "bash", "true").await?;
                let took = start.elapsed();
                terminate(&mut connection, &agent).await?;
                anyhow::Ok(took)
            })
        })
        .collect();
    let mut latencies: Vec<Duration> = Vec::new();
    for task in tasks {
        latencies.push(task.await??);
    }
    Ok(Latencies::new(latencies))
}

async fn warm(
    connection: &mut Connection,
    session: &str,
    lang: &str,
    code: &str,
) -> anyhow::Result<Latencies> {
    let agent = create(connection, session).await?;
    for _ in 0..5 {
        exec(connection, &agent, lang, code).await?;
    }
    let mut latencies = Vec::new();
    for _ in 0..WARM {
        let start = Instant::now();
        exec(connection, &agent, lang, code).await?;
        latencies.push(start.elapsed());
    }
    terminate(connection, &agent).await?;
    Ok(Latencies::new(latencies))
}
