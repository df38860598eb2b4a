//! The providers' health, as the API asks for it.

use std::collections::HashMap;

use async_trait::async_trait;
use parking_lot::Mutex;
use theazo_api::ProviderHealth;
use theazo_domain::providers::ProviderKind;
use theazo_providers::Health;
use theazo_workers::ProviderSet;

pub struct Providers {
    set: ProviderSet,
    last: Mutex<HashMap<ProviderKind, Health>>,
}

impl Providers {
    pub fn new(set: ProviderSet) -> Self {
        Self { set, last: Mutex::default() }
    }
}

#[async_trait]
impl ProviderHealth for Providers {
    fn last(&self, provider: ProviderKind) -> Option<Health> {
        self.last.lock().get(&provider).cloned()
    }

    async fn check(&self, provider: ProviderKind) -> Option<Health> {
        let health = self.set.get(provider).ok()?.health().await;
        self.last.lock().insert(provider, health.clone());
        Some(health)
    }
}
