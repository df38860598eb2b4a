//! `theazo-bench`: what we promise about speed, measured as ratios within one run.
//!
//! Each program measures a limit and our own figure in turn on the same machine, so that a noisy
//! neighbour slows both. Build everything in release first: `cargo build --release --workspace`.

mod billing;
mod caps;
mod cluster;
mod commands;
mod export;
mod first_call;
mod histories;
mod http;
mod model;
mod pieces;
mod replay;
mod restate;
mod resume;
mod sandbox;
mod server;
mod soak;
mod sse;
mod start;
mod stats;
mod steps;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Measures Theazo against its limits, as ratios within one run")]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Commands per second through the API, against the bare log
    Commands {
        /// Seconds for each figure
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
    /// Create to first exec result, and exec on a warm agent, through the API
    Sandbox,
    /// Projector replay, against reading the log alone
    Replay {
        #[arg(long, default_value_t = 200_000)]
        commits: u64,
    },
    /// Exports of usage records, against reading the log alone, and their memory
    Export {
        #[arg(long, default_value_t = 1_000_000)]
        records: u64,
    },
    /// The routes of bills, on a month of usage records
    Billing(billing::Options),
    /// Time to ready on a long log, and memory of the idle server and of idle agents
    Start {
        #[arg(long, default_value_t = 1_000_000)]
        commits: u64,
    },
    /// What reservations under a cap cost a run's step
    Caps {
        /// Seconds for each figure of each side
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Durable steps, beside Restate (needs `node` and `npm`)
    Steps {
        /// Seconds for each figure of each side
        #[arg(long, default_value_t = 9)]
        seconds: u64,
        /// Without Restate
        #[arg(long)]
        alone: bool,
    },
    /// Submission of a task to its first model call
    FirstCall {
        #[arg(long, default_value_t = 500)]
        rounds: usize,
    },
    /// Start after `kill -9` to the next model call
    Resume {
        #[arg(long, default_value_t = 1_000)]
        tasks: usize,
    },
    /// Memory and fan-out of many SSE clients
    Sse {
        #[arg(long, default_value_t = 10_000)]
        clients: usize,
        /// Tasks that they are spread over
        #[arg(long, default_values_t = [1, 200])]
        tasks: Vec<usize>,
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// Several processes on NATS and Postgres (needs `nats-server` and Postgres): not among `all`
    Cluster(cluster::Options),
    /// Torments a server, and checks what it has promised: not among `all`
    Soak(soak::Options),
    /// All of them
    All,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(Cli::parse().bench))
}

async fn run(bench: Bench) -> anyhow::Result<()> {
    match bench {
        Bench::Commands { seconds } => commands::run(seconds).await,
        Bench::Sandbox => sandbox::run().await,
        Bench::Replay { commits } => replay::run(commits).await,
        Bench::Export { records } => export::run(records).await,
        Bench::Billing(options) => billing::run(options).await,
        Bench::Start { commits } => start::run(commits).await,
        Bench::Caps { seconds } => caps::run(seconds).await,
        Bench::Steps { seconds, alone } => steps::run(seconds, alone).await,
        Bench::FirstCall { rounds } => first_call::run(rounds).await,
        Bench::Resume { tasks } => resume::run(tasks).await,
        Bench::Sse { clients, tasks, seconds } => fan_out(clients, &tasks, seconds).await,
        Bench::Cluster(options) => cluster::run(options).await,
        Bench::Soak(options) => soak::run(options).await,
        Bench::All => {
            commands::run(5).await?;
            sandbox::run().await?;
            steps::run(9, false).await?;
            caps::run(10).await?;
            first_call::run(500).await?;
            resume::run(1_000).await?;
            fan_out(10_000, &[1, 200], 20).await?;
            replay::run(200_000).await?;
            export::run(1_000_000).await?;
            billing::run(billing::Options::default()).await?;
            start::run(1_000_000).await
        }
    }
}

async fn fan_out(clients: usize, tasks: &[usize], seconds: u64) -> anyhow::Result<()> {
    for tasks in tasks {
        sse::run(clients, *tasks, seconds).await?;
    }
    Ok(())
}
