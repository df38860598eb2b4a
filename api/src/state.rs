use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use theazo_commands::Commander;
use theazo_domain::providers::ProviderKind;
use theazo_projections::{ChainKey, ReadModels};
use theazo_providers::Health;
use theazo_providers::SandboxGateway;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cursor::Cursors;
use crate::idempotency::{Idempotency, IdempotencyStore};
use crate::keys::KeyRing;
use crate::proxy::{PortProxy, PublicUrl, PublicUrlError};
use crate::rate::RateLimiter;
use crate::{ApiConfig, metrics};

/// Whether the providers of this deployment can take work.
#[async_trait]
pub trait ProviderHealth: Send + Sync + 'static {
    /// As it was when it was last looked at; `None` when it is not known.
    fn last(&self, provider: ProviderKind) -> Option<Health>;

    /// Looks now. `None`: this deployment has no such provider.
    async fn check(&self, provider: ProviderKind) -> Option<Health>;
}

/// What the API is made of.
pub struct AppParts {
    pub commander: Arc<Commander>,
    pub reads: ReadModels,
    pub gateway: Arc<dyn SandboxGateway>,
    pub health: Arc<dyn ProviderHealth>,
    /// The providers that agents of live keys can run on.
    pub available: Vec<ProviderKind>,
    /// Signs cursors: `MasterKey::derive("cursors")`.
    pub cursor_key: [u8; 32],
    /// What the checkpoints of the hash chain were signed with.
    pub chain_key: ChainKey,
    pub idempotency: Arc<dyn IdempotencyStore>,
    pub config: ApiConfig,
}

/// Shared by all requests. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

pub struct Inner {
    pub commander: Arc<Commander>,
    pub reads: ReadModels,
    pub gateway: Arc<dyn SandboxGateway>,
    pub health: Arc<dyn ProviderHealth>,
    pub available: Vec<ProviderKind>,
    pub config: ApiConfig,
    pub public_url: PublicUrl,
    pub(crate) proxy: PortProxy,
    pub(crate) chain_key: ChainKey,
    /// Held by the verification of a hash chain that is under way.
    pub(crate) verifying: tokio::sync::Mutex<()>,
    pub(crate) cursors: Cursors,
    pub(crate) keys: KeyRing,
    pub(crate) rate: RateLimiter,
    pub(crate) idempotency: Idempotency,
    pub(crate) routes: metrics::Routes,
    /// Requests that go on when their caller goes away, and connections into sandboxes: what a
    /// shutdown waits for.
    pub(crate) tasks: TaskTracker,
    /// Closes tunnels into sandboxes, which have no end of their own.
    tunnels: CancellationToken,
    draining: AtomicBool,
}

impl std::ops::Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl AppState {
    /// Starts what runs beside the requests (the key ring's subscription, sweeps) until `stop`.
    ///
    /// # Errors
    /// When `config.public_url` is not an origin.
    pub fn start(parts: AppParts, stop: CancellationToken) -> Result<Self, PublicUrlError> {
        let public_url: PublicUrl = parts.config.public_url.parse()?;
        let (tasks, tunnels) = (TaskTracker::new(), stop.child_token());
        let (gateway, origin) = (parts.gateway.clone(), public_url.clone());
        let proxy = PortProxy::new(gateway, origin, tasks.clone(), tunnels.clone());
        let keys = KeyRing::new(parts.reads.clone());
        let idempotency = Idempotency::new(parts.idempotency, parts.commander.vault.clone());
        let state = Self(Arc::new(Inner {
            commander: parts.commander,
            reads: parts.reads,
            gateway: parts.gateway,
            health: parts.health,
            available: parts.available,
            config: parts.config,
            public_url,
            proxy,
            chain_key: parts.chain_key,
            verifying: tokio::sync::Mutex::default(),
            cursors: Cursors::new(parts.cursor_key),
            keys,
            rate: RateLimiter::new(),
            idempotency,
            routes: metrics::Routes::default(),
            tasks,
            tunnels,
            draining: AtomicBool::new(false),
        }));
        let log = state.commander.log().clone();
        // They only keep what is in memory and what has expired: nobody need wait for their end.
        tokio::spawn(state.keys.clone().follow(log, stop.clone()));
        tokio::spawn(state.idempotency.clone().sweep(stop.clone()));
        tokio::spawn(crate::rate::sweep(state.clone(), stop));
        Ok(state)
    }

    /// A shutdown begins.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.tunnels.cancel();
    }

    /// Whether a shutdown has begun.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}
