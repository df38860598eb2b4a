//! The compute providers that an org has configured, and which of them is its default.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::{Aggregate, Ctx, Event, Kind, Rejection, Sealed, Timestamp};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    Local,
    Docker,
    E2b,
    Fly,
    Webhook,
    /// Deterministic and without compute: what test keys run on.
    Mock,
}

impl ProviderKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            ProviderKind::Local => "local",
            ProviderKind::Docker => "docker",
            ProviderKind::E2b => "e2b",
            ProviderKind::Fly => "fly",
            ProviderKind::Webhook => "webhook",
            ProviderKind::Mock => "mock",
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProviderKind {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        [Self::Local, Self::Docker, Self::E2b, Self::Fly, Self::Webhook, Self::Mock]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| Rejection::not_found("provider"))
    }
}

events! {
    ProvidersEvent {
        Configured = "provider.configured" {
            provider: ProviderKind,
            credentials: Sealed,
            is_default: bool,
        }
        Removed = "provider.removed" {
            provider: ProviderKind,
        }
    }
}

#[derive(Debug, Clone)]
pub enum ProvidersCommand {
    /// Configuring one again replaces its credentials.
    Configure { provider: ProviderKind, credentials: Sealed, is_default: bool },
    /// `active_agents`: how many live agents run on it, by the read model.
    Remove { provider: ProviderKind, active_agents: u64 },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Configured {
    pub credentials: Sealed,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Providers {
    pub configured: BTreeMap<ProviderKind, Configured>,
    pub default: Option<ProviderKind>,
}

impl Aggregate for Providers {
    const KIND: Kind = Kind::Providers;
    type Command = ProvidersCommand;
    type Event = ProvidersEvent;

    fn decide(
        state: Option<&Self>,
        command: &ProvidersCommand,
        _: Ctx,
    ) -> Result<Vec<ProvidersEvent>, Rejection> {
        match command {
            ProvidersCommand::Configure { provider, credentials, is_default } => {
                Ok(vec![ProvidersEvent::Configured {
                    provider: *provider,
                    credentials: credentials.clone(),
                    is_default: *is_default,
                }])
            }
            ProvidersCommand::Remove { provider, active_agents } => {
                if !state.is_some_and(|s| s.configured.contains_key(provider)) {
                    return Err(Rejection::not_found("provider"));
                }
                if *active_agents > 0 {
                    return Err(Rejection::conflict(format!(
                        "{active_agents} agents are active on {provider}; terminate them first.",
                    )));
                }
                Ok(vec![ProvidersEvent::Removed { provider: *provider }])
            }
        }
    }

    fn evolve(state: Option<Self>, event: &ProvidersEvent, at: Timestamp) -> Option<Self> {
        let mut now = state.unwrap_or_default();
        match event {
            ProvidersEvent::Configured { provider, credentials, is_default } => {
                let created_at = now.configured.get(provider).map_or(at, |c| c.created_at);
                let configured = Configured { credentials: credentials.clone(), created_at };
                now.configured.insert(*provider, configured);
                if *is_default {
                    now.default = Some(*provider);
                }
            }
            ProvidersEvent::Removed { provider } => {
                now.configured.remove(provider);
                now.default = now.default.filter(|d| d != provider);
            }
        }
        Some(now)
    }

    fn own(event: &Event) -> Option<&ProvidersEvent> {
        if let Event::Providers(e) = event { Some(e) } else { None }
    }
}
