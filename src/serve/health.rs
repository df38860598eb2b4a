//! The providers' health, as the API asks for it.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use theazo_api::ProviderHealth;
use theazo_domain::providers::ProviderKind;
use theazo_log::bus::Bus;
use theazo_providers::Health;
use theazo_workers::{ProviderSet, ask_health};

/// Who has the providers.
pub enum Where {
    /// This process.
    Here(ProviderSet),
    /// Worker hosts on the bus.
    Hosts(Arc<dyn Bus>),
}

pub struct Providers {
    of: Where,
    last: Mutex<HashMap<ProviderKind, Health>>,
}

impl Providers {
    pub fn new(of: Where) -> Self {
        Self { of, last: Mutex::default() }
    }
}

#[async_trait]
impl ProviderHealth for Providers {
    fn last(&self, provider: ProviderKind) -> Option<Health> {
        self.last.lock().get(&provider).cloned()
    }

    async fn check(&self, provider: ProviderKind) -> Option<Health> {
        let health = match &self.of {
            Where::Here(set) => set.get(provider).ok()?.health().await,
            Where::Hosts(bus) => ask_health(&**bus, provider).await?,
        };
        self.last.lock().insert(provider, health.clone());
        Some(health)
    }
}
