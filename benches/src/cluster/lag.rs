//! From the acknowledgement of a commit to where every process knows that the read models show it,
//! at half of the peak load.
//!
//! This process hears of the projector's writes as any API process does: a read that asks for the
//! position is answered from that moment on.

use std::time::Duration;

use theazo_log::Position;
use theazo_projections::{ChainKey, Options as ReadOptions, ReadModels};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Options;
use super::processes::{CreateSession, Processes};
use crate::http::Connection;
use crate::server::LIVE_KEY;
use crate::stats::Latencies;

const CONNECTIONS: u32 = 64;
const PEAK: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn run(options: &Options, time: Duration) -> anyhow::Result<()> {
    println!("Lag of the read models ({:?}), one API process, one projector", options.durability);
    let processes = Processes::start(options, 1, 0).await?;
    processes.load(64, Duration::from_secs(1)).await?;
    let peak = processes.load(64, PEAK).await?.per_second;
    processes.caught_up().await?;
    let options = ReadOptions::new(ChainKey::new(vec![7; 32]));
    let reads = ReadModels::open_postgres(&processes.stores.database, options).await?;
    reads.made(PATIENCE).await?;
    for share in [0.5, 0.25, 0.01] {
        let (acks, lags) = paced(&processes, &reads, peak * share, time).await?;
        println!(
            "  at {:.0}/s of {peak:.0}/s: {} commits; acknowledged {}; then readable {}, longest \
             {:.1} ms",
            peak * share,
            lags.len(),
            acks.summary(),
            lags.summary(),
            lags.percentile(100.0),
        );
    }
    reads.close().await;
    processes.stop().await
}

/// Latencies of acknowledgements, and of what comes after them.
async fn paced(
    processes: &Processes,
    reads: &ReadModels,
    per_second: f64,
    time: Duration,
) -> anyhow::Result<(Latencies, Latencies)> {
    let each = Duration::from_secs(1).mul_f64(f64::from(CONNECTIONS) / per_second);
    let start = Instant::now() + Duration::from_millis(100);
    let mut writers = Vec::new();
    for number in 0..CONNECTIONS {
        let mut connection = Connection::open(processes.apis[0].address, LIVE_KEY).await?;
        let reads = reads.clone();
        writers.push(tokio::spawn(async move {
            let mut turns = interval_at(start + each * number / CONNECTIONS, each);
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let (mut acks, mut shown) = (Vec::new(), Vec::new());
            while start.elapsed() < time {
                turns.tick().await;
                let sent = Instant::now();
                let position = Position(CreateSession::once(&mut connection).await?);
                let acknowledged = Instant::now();
                acks.push(acknowledged - sent);
                let reads = reads.clone();
                shown.push(tokio::spawn(async move {
                    reads.wait_for(position, PATIENCE).await.then(|| acknowledged.elapsed())
                }));
            }
            let mut lags = Vec::new();
            for lag in shown {
                lags.push(lag.await?.ok_or_else(|| anyhow::anyhow!("a commit is never shown"))?);
            }
            anyhow::Ok((acks, lags))
        }));
    }
    let (mut acks, mut lags) = (Vec::new(), Vec::new());
    for writer in writers {
        let (acknowledged, shown) = writer.await??;
        acks.extend(acknowledged);
        lags.extend(shown);
    }
    Ok((Latencies::new(acks), Latencies::new(lags)))
}
