//! The API role.

use std::sync::Arc;

use theazo_api::{
    ApiConfig, AppParts, AppState, IdempotencyStore, PostgresIdempotency, Shared,
    SqliteIdempotency, ToolInfo,
};
use theazo_domain::providers::ProviderKind;
use theazo_workers::tools::ToolSpec;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::health::{Providers, Where};
use super::worker::Worker;
use super::{Parts, announce, gateway};
use crate::bootstrap;

/// Serves until `shutdown`, and then until what is in flight has ended.
pub async fn serve(
    parts: &Parts,
    worker: Option<&Worker>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let (config, runtime) = (&parts.config, &parts.runtime);
    let keys = bootstrap::run(runtime, config.bootstrap_keys()).await?;
    let address = listener.local_addr()?;
    let public_url =
        config.public_url.clone().unwrap_or_else(|| format!("http://localhost:{}", address.port()));
    let folder = &runtime.folder()?.path;
    let state = AppState::start(
        AppParts {
            commander: runtime.commander.clone(),
            reads: runtime.reads.clone(),
            gateway: gateway::open(parts, worker).await?,
            health: Arc::new(Providers::new(providers(parts, worker))),
            available: available(parts, worker),
            models: parts.models.clone(),
            billers: runtime.billers.clone(),
            live: parts.live.clone(),
            tools: parts.tools.specs().map(tool_info).collect(),
            webhook_key: runtime.webhook_key(),
            chain_key: runtime.chain_key(),
            cursor_key: runtime.master.derive("cursors"),
            idempotency: idempotency(parts).await?,
            shared: limits(parts).await?,
            warnings: runtime.warnings(),
            config: ApiConfig {
                allow_private_networks: config.allow_private_networks,
                ..ApiConfig::new(public_url.clone(), folder)
            },
        },
        parts.stop.clone(),
    )?;
    announce::api(config, &address.to_string(), &public_url, &keys);
    theazo_api::serve(listener, state, shutdown).await?;
    Ok(())
}

fn providers(parts: &Parts, worker: Option<&Worker>) -> Where {
    match worker {
        Some(worker) if parts.runtime.is_embedded() => Where::Here(worker.host.providers().clone()),
        _ => Where::Hosts(parts.runtime.bus.clone()),
    }
}

/// What agents of live keys can run on. In a cluster some host has it, or will: they wait for one.
fn available(parts: &Parts, worker: Option<&Worker>) -> Vec<ProviderKind> {
    let here = worker.is_some_and(|worker| worker.local.is_some());
    match here || !parts.runtime.is_embedded() {
        true => vec![ProviderKind::Local],
        false => vec![],
    }
}

async fn idempotency(parts: &Parts) -> anyhow::Result<Arc<dyn IdempotencyStore>> {
    Ok(match &parts.runtime.shared {
        Some(shared) => Arc::new(PostgresIdempotency::open(shared.stores.clone()).await?),
        None => {
            let path = parts.runtime.folder()?.path.join("idempotency.sqlite");
            Arc::new(SqliteIdempotency::open(&path).await?)
        }
    })
}

/// What a cluster's processes count together.
async fn limits(parts: &Parts) -> anyhow::Result<Option<Shared>> {
    Ok(match &parts.runtime.shared {
        Some(shared) => Some(Shared::postgres(shared.stores.clone()).await?),
        None => None,
    })
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
