//! What reservations cost: durable steps in a session that has a `maxCost`, against the same steps
//! in one that has none, in turn.
//!
//! The model is on loopback and has a price, so that each call is reserved before it is made. A run
//! is 11 model calls and 10 tool calls, as in `steps`.
//!
//! Bar: a fifth of a step's overhead at most.

use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Connection, Load, drive};
use crate::model;
use crate::server::{LIVE_KEY, Server, Setup};
use crate::stats::verdict;
use crate::steps::{self, AgentRun, STEPS, TOOL_CALLS};

const IN_FLIGHT: [usize; 2] = [1, 16];
/// Turns that each side has at each figure.
const ROUNDS: u32 = 5;
const WARM_UP: Duration = Duration::from_secs(1);
const BAR: f64 = 0.2;

pub async fn run(seconds: u64) -> anyhow::Result<()> {
    println!("Reservations: runs of {STEPS} steps with a priced model");
    let folder = tempfile::tempdir()?;
    let (models, mut arrivals) = model::serve_tool_calls(TOOL_CALLS as usize).await?;
    tokio::spawn(async move { while arrivals.recv().await.is_some() {} });
    let setup = Setup::default().models(models).workers(16);
    let server = Server::start_with(folder.path(), &setup).await?;
    for in_flight in IN_FLIGHT {
        let max_cost = json!({ "amount": 1_000_000_000, "currency": "usd", "period": "day" });
        let mut free = prepared(&server, json!({}), in_flight).await?;
        let mut capped = prepared(&server, json!({ "maxCost": max_cost }), in_flight).await?;
        let time = Duration::from_secs(seconds) / ROUNDS;
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (load, again) = drive(free, time).await?;
            without.push(load);
            free = again;
            let (load, again) = drive(capped, time).await?;
            with.push(load);
            capped = again;
        }
        compare(in_flight, &steps::joined(without), &steps::joined(with));
    }
    server.stop().await
}

async fn prepared(
    server: &Server,
    limits: Value,
    in_flight: usize,
) -> anyhow::Result<Vec<AgentRun>> {
    let connection = Connection::open(server.address, LIVE_KEY).await?;
    let session = json!({ "userId": "bench", "limits": limits });
    let runs = steps::runs_of(server, connection, LIVE_KEY, session, in_flight).await?;
    Ok(drive(runs, WARM_UP).await?.1)
}

fn compare(in_flight: usize, without: &Load, with: &Load) {
    let per_step = |load: &Load| load.latencies.percentile(50.0) / f64::from(STEPS);
    let more = with.latencies.percentile(50.0) / without.latencies.percentile(50.0) - 1.0;
    println!(
        "  {in_flight:>2} in flight: a step {:.3} ms without a cap, {:.3} ms with one: {:+.1} %; \
         {:.0} and {:.0} steps/s  {}",
        per_step(without),
        per_step(with),
        more * 100.0,
        without.per_second * f64::from(STEPS),
        with.per_second * f64::from(STEPS),
        verdict(more <= BAR),
    );
}
