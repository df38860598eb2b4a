//! Commands per second through the API, against the same log with no API over it.
//!
//! Bars (design.md): at 64 connections at least 70 % of the bare log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use theazo_commands::now;
use theazo_log::{EventLog, Position, SqliteLog, SqliteOptions};

use crate::http::{Load, load};
use crate::server::{LIVE_KEY, Server};
use crate::stats::{Latencies, verdict};
use crate::{histories, http};

const IN_FLIGHT: [usize; 3] = [1, 16, 64];
const BAR: f64 = 0.70;
const BODY: &[u8] = br#"{"userId":"user_123","limits":{"maxAgents":3},"metadata":{"plan":"pro"}}"#;

pub async fn run(seconds: u64) -> anyhow::Result<()> {
    println!("Commands through the API (POST /v1/sessions) against the bare log");
    let time = Duration::from_secs(seconds);
    let folder = tempfile::tempdir()?;
    for in_flight in IN_FLIGHT {
        let before = bare(folder.path(), in_flight, time / 2).await?;
        let api = through_the_api(&folder.path().join("server"), in_flight, time).await?;
        let after = bare(folder.path(), in_flight, time / 2).await?;
        let log = (before.per_second + after.per_second) / 2.0;
        let ratio = api.per_second / log;
        println!(
            "  {in_flight:>2} in flight: API {:>6.0}/s ({}); log {log:>6.0}/s ({}); {:.0} %{}",
            api.per_second,
            api.latencies.summary(),
            after.latencies.summary(),
            ratio * 100.0,
            if in_flight == 64 { format!("  {}", verdict(ratio >= BAR)) } else { String::new() },
        );
    }
    Ok(())
}

async fn through_the_api(
    data_dir: &std::path::Path,
    connections: usize,
    time: Duration,
) -> anyhow::Result<http::Load> {
    let server = Server::start(data_dir).await?;
    let target = (server.address, LIVE_KEY);
    let body = Bytes::from_static(BODY);
    // Warms caches and allocators up.
    load(target, connections, Duration::from_millis(500), "/v1/sessions", body.clone()).await?;
    let load = load(target, connections, time, "/v1/sessions", body).await?;
    server.stop().await?;
    Ok(load)
}

async fn bare(folder: &std::path::Path, in_flight: usize, time: Duration) -> anyhow::Result<Load> {
    let folder = tempfile::tempdir_in(folder)?;
    let log = SqliteLog::open(SqliteOptions::new(folder.path().join("log.sqlite"))).await?;
    let scope = histories::scope();
    let start = Instant::now();
    let tasks: Vec<_> = (0..in_flight)
        .map(|_| {
            let log: Arc<SqliteLog> = log.clone();
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while start.elapsed() < time {
                    let draft = histories::session_created(scope, now());
                    let sent = Instant::now();
                    log.append(Position::START, draft).await?;
                    latencies.push(sent.elapsed());
                }
                anyhow::Ok(latencies)
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    let per_second = all.len() as f64 / start.elapsed().as_secs_f64();
    log.close().await;
    Ok(Load { per_second, latencies: Latencies::new(all) })
}
