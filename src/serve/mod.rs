//! `theazo serve`: the roles of this process, from its start to its end.

mod announce;
mod api;
mod gateway;
mod health;
pub mod identity;
mod probes;
mod scheduler;
mod watch;
mod worker;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use theazo_log::live::Live;
use theazo_models::Models;
use theazo_workers::tools::Registry;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::Role;
use crate::config::Config;
use crate::control;
use crate::runtime::Runtime;

use scheduler::Scheduling;
use worker::Worker;

/// What is logged where nothing else is asked for.
const LOGGED: &str = "info,theazo_api::edge=warn,async_nats=warn,sqlx=warn";

/// What the roles of a process share.
struct Parts {
    config: Config,
    runtime: Arc<Runtime>,
    models: Models,
    tools: Registry,
    live: Live,
    /// Cancelled when this process is to end.
    shutdown: CancellationToken,
    /// Cancelled when no more requests are served.
    stop: CancellationToken,
}

pub async fn run(config: Config) -> anyhow::Result<ExitCode> {
    init_tracing();
    let runtime = Arc::new(Runtime::open_to_serve(&config).await?);
    let listener = TcpListener::bind(&config.listen).await.with_context(|| {
        format!("cannot listen on {}; choose another with --listen", config.listen)
    })?;
    let (shutdown, stop) = (CancellationToken::new(), CancellationToken::new());
    let parts = Parts {
        models: Models::new(config.models()).context("the models' HTTP client")?,
        tools: Registry::built_in(config.tools()),
        live: runtime.live(&stop),
        runtime: runtime.clone(),
        config,
        shutdown: shutdown.clone(),
        stop: stop.clone(),
    };
    let roles = &parts.config.deployment;
    let worker = match roles.has(Role::Worker) {
        true => Some(Worker::start(&parts).await?),
        false => None,
    };
    let scheduling = match roles.has(Role::Scheduler) || runtime.is_embedded() {
        true => Some(Scheduling::start(&parts, worker.as_ref()).await?),
        false => None,
    };
    let control = tokio::spawn(control::serve(runtime.clone(), stop.clone()));
    tokio::spawn(wait_for_signal(shutdown.clone()));
    match roles.has(Role::Api) {
        true => api::serve(&parts, worker.as_ref(), listener, shutdown).await?,
        false => probes::serve(&parts, listener, shutdown).await?,
    }
    // In order: no more requests, then what reacts to them, then what stores.
    stop.cancel();
    let worked = match worker {
        Some(worker) => worker.stopped().await,
        None => Ok(()),
    };
    let scheduled = match scheduling {
        Some(scheduling) => scheduling.stopped().await,
        None => Ok(()),
    };
    drop(parts);
    control.await.context("the control socket broke off")?;
    close(runtime).await?;
    worked.and(scheduled)?;
    Ok(ExitCode::SUCCESS)
}

async fn wait_for_signal(shutdown: CancellationToken) {
    let (Ok(mut term), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be received: only SIGKILL stops this server");
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    tracing::info!("shutting down: finishing what is in flight");
    shutdown.cancel();
    // A second signal does not wait.
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    std::process::exit(130);
}

async fn close(runtime: Arc<Runtime>) -> anyhow::Result<()> {
    match Arc::try_unwrap(runtime) {
        Ok(runtime) => runtime.close().await,
        // A command line that still listens keeps it; the log is durable either way.
        Err(_) => Ok(()),
    }
}

/// Logs go to stderr. A line for each request is there when asked for
/// (`THEAZO_LOG_LEVEL=info`); by default only those that went wrong on our side are.
fn init_tracing() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("THEAZO_LOG_LEVEL")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(LOGGED));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}
