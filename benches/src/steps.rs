//! What a durable step costs, beside Restate.
//!
//! A run of ours is 11 model calls (the mock, without latency) and 10 tool calls
//! (`report_progress`, which does nothing): 21 steps, each with its intent and its outcome in the
//! log. It is submitted with `POST /v1/agents/:id/run` and waited for with `GET …/wait`, so the
//! figures hold two HTTP requests, their checks, encrypted payloads, and the read models. Restate's
//! handler does 21 `ctx.run` with nothing inside, in one HTTP request. One load generator drives
//! both in turn, so that noise hits both. A step's latency is its run's, divided by 21.
//!
//! Bars: faster on p50 and p99; three times the steps per second at 64 in flight.

use std::fmt::Write;
use std::time::Duration;

use anyhow::ensure;
use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use crate::http::{Connection, Job, Load, drive};
use crate::restate::Restate;
use crate::server::{Server, TEST_KEY};
use crate::stats::{Latencies, verdict};

const IN_FLIGHT: [usize; 3] = [1, 16, 64];
pub const TOOL_CALLS: u32 = 10;
pub const STEPS: u32 = 2 * TOOL_CALLS + 1;
/// Turns that each side has at each figure.
const ROUNDS: u32 = 3;
const WARM_UP: Duration = Duration::from_secs(1);
const BAR: f64 = 3.0;

pub async fn run(seconds: u64, alone: bool) -> anyhow::Result<()> {
    println!("Durable steps: runs of {STEPS} steps ({TOOL_CALLS} tool calls)");
    let folder = tempfile::tempdir()?;
    let server = Server::start(folder.path()).await?;
    let restate = if alone { None } else { Some(Restate::start().await?) };
    for in_flight in IN_FLIGHT {
        let mut ours = runs(&server, in_flight).await?;
        ours = drive(ours, WARM_UP).await?.1;
        let time = Duration::from_secs(seconds) / ROUNDS;
        let Some(restate) = &restate else {
            print(in_flight, "Theazo", &drive(ours, time * ROUNDS).await?.0, STEPS);
            continue;
        };
        let mut theirs = restate.calls(STEPS, in_flight).await?;
        theirs = drive(theirs, WARM_UP).await?.1;
        let (mut us, mut them) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (load, again) = drive(ours, time).await?;
            us.push(load);
            ours = again;
            let (load, again) = drive(theirs, time).await?;
            them.push(load);
            theirs = again;
        }
        let ten = drive(restate.calls(TOOL_CALLS, in_flight).await?, time).await?.0;
        compare(in_flight, &joined(us), &joined(them));
        print(in_flight, "Restate, 10 steps", &ten, TOOL_CALLS);
    }
    println!("  memory after it: {:.0} MiB", server.resident_kib()? as f64 / 1024.0);
    server.stop().await
}

pub fn joined(loads: Vec<Load>) -> Load {
    let per_second = loads.iter().map(|load| load.per_second).sum::<f64>() / loads.len() as f64;
    let latencies = Latencies::joined(loads.into_iter().map(|load| load.latencies));
    Load { per_second, latencies }
}

fn compare(in_flight: usize, us: &Load, them: &Load) {
    print(in_flight, "Theazo", us, STEPS);
    print(in_flight, "Restate", them, STEPS);
    let [p50, p99] =
        [50.0, 99.0].map(|p| them.latencies.percentile(p) / us.latencies.percentile(p));
    let steps = us.per_second / them.per_second;
    let enough = if in_flight == 64 { BAR } else { 0.0 };
    println!(
        "     p50 {p50:.1} times faster, p99 {p99:.1} times, {steps:.1} times the steps/s  {}",
        verdict(p50 > 1.0 && p99 > 1.0 && steps >= enough),
    );
}

fn print(in_flight: usize, who: &str, load: &Load, steps: u32) {
    let per_step = |p| load.latencies.percentile(p) / f64::from(steps);
    println!(
        "  {in_flight:>2} in flight, {who}: {:.0} steps/s; run {}; step p50 {:.3} ms, p99 {:.3} ms",
        load.per_second * f64::from(steps),
        load.latencies.summary(),
        per_step(50.0),
        per_step(99.0),
    );
}

/// One agent that runs tasks one after the other.
pub struct AgentRun {
    connection: Connection,
    session: String,
    run: String,
    body: Bytes,
}

/// As many agents, each with a connection.
pub async fn runs(server: &Server, in_flight: usize) -> anyhow::Result<Vec<AgentRun>> {
    let connection = Connection::open(server.address, TEST_KEY).await?;
    runs_of(server, connection, TEST_KEY, json!({ "userId": "bench" }), in_flight).await
}

/// The same with a key of choice, in a session of choice.
pub async fn runs_of(
    server: &Server,
    mut connection: Connection,
    key: &str,
    session: Value,
    in_flight: usize,
) -> anyhow::Result<Vec<AgentRun>> {
    let session = connection.post("/v1/sessions", session).await?;
    let session = session["id"].as_str().unwrap_or_default().to_owned();
    let body = Bytes::from(serde_json::to_vec(&json!({ "task": script() }))?);
    let mut runs = Vec::new();
    for _ in 0..in_flight {
        let agent = connection.post(&format!("/v1/sessions/{session}/agents"), json!({})).await?;
        let run = format!("/v1/agents/{}/run", agent["id"].as_str().unwrap_or_default());
        let connection = Connection::open(server.address, key).await?;
        runs.push(AgentRun { connection, session: session.clone(), run, body: body.clone() });
    }
    Ok(runs)
}

/// What the mock model is to do.
fn script() -> String {
    let mut script = String::new();
    for call in 0..TOOL_CALLS {
        let progress = f64::from(call) / f64::from(TOOL_CALLS);
        // Writing to a string cannot fail.
        let _ = writeln!(script, "@tool report_progress {{\"progress\": {progress}}}\n@then");
    }
    script + "@say done"
}

impl Job for AgentRun {
    async fn once(&mut self) -> anyhow::Result<()> {
        let submitted = self.connection.send(Method::POST, &self.run, Some(self.body.clone()));
        let submitted: Value = serde_json::from_slice(&submitted.await?)?;
        let task = submitted["taskId"].as_str().unwrap_or_default();
        let wait = format!("/v1/sessions/{}/tasks/{task}/wait", self.session);
        let task = self.connection.get(&wait).await?;
        let steps = task["modelCalls"].as_u64().unwrap_or(0)
            + task["toolCalls"].as_array().map_or(0, |calls| calls.len() as u64);
        let done = task["status"] == "completed" && steps == u64::from(STEPS);
        ensure!(done, "the run did not go as it should: {task}");
        Ok(())
    }
}
