//! The routes of bills, on a month of usage records, through the API.
//!
//! Bar: p99 of each route at most 20 ms at 10^6 records.

mod month;
mod proof;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hyper::Method;
use theazo_domain::Day;
use theazo_log::{EventLog as _, Filter, Position, SqliteLog, SqliteOptions};

use crate::http::Connection;
use crate::server::{LIVE_KEY, Server};
use crate::stats::{Latencies, verdict};

use month::Month;

const BAR_MS: f64 = 20.0;
/// Requests for each figure.
const ROUNDS: usize = 400;

const ROUTES: [&str; 6] = [
    "/v1/usage/summary?",
    "/v1/billing/usage?",
    "/v1/billing/usage/daily?",
    "/v1/billing/usage/users?",
    "/v1/billing/usage/users?limit=1000&",
    "/v1/billing/usage/models?",
];

#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Usage records
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Users that they are of
    #[arg(long, default_value_t = 5_000)]
    users: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { records: 1_000_000, users: 5_000 }
    }
}

pub async fn run(Options { records, users }: Options) -> anyhow::Result<()> {
    println!("Bills of {users} users with {records} usage records in a month, through the API");
    let folder = tempfile::tempdir()?;
    // It makes the org and its key.
    Server::start(folder.path()).await?.stop().await?;
    let log = SqliteLog::open(SqliteOptions::new(folder.path().join("log.sqlite"))).await?;
    let first = log.read(&Filter::all(), Position::START, 1).await?;
    let scope = first.first().context("the server has made no org")?.stream.scope;
    let month = Month { scope, records, users, until: theazo_commands::now().day() };
    month.fill(&log).await?;
    log.close().await;

    let began = Instant::now();
    let server = Server::start(folder.path()).await?;
    println!("  all read models made in {:.1} s", began.elapsed().as_secs_f64());
    let mut connection = Connection::open(server.address, LIVE_KEY).await?;
    check(&mut connection, &month).await?;
    let mut met = true;
    // All of it; a part that begins and ends anywhere; its first half.
    for days in [0..Month::DAYS, 3..Month::DAYS - 4, 0..Month::DAYS / 2] {
        let (from, until) = (month.day(days.start), month.day(days.end - 1));
        println!("  {from} to {until}, {} days:", days.len());
        for route in ROUTES {
            let target = format!("{route}from={from}&until={until}");
            let latencies = ask(&mut connection, &target).await?;
            let fits = latencies.percentile(99.0) <= BAR_MS;
            met &= fits;
            println!("    {route:<38} {}  {}", latencies.summary(), verdict(fits));
        }
    }
    println!("  {}", verdict(met));
    let all = (month.day(0), month.day(Month::DAYS - 1));
    proof::run(&mut connection, folder.path(), all).await?;
    server.stop().await
}

/// The bill has every record.
async fn check(connection: &mut Connection, month: &Month) -> anyhow::Result<()> {
    let (from, until): (Day, Day) = (month.day(0), month.day(Month::DAYS - 1));
    let target = format!("/v1/billing/usage?from={from}&until={until}");
    let deadline = Instant::now() + Duration::from_secs(600);
    // A server is ready before its read models are level.
    loop {
        let usage = connection.get(&target).await?;
        let (calls, sessions) = (usage["modelCalls"].as_u64(), usage["sessions"].as_u64());
        if calls == Some(month.calls()) && sessions == Some(month.users) {
            println!("  the bill: {}", usage["totalCost"]);
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "not all is in the bill: {usage}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn ask(connection: &mut Connection, target: &str) -> anyhow::Result<Latencies> {
    let mut latencies = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let sent = Instant::now();
        connection.send(Method::GET, target, None).await?;
        latencies.push(sent.elapsed());
    }
    Ok(Latencies::new(latencies))
}
