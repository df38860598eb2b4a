//! `theazo serve`: every role in one process.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use theazo_api::{ApiConfig, AppParts, AppState, SqliteIdempotency, ToolInfo};
use theazo_domain::providers::ProviderKind;
use theazo_log::bus::{Bus, LocalBus};
use theazo_log::live::Live;
use theazo_models::Models;
use theazo_providers::local::{LocalConfig, LocalProvider};
use theazo_providers::{MockProvider, ProviderError};
use theazo_workers::tools::{Registry, ToolSpec};
use theazo_workers::{Host, ProviderSet, Runner, Scheduler, Webhooks, start_host};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::bootstrap::{self, FirstKeys};
use crate::config::Config;
use crate::control;
use crate::health::Providers;
use crate::runtime::Runtime;

/// What a host calls itself in events. One process is one host.
const HOST: &str = "embedded";
/// How long a worker host may be silent before it is lost.
const HOST_LEASE: std::time::Duration = std::time::Duration::from_secs(30);
/// Where the other commands look for a server when they are not told.
const DEFAULT_ADDRESS: &str = "127.0.0.1:7070";

pub async fn run(config: Config) -> anyhow::Result<ExitCode> {
    init_tracing();
    let runtime = Arc::new(Runtime::open(&config).await?);
    let listener = TcpListener::bind(&config.listen).await.with_context(|| {
        format!("cannot listen on {}; choose another with --listen", config.listen)
    })?;
    let stop = CancellationToken::new();
    let (providers, local) = providers(&runtime).await?;
    let available = local.iter().map(|_| ProviderKind::Local).collect();
    let host = Host::sole(HOST, runtime.commander.clone(), providers.clone());
    let models = Models::new(config.models()).context("the models' HTTP client")?;
    let tools = Registry::built_in(config.tools());
    let live = Live::new();
    let runner = Arc::new(Runner {
        host: host.clone(),
        models: models.clone(),
        tools: tools.clone(),
        live: live.clone(),
    });
    let webhooks = Webhooks {
        client: theazo_models::net::guarded_client(config.allow_private_networks)?,
        key: runtime.webhook_key(),
    };
    let bus: Arc<dyn Bus> = Arc::new(LocalBus::new());
    let (reads, slots) = (runtime.reads.clone(), config.workers);
    let mut workers = start_host(runner, slots, &reads, bus.clone(), None, stop.clone()).await?;
    let scheduler = Scheduler {
        host: host.clone(),
        webhooks: Arc::new(webhooks),
        reads,
        bus,
        host_lease: HOST_LEASE,
    };
    let mut managers = scheduler.start(stop.clone()).await?;
    let keys = bootstrap::run(&runtime, config.bootstrap_keys()).await?;
    let address = listener.local_addr()?;
    let public_url =
        config.public_url.clone().unwrap_or_else(|| format!("http://localhost:{}", address.port()));
    let state = AppState::start(
        AppParts {
            commander: runtime.commander.clone(),
            reads: runtime.reads.clone(),
            gateway: host.gateway(),
            health: Arc::new(Providers::new(providers)),
            available,
            models,
            live,
            tools: tools.specs().map(tool_info).collect(),
            webhook_key: runtime.webhook_key(),
            chain_key: runtime.chain_key(),
            cursor_key: runtime.master.derive("cursors"),
            idempotency: Arc::new(
                SqliteIdempotency::open(&runtime.folder.path.join("idempotency.sqlite")).await?,
            ),
            config: ApiConfig {
                allow_private_networks: config.allow_private_networks,
                ..ApiConfig::new(public_url.clone(), &runtime.folder.path)
            },
        },
        stop.clone(),
    )?;
    let control = tokio::spawn(control::serve(runtime.clone(), stop.clone()));
    let shutdown = CancellationToken::new();
    tokio::spawn(wait_for_signal(shutdown.clone()));
    announce(&config, &address.to_string(), &public_url, &keys);
    theazo_api::serve(listener, state, shutdown).await?;
    // In order: no more requests, then what reacts to them, then what stores.
    stop.cancel();
    while workers.join_next().await.is_some() {}
    while managers.join_next().await.is_some() {}
    if let Some(local) = local {
        local.shut_down().await?;
    }
    control.await.context("the control socket broke off")?;
    close(runtime).await?;
    Ok(ExitCode::SUCCESS)
}

/// The providers of this machine. Without a safe sandbox the server still serves test keys.
async fn providers(runtime: &Runtime) -> anyhow::Result<(ProviderSet, Option<Arc<LocalProvider>>)> {
    let mock = MockProvider::open(&runtime.folder.path.join("mock"))?;
    let set = ProviderSet::default().with(ProviderKind::Mock, Arc::new(mock));
    let spawner = vec![std::env::current_exe()?.into(), crate::SPAWNER.into()];
    let config = LocalConfig::new(runtime.folder.path.join("sandboxes"), spawner);
    match LocalProvider::start(config).await {
        Ok(local) => Ok((set.with(ProviderKind::Local, local.clone()), Some(local))),
        Err(ProviderError::Unsupported(missing)) => {
            tracing::error!(
                "this machine cannot isolate agents, so live keys cannot create them: {missing}; \
                 `theazo doctor` says how to mend it"
            );
            Ok((set, None))
        }
        Err(error) => bail!("the local provider cannot start: {error}"),
    }
}

fn tool_info(spec: &ToolSpec) -> ToolInfo {
    ToolInfo {
        name: spec.name.to_owned(),
        description: spec.description.to_owned(),
        input_schema: spec.input_schema.clone(),
        repeatable: spec.repeatable,
        mutates: spec.mutates,
    }
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
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,theazo_api::edge=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}

/// Says where it listens, and shows first keys, once.
fn announce(config: &Config, address: &str, public_url: &str, keys: &FirstKeys) {
    if config.listen.ends_with(":0") {
        println!("{}", serde_json::json!({ "listening": address }));
        return;
    }
    println!("Theazo listens on http://{address} (data in {})", config.data_dir.display());
    if let Some(live) = &keys.live {
        println!("\n  live key  {live}");
    }
    if let Some(test) = &keys.test {
        println!("  test key  {test}");
    }
    if keys.live.is_some() || keys.test.is_some() {
        println!("\nThese keys are shown this once. More: theazo keys create");
    }
    let key = keys.live.as_deref().unwrap_or("$THEAZO_API_KEY");
    println!("\nTry, in another terminal:");
    let to =
        if address == DEFAULT_ADDRESS { String::new() } else { format!(" --url http://{address}") };
    println!("  target/release/theazo demo{to}");
    println!(
        "  curl {public_url}/v1/sessions -H 'Authorization: Bearer {key}' \\\n       \
         -H 'Content-Type: application/json' -d '{{\"userId\": \"user_123\"}}'"
    );
    println!("  target/release/theazo log read");
    println!("\nThe API's reference: {public_url}/docs");
}
