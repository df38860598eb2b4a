use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use theazo_billing::push::Billers;
use theazo_commands::Commander;
use theazo_domain::providers::ProviderKind;
use theazo_log::live::Live;
use theazo_models::Models;
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
use crate::shared::Shared;
use crate::stream::Streams;
use crate::{ApiConfig, metrics};

/// Whether the providers of this deployment can take work.
#[async_trait]
pub trait ProviderHealth: Send + Sync + 'static {
    /// As it was when it was last looked at; `None` when it is not known.
    fn last(&self, provider: ProviderKind) -> Option<Health>;

    /// Looks now. `None`: this deployment has no such provider.
    async fn check(&self, provider: ProviderKind) -> Option<Health>;
}

/// A tool that agents can be given, as `GET /v1/tools` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolInfo {
    pub name: String,
    /// What it does, as models are told.
    pub description: String,
    /// A JSON Schema of type `object`.
    pub input_schema: serde_json::Value,
    /// Whether it may be done again when what came of it is not known.
    pub repeatable: bool,
    /// Whether it changes anything.
    pub mutates: bool,
}

/// What the API is made of.
pub struct AppParts {
    pub commander: Arc<Commander>,
    pub reads: ReadModels,
    pub gateway: Arc<dyn SandboxGateway>,
    pub health: Arc<dyn ProviderHealth>,
    /// The providers that agents of live keys can run on.
    pub available: Vec<ProviderKind>,
    /// Who agents think with, and what that costs.
    pub models: Models,
    /// Who is asked for their sums when a bill is verified.
    pub billers: Arc<Billers>,
    /// What models are saying right now, in this process.
    pub live: Live,
    /// The built-in tools, in the order in which they are shown.
    pub tools: Vec<ToolInfo>,
    /// Signs cursors: `MasterKey::derive("cursors")`.
    pub cursor_key: [u8; 32],
    /// What the secrets that sign webhooks are derived from: `MasterKey::derive("webhooks")`.
    pub webhook_key: [u8; 32],
    /// What the checkpoints of the hash chain were signed with.
    pub chain_key: ChainKey,
    pub idempotency: Arc<dyn IdempotencyStore>,
    /// Where this deployment keeps less than it promises, for its operator.
    pub warnings: Vec<String>,
    /// Where limits are counted; in this process when it is the only one.
    pub shared: Option<Shared>,
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
    pub models: Models,
    pub billers: Arc<Billers>,
    pub live: Live,
    pub tools: Vec<ToolInfo>,
    pub(crate) warnings: Vec<String>,
    pub config: ApiConfig,
    pub public_url: PublicUrl,
    pub(crate) proxy: PortProxy,
    pub(crate) chain_key: ChainKey,
    pub(crate) webhook_key: [u8; 32],
    /// Held by the verification of a hash chain that is under way.
    pub(crate) verifying: tokio::sync::Mutex<()>,
    pub(crate) cursors: Cursors,
    pub(crate) keys: KeyRing,
    pub(crate) rate: RateLimiter,
    pub(crate) streams: Streams,
    pub(crate) idempotency: Idempotency,
    pub(crate) routes: metrics::Routes,
    /// Requests that go on when their caller goes away, and connections into sandboxes: what a
    /// shutdown waits for.
    pub(crate) tasks: TaskTracker,
    /// Ends what has no end of its own, or one that is far: tunnels into sandboxes, long polls,
    /// streams.
    closing: CancellationToken,
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
        let (tasks, closing) = (TaskTracker::new(), stop.child_token());
        let (gateway, origin) = (parts.gateway.clone(), public_url.clone());
        let proxy = PortProxy::new(gateway, origin, tasks.clone(), closing.clone());
        let keys = KeyRing::new(parts.reads.clone());
        let streams = Streams::new(
            parts.commander.clone(),
            parts.live.clone(),
            &parts.config,
            parts.shared.as_ref().map(|shared| shared.streams.clone()),
            (tasks.clone(), closing.clone()),
        );
        let idempotency = Idempotency::new(parts.idempotency, parts.commander.vault.clone());
        let state = Self(Arc::new(Inner {
            commander: parts.commander,
            reads: parts.reads,
            gateway: parts.gateway,
            health: parts.health,
            available: parts.available,
            models: parts.models,
            billers: parts.billers,
            live: parts.live,
            tools: parts.tools,
            warnings: parts.warnings,
            config: parts.config,
            public_url,
            proxy,
            chain_key: parts.chain_key,
            webhook_key: parts.webhook_key,
            verifying: tokio::sync::Mutex::default(),
            cursors: Cursors::new(parts.cursor_key),
            keys,
            rate: RateLimiter::new(parts.shared.map(|shared| shared.rates)),
            streams,
            idempotency,
            routes: metrics::Routes::default(),
            tasks,
            closing,
            draining: AtomicBool::new(false),
        }));
        let log = state.commander.log().clone();
        // They only keep what is in memory and what has expired: nobody need wait for their end.
        tokio::spawn(state.keys.clone().follow(log, stop.clone()));
        tokio::spawn(state.idempotency.clone().sweep(stop.clone()));
        tokio::spawn(state.streams.clone().beat(stop.clone()));
        tokio::spawn(crate::rate::sweep(state.clone(), stop));
        Ok(state)
    }

    /// A shutdown begins.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.closing.cancel();
    }

    /// Cancelled when a shutdown begins: what a request waits for is over then.
    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Streams that are open on this process.
    pub fn open_streams(&self) -> usize {
        self.streams.count()
    }

    /// Whether a shutdown has begun.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}
