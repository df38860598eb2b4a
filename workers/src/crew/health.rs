//! Whether some host can run agents on a provider, for processes that have none themselves.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use theazo_domain::providers::ProviderKind;
use theazo_log::bus::{Bus, BusError, Message};
use theazo_providers::Health;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Host;

const PATIENCE: Duration = Duration::from_secs(10);

fn subject(provider: ProviderKind) -> String {
    format!("crew.health.{provider}")
}

/// Answers for the providers of `host` until `stop`.
///
/// # Errors
/// When the bus cannot be reached.
pub(crate) async fn answer(
    host: Arc<Host>,
    bus: Arc<dyn Bus>,
    stop: CancellationToken,
) -> Result<impl Future<Output = ()>, BusError> {
    let mut asked = Vec::new();
    for (kind, provider) in host.providers.iter() {
        let requests = bus.subscribe(&subject(kind)).await?;
        let provider = provider.clone();
        asked.push(requests.map(move |request| (request, provider.clone())));
    }
    Ok(async move {
        let mut requests = futures::stream::select_all(asked);
        let answering = TaskTracker::new();
        while let Some(Some((request, provider))) = stop.run_until_cancelled(requests.next()).await
        {
            let bus = bus.clone();
            answering.spawn(async move { say(&*bus, &request, provider.health().await).await });
        }
        answering.close();
        answering.wait().await;
    })
}

async fn say(bus: &dyn Bus, request: &Message, health: Health) {
    let said = match serde_json::to_vec(&health) {
        Ok(bytes) => request.answer(bus, bytes.into()).await,
        Err(error) => return tracing::error!(%error, "a provider's health cannot be written"),
    };
    if let Err(error) = said {
        tracing::debug!(%error, "nobody heard how a provider is");
    }
}

/// How `provider` is on the host that answers first; `None` when no host has it.
pub async fn ask_health(bus: &dyn Bus, provider: ProviderKind) -> Option<Health> {
    let asked = bus.request(&subject(provider), bytes::Bytes::new(), PATIENCE).await;
    let unwell = |message: String| Some(Health { healthy: false, message });
    match asked {
        Ok(answer) => match serde_json::from_slice(&answer) {
            Ok(health) => Some(health),
            Err(error) => unwell(format!("a worker host's answer cannot be read: {error}")),
        },
        Err(BusError::NobodyThere(_)) => None,
        Err(BusError::Timeout(_)) => unwell("no worker host has answered in time".to_owned()),
        Err(error) => unwell(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use theazo_log::bus::LocalBus;

    use super::*;

    #[tokio::test]
    async fn who_has_no_provider_is_told_so() {
        assert_eq!(ask_health(&LocalBus::new(), ProviderKind::Local).await, None);
    }
}
