//! Time to ready on a long log; memory of the idle server and of idle agents.
//!
//! Bar: ready within 1 s on a log of a million commits.

use std::time::Duration;

use serde_json::json;
use theazo_log::{EventLog as _, SqliteLog, SqliteOptions};

use crate::histories;
use crate::http::Connection;
use crate::server::{LIVE_KEY, Server};
use crate::stats::verdict;

const AGENTS: u64 = 50;
const BAR: Duration = Duration::from_secs(1);

pub async fn run(commits: u64) -> anyhow::Result<()> {
    memory().await?;
    println!("Start on a log of {commits} commits");
    let folder = tempfile::tempdir()?;
    let log = SqliteLog::open(SqliteOptions::new(folder.path().join("log.sqlite"))).await?;
    histories::fill(&log, commits).await?;
    log.close().await;
    // The first start builds the read models; what is measured is every start after it.
    let first = Server::start(folder.path()).await?;
    println!(
        "  first start, which builds the read models: {:.1} s",
        first.ready_after.as_secs_f64()
    );
    first.stop().await?;
    let again = Server::start(folder.path()).await?;
    let met = verdict(again.ready_after <= BAR);
    println!("  time to ready: {:.0} ms  {met}", again.ready_after.as_secs_f64() * 1e3);
    again.stop().await
}

async fn memory() -> anyhow::Result<()> {
    println!("Memory");
    let folder = tempfile::tempdir()?;
    let server = Server::start(folder.path()).await?;
    let idle = server.resident_kib()?;
    println!("  idle server: {:.1} MiB", idle as f64 / 1024.0);
    let mut connection = Connection::open(server.address, LIVE_KEY).await?;
    let session = connection.post("/v1/sessions", json!({ "userId": "bench" })).await?;
    let session = session["id"].as_str().unwrap_or_default().to_owned();
    for _ in 0..AGENTS {
        let agent = connection.post(&format!("/v1/sessions/{session}/agents"), json!({})).await?;
        let id = agent["id"].as_str().unwrap_or_default();
        let body = json!({ "lang": "bash", "code": "true" });
        connection.post(&format!("/v1/agents/{id}/exec"), body).await?;
    }
    let agents = server.resident_kib()?.saturating_sub(idle);
    println!(
        "  per idle agent ({AGENTS} of them): {:.2} MiB",
        agents as f64 / 1024.0 / AGENTS as f64
    );
    server.stop().await
}
