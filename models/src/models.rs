//! The models of a process.

use std::sync::Arc;

use futures::StreamExt;
use futures::future::ready;
use futures::stream::{self, BoxStream};
use secrecy::SecretString;
use theazo_domain::Mode;
use theazo_domain::model::ModelConfig;
use tokio::sync::mpsc;

use crate::breaker::Breakers;
use crate::call::Leg;
use crate::capability::{Capabilities, ModelLimits};
use crate::config::{ModelsConfig, PlatformKey};
use crate::contract::{ModelError, ModelErrorKind, ModelEvent, Prompt};
use crate::drive::{Policy, drive};
use crate::mock::Mock;
use crate::names;
use crate::net::{Client, Guard, NetError};
use crate::prices::PriceTable;
use crate::resolve::Resolver;
use crate::route::{ANTHROPIC, CredentialSource, MOCK, OPENAI, Route, RouteError, Secrets};

/// Deltas that may wait for a slow reader; then the vendor waits.
const BUFFER: usize = 64;

/// Resolves models and asks them. Cheap to clone; clones share connections and breakers.
#[derive(Clone)]
pub struct Models(Arc<Inner>);

struct Inner {
    config: ModelsConfig,
    prices: PriceTable,
    /// For the operator's own addresses.
    open: Client,
    /// For AgentCo's.
    guarded: Client,
    breakers: Breakers,
    mock: Mock,
}

impl Models {
    pub fn new(config: ModelsConfig) -> Result<Self, NetError> {
        Ok(Self(Arc::new(Inner {
            open: Client::new(Guard::new(true))?,
            guarded: Client::new(Guard::new(config.allow_private_networks))?,
            prices: PriceTable::built_in(),
            breakers: Breakers::default(),
            mock: Mock::default(),
            config,
        })))
    }

    /// Where a configured model leads (`None`: the platform's default). Test keys think with the
    /// mock, whatever is configured.
    pub fn route(&self, model: Option<&ModelConfig>, mode: Mode) -> Result<Route, RouteError> {
        Resolver { config: &self.0.config, prices: &self.0.prices }.route(model, mode)
    }

    /// What is wrong with a model wherever it is asked: its name, its shape, its addresses. Whether
    /// there is a key for it is not looked at.
    pub fn check(&self, model: &ModelConfig) -> Result<(), RouteError> {
        let key = || Some(PlatformKey { key: SecretString::from(""), base_url: None });
        let config = ModelsConfig { anthropic: key(), openai: key(), ..self.0.config.clone() };
        Resolver { config: &config, prices: &self.0.prices }
            .route(Some(model), Mode::Live)
            .map(|_| ())
    }

    /// `vendor/model` of a model of the platform's own vendors, however it is named; `None` for
    /// those of gateways.
    pub fn canonical(&self, name: &str) -> Option<String> {
        let (vendor, model) = names::parse(name, &self.0.prices)?;
        Some(format!("{vendor}/{model}"))
    }

    /// Whether the platform has a key of its own with this vendor, or needs none.
    pub fn has_key(&self, vendor: &str) -> bool {
        vendor == MOCK || self.platform_key(vendor).is_some()
    }

    pub fn prices(&self) -> &PriceTable {
        &self.0.prices
    }

    pub fn limits(&self, route: &Route) -> ModelLimits {
        Capabilities::of(route).limits
    }

    /// Asks a route, and its fallbacks if it cannot be had. `secrets` are those of
    /// [`Route::secret_names`]. Dropping the stream ends the call.
    ///
    /// Failures are retried inside as long as nothing was given out and nothing was used; after
    /// that they are the last item of the stream.
    pub fn stream(
        &self,
        route: &Route,
        secrets: &Secrets,
        prompt: Prompt,
    ) -> BoxStream<'static, Result<ModelEvent, ModelError>> {
        let (events, mut receiver) = mpsc::channel(BUFFER);
        let received = stream::poll_fn(move |cx| receiver.poll_recv(cx));
        let routes = std::iter::once(route).chain(&route.fallbacks);
        let legs = (0..).zip(routes).map(|(number, route)| self.leg(number, route, secrets));
        let policy = Policy {
            silence: self.0.config.silence,
            retries: self.0.config.retries,
            breakers: self.0.breakers.clone(),
            mock: self.0.mock.clone(),
        };
        let work = drive(legs.collect(), prompt, policy, events);
        // The work is done by whoever polls the stream: no task outlives it.
        stream::select(received, nothing(work)).boxed()
    }

    fn leg(&self, number: u8, route: &Route, secrets: &Secrets) -> Result<Leg, ModelError> {
        let no_key = |message: String| ModelError {
            leg: number,
            ..ModelError::new(ModelErrorKind::Auth, message)
        };
        let (key, client) = match &route.credential {
            CredentialSource::Platform(vendor) => match self.platform_key(vendor) {
                Some(platform) => (Some(platform.key.clone()), &self.0.open),
                None => {
                    let message = format!("the server was started without a key for {vendor}");
                    return Err(no_key(message));
                }
            },
            CredentialSource::Secret(name) => match secrets.get(name) {
                Some(key) => (Some(key.clone()), &self.0.guarded),
                None => {
                    let message = format!(
                        "there is no secret `{name}`: set it with POST /v1/secrets, or name \
                         another one in `credentialRef`"
                    );
                    return Err(no_key(message));
                }
            },
            CredentialSource::None => (None::<SecretString>, &self.0.guarded),
        };
        Ok(Leg { number, route: route.clone(), key, client: client.clone() })
    }

    fn platform_key(&self, vendor: &str) -> Option<&PlatformKey> {
        match vendor {
            ANTHROPIC => self.0.config.anthropic.as_ref(),
            OPENAI => self.0.config.openai.as_ref(),
            _ => None,
        }
    }
}

/// A stream that does some work and has no items.
fn nothing<T>(work: impl Future<Output = ()>) -> impl futures::Stream<Item = T> {
    stream::once(work).filter_map(|()| ready(None))
}
