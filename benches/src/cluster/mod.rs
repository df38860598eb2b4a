//! The cluster: the real binary as several processes, on a NATS server and a Postgres of their own.
//!
//! Everything is on one machine, so the limits are measured on it too, in the same run.

mod commands;
mod lag;
mod meter;
mod processes;
mod projector;
mod raw;
mod scaling;
mod stores;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use stores::Durability;

#[derive(Debug, Clone, Args)]
pub struct Options {
    #[command(subcommand)]
    what: What,
    /// The NATS server to start
    #[arg(long, global = true, env = "THEAZO_TEST_NATS_SERVER_2", default_value = "nats-server")]
    nats_server: PathBuf,
    /// What its acknowledgements rest on
    #[arg(long, global = true, value_enum, default_value = "synced")]
    durability: Durability,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// Commands per second through the API, against raw acknowledged publishes
    Commands {
        /// Seconds for each figure
        #[arg(long, default_value_t = 3)]
        seconds: u64,
        /// Turns that each side has at each figure: what is told is their median
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
    /// The projector's replay into Postgres, against writing the same rows by hand
    Projector {
        #[arg(long, default_value_t = 100_000)]
        commits: u64,
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
    /// From an acknowledged commit to the row that shows it, at half of the peak load
    Lag {
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Processor time for each command and each step, with one, two and four processes
    Scaling {
        #[arg(long, default_value_t = 4)]
        seconds: u64,
        #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4])]
        apis: Vec<usize>,
        #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4])]
        workers: Vec<usize>,
    },
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    let seconds = Duration::from_secs;
    match options.what {
        What::Commands { seconds: time, rounds } => {
            commands::run(&options, seconds(time), rounds).await
        }
        What::Projector { commits, rounds } => projector::run(&options, commits, rounds).await,
        What::Lag { seconds: time } => lag::run(&options, seconds(time)).await,
        What::Scaling { seconds: time, ref apis, ref workers } => {
            scaling::run(&options, (apis, workers), seconds(time)).await
        }
    }
}

/// The middle one.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
