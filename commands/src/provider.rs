//! The compute providers that an org has configured.

use std::sync::Arc;

use theazo_domain::providers::{ProviderKind, Providers, ProvidersCommand};
use theazo_domain::{Kind, Scope, StreamId};

use crate::{CommandError, Commander, Done, Origin, Owner};

impl Commander {
    pub async fn providers(&self, scope: Scope) -> Result<Arc<Providers>, CommandError> {
        let stream = StreamId::singleton(scope, Kind::Providers);
        Ok(self.load::<Providers>(&stream).await?.state.unwrap_or_default())
    }

    /// `credentials` is the JSON object of the request; it is sealed before it goes anywhere.
    pub async fn configure_provider(
        &self,
        origin: &Origin,
        provider: ProviderKind,
        credentials: &[u8],
        is_default: bool,
    ) -> Result<Done<Providers>, CommandError> {
        let purpose = format!("provider {provider}");
        let credentials = self.vault.seal(origin.scope, Owner::Org, &purpose, credentials).await?;
        let stream = StreamId::singleton(origin.scope, Kind::Providers);
        let configure = ProvidersCommand::Configure { provider, credentials, is_default };
        self.execute(origin, &stream, &configure).await
    }

    /// `active_agents`: how many live agents run on it, by the read model.
    pub async fn remove_provider(
        &self,
        origin: &Origin,
        provider: ProviderKind,
        active_agents: u64,
    ) -> Result<Done<Providers>, CommandError> {
        let stream = StreamId::singleton(origin.scope, Kind::Providers);
        self.execute(origin, &stream, &ProvidersCommand::Remove { provider, active_agents }).await
    }
}
