//! `theazo`: the server and its command line.

mod abort;
mod bootstrap;
mod cli;
mod client;
mod config;
mod control;
mod demo;
mod doctor;
mod folder;
mod migrate;
mod run;
mod runtime;
mod serve;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The hidden argument under which this binary is the process that makes sandboxes. It has to be
/// single-threaded, so it never gets as far as the runtime.
const SPAWNER: &str = "__sandbox-spawner";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(SPAWNER) {
        return theazo_providers::local::spawner_main();
    }
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let config = config::load(&cli.global)?;
    match cli.command {
        Command::Serve(args) => serve::run(config.with_serve(&args)?).await,
        Command::Demo(args) => demo::run(&config, &args).await,
        Command::Run(args) => run::run(&config, &args).await,
        Command::Stream(args) => run::stream(&config, &args).await,
        Command::Doctor => doctor::run(&config).await,
        Command::Keys(command) => control::run(&config, command.into_request()?).await,
        Command::Log(command) => control::run(&config, command.into_request()).await,
        Command::Billing(command) => control::run(&config, command.into_request()).await,
        Command::Migrate(command) => migrate::run(&config, command).await,
        Command::Projections(command) => control::run(&config, command.into_request()).await,
    }
}
