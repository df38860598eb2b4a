//! The worker role: a host of sandboxes and runs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use theazo_domain::providers::ProviderKind;
use theazo_log::bus::Bus;
use theazo_providers::local::{LocalConfig, LocalProvider};
use theazo_providers::{MockProvider, ProviderError};
use theazo_workers::{Host, ProviderSet, Runner, serve_sandboxes, start_host};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Parts, identity, watch};
use crate::runtime::Runtime;

/// The wait before a bus that broke is listened to again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

pub struct Worker {
    pub host: Arc<Host>,
    /// Whether it can isolate agents of live keys.
    pub local: Option<Arc<LocalProvider>>,
    tasks: JoinHandle<anyhow::Result<()>>,
}

impl Worker {
    pub async fn start(parts: &Parts) -> anyhow::Result<Self> {
        let runtime = &parts.runtime;
        let name = match runtime.is_embedded() {
            true => identity::SOLE.to_owned(),
            false => {
                let chosen = parts.config.deployment.host_name.as_deref();
                identity::host_name(&runtime.folder()?.path, chosen)?
            }
        };
        let (providers, local) = providers(runtime, &name).await?;
        let commander = runtime.commander.clone();
        let host = match runtime.is_embedded() {
            true => Host::sole(&name, commander, providers),
            false => {
                tracing::info!(host = name, "this process is a worker host");
                Host::one_of_several(&name, commander, providers)
            }
        };
        let runner = Arc::new(Runner {
            host: host.clone(),
            models: parts.models.clone(),
            tools: parts.tools.clone(),
            live: parts.live.clone(),
        });
        let last_alive = match runtime.is_embedded() {
            // By the log.
            true => None,
            false => identity::last_alive(&runtime.folder()?.path),
        };
        let (slots, bus, stop) = (parts.config.workers, runtime.bus.clone(), parts.stop.clone());
        let mut tasks =
            start_host(runner, slots, &runtime.reads, bus, last_alive, stop.clone()).await?;
        if !runtime.is_embedded() {
            let (host, bus) = (host.clone(), runtime.bus.clone());
            tasks.spawn(answer_others(host, bus, stop.clone()));
            tasks.spawn(identity::stay_alive(runtime.folder()?.path.clone(), stop));
        }
        let shutdown = parts.shutdown.clone();
        let tasks = watch::ended_or_shut_down("the worker host", tasks, shutdown);
        Ok(Self { host, local, tasks: tokio::spawn(tasks) })
    }

    /// Waits for the end that was asked for.
    ///
    /// # Errors
    /// When it came to an end before.
    pub async fn stopped(self) -> anyhow::Result<()> {
        let ended = self.tasks.await.context("the worker host broke off")?;
        if let Some(local) = self.local {
            local.shut_down().await?;
        }
        ended.context("the worker host broke off")
    }
}

/// Answers what other processes ask of this host's sandboxes, until `stop`.
async fn answer_others(host: Arc<Host>, bus: Arc<dyn Bus>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let Err(error) = serve_sandboxes(host.clone(), bus.clone(), stop.clone()).await else {
            return;
        };
        tracing::error!(%error, "other processes cannot reach this host; trying again");
        stop.run_until_cancelled(tokio::time::sleep(TRY_AGAIN)).await;
    }
}

/// The providers of this machine. Without a safe sandbox the server still serves test keys.
async fn providers(
    runtime: &Runtime,
    host: &str,
) -> anyhow::Result<(ProviderSet, Option<Arc<LocalProvider>>)> {
    let folder = &runtime.folder()?.path;
    let mock = MockProvider::open(&folder.join("mock"))?;
    let set = ProviderSet::default().with(ProviderKind::Mock, Arc::new(mock));
    let spawner = vec![std::env::current_exe()?.into(), crate::SPAWNER.into()];
    let config = LocalConfig::new(folder.join("sandboxes"), spawner);
    let config = LocalConfig { uid_base: identity::uid_base(host), ..config };
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
