//! `theazo-bench`: what we promise about speed, measured as ratios within one run.
//!
//! Each program measures a limit and our own figure in turn on the same machine, so that a noisy
//! neighbour slows both. Build everything in release first: `cargo build --release --workspace`.

mod commands;
mod histories;
mod http;
mod replay;
mod sandbox;
mod server;
mod start;
mod stats;

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
    /// Time to ready on a long log, and memory of the idle server and of idle agents
    Start {
        #[arg(long, default_value_t = 1_000_000)]
        commits: u64,
    },
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
        Bench::Start { commits } => start::run(commits).await,
        Bench::All => {
            commands::run(5).await?;
            sandbox::run().await?;
            replay::run(200_000).await?;
            start::run(1_000_000).await
        }
    }
}
