//! Twenty minutes of torment, and then: were the promises kept?
//!
//! Users submit tasks, follow them on streams that they drop and resume, cancel them, and pause and
//! resume their agents, while the server is killed with `kill -9` again and again. What each task
//! must come to is known, for the mock model does what it is told. Then everything is held against
//! it: no task that was acknowledged is lost, none is stuck, none did a step twice or was billed
//! twice, no stream had a gap or a repeat, and the log is as it was written.
//!
//! Every choice comes from one seed. What comes when depends on the machine too, so the same seed
//! is the same torment, and not the same run to the millisecond.

mod checks;
mod client;
mod follow;
mod script;
mod user;

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio_util::sync::CancellationToken;

use crate::server::{Server, Setup};

use client::Client;
use user::User;

const USERS: usize = 8;
/// Runs at the same time: fewer than there may be, so that some wait.
const WORKERS: usize = 12;
/// Seconds between two kills.
const PEACE: std::ops::Range<f64> = 2.0..30.0;

#[derive(Debug, clap::Args)]
pub struct Options {
    #[arg(long, default_value_t = 20.0)]
    minutes: f64,
    /// Repeats the choices of an earlier soak
    #[arg(long)]
    seed: Option<u64>,
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    let seed = options.seed.unwrap_or_else(|| rand::rng().random());
    println!("Soak of {} minutes; to repeat its choices: --seed {seed}", options.minutes);
    let mut chance = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir()?;
    let setup = Setup::default().workers(WORKERS);
    let mut server = Server::start_with(folder.path(), &setup).await?;
    let client = Client::new(server.address);
    let stop = CancellationToken::new();
    let users: Vec<_> = (0..USERS)
        .map(|n| {
            let user = User::new(n, client.clone(), StdRng::seed_from_u64(chance.random()));
            tokio::spawn(user.torment(stop.clone()))
        })
        .collect();
    let end = Instant::now() + Duration::from_secs_f64(options.minutes * 60.0);
    let (mut kills, mut slowest) = (0, Duration::ZERO);
    while Instant::now() < end {
        let peace = Duration::from_secs_f64(chance.random_range(PEACE));
        tokio::time::sleep(peace.min(end.saturating_duration_since(Instant::now()))).await;
        server.kill().await?;
        server = Server::start_with(folder.path(), &setup).await?;
        client.moved(server.address);
        slowest = slowest.max(server.ready_after);
        kills += 1;
    }
    println!("  {kills} kills; the slowest start took {:.0} ms", slowest.as_secs_f64() * 1e3);
    stop.cancel();
    let mut told = Vec::new();
    for user in users {
        told.push(user.await??);
    }
    checks::all(&client, told).await?;
    let memory = server.resident_kib()? / 1024;
    server.stop().await?;
    checks::log(folder.path()).await?;
    println!("  memory at the end: {memory} MiB\n  every promise was kept");
    Ok(())
}
