use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use theazo_billing::push::{Billers, Patience};
use theazo_commands::{AgentOptions, Blobs, Commander, MasterKey, Origin, Vault};
use theazo_domain::agent::{Agent, AgentCommand, AgentState};
use theazo_domain::providers::ProviderKind;
use theazo_domain::session::{CreateSession, Limits};
use theazo_domain::{
    Actor, AgentId, Aggregate, ExecutionId, Mode, OrgId, RequestId, Scope, SessionId, StreamId,
};
use theazo_log::bus::LocalBus;
use theazo_log::live::Live;
use theazo_log::{EventLog, SqliteLog, SqliteOptions};
use theazo_models::net::guarded_client;
use theazo_models::{Models, ModelsConfig};
use theazo_projections::{ChainKey, Options, Projector, ReadModels};
use theazo_providers::{Call, ExecAnswer, GatewayError, Lang};
use theazo_workers::tools::{Registry, ToolsConfig};
use theazo_workers::{Host, ProviderSet, Runner, Scheduler, Webhooks, start_host};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::provider::Scripted;

pub const PATIENCE: Duration = Duration::from_secs(20);
/// Tasks that run at the same time.
const SLOTS: usize = 4;

/// A server without an API. Dropping it without [`World::stop`] is a crash.
pub struct World {
    pub commander: Arc<Commander>,
    pub log: Arc<SqliteLog>,
    pub host: Arc<Host>,
    pub provider: Arc<Scripted>,
    pub reads: ReadModels,
    tasks: Vec<JoinHandle<()>>,
    stop: CancellationToken,
    folder: Folder,
}

enum Folder {
    Own(TempDir),
    Given(PathBuf),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Folder::Own(dir) => dir.path(),
            Folder::Given(path) => path,
        }
    }
}

pub fn scope() -> Scope {
    Scope { org: OrgId::from_uuid(Uuid::from_u128(1)), mode: Mode::Live }
}

/// On an address where nobody listens.
pub fn billers() -> Arc<Billers> {
    Arc::new(Billers {
        client: guarded_client(false).unwrap(),
        stripe_url: "http://stripe.invalid".to_owned(),
        metronome_url: "http://metronome.invalid".to_owned(),
        patience: Patience::default(),
    })
}

pub fn origin() -> Origin {
    Origin::system(scope(), "test")
}

pub fn call() -> Call {
    let request_id = RequestId::from_uuid(Uuid::from_u128(5));
    Call { scope: scope(), actor: Actor::Cli, request_id }
}

pub fn execution(n: u128) -> ExecutionId {
    ExecutionId::from_uuid(Uuid::from_u128(n))
}

impl World {
    pub async fn new() -> Self {
        Self::open(Folder::Own(tempfile::tempdir().unwrap()), Scripted::new()).await
    }

    /// Only a log and what is derived from it: hosts are others' matter.
    pub async fn without_workers() -> Self {
        Self::prepare(Folder::Own(tempfile::tempdir().unwrap()), Scripted::new()).await
    }

    /// What another process has over the same log: it knows nothing that is not there.
    pub fn commander_of_another_process(&self) -> Arc<Commander> {
        let (vault, blobs) = (self.commander.vault.clone(), self.commander.blobs.clone());
        Arc::new(Commander::new(self.log.clone(), vault, blobs))
    }

    /// A world on a folder that outlives it.
    pub async fn on(folder: &Path, provider: Arc<Scripted>) -> Self {
        Self::open(Folder::Given(folder.to_owned()), provider).await
    }

    /// Where the blobs are.
    pub fn blobs(&self) -> PathBuf {
        self.folder.path().join("blobs")
    }

    async fn open(folder: Folder, provider: Arc<Scripted>) -> Self {
        let mut world = Self::prepare(folder, provider).await;
        world.start_workers().await;
        world
    }

    async fn prepare(folder: Folder, provider: Arc<Scripted>) -> Self {
        let path = folder.path();
        let log = SqliteLog::open(SqliteOptions::new(path.join("log"))).await.unwrap();
        let options = Options::new(ChainKey::new(vec![1; 32]));
        let reads = ReadModels::open(&path.join("reads"), options).await.unwrap();
        let master = MasterKey::load_or_create(&path.join("master.key")).unwrap();
        let vault = Vault::open(&path.join("keys"), &master).await.unwrap();
        let blobs = Blobs::in_folder(&path.join("blobs")).unwrap();
        let commander = Arc::new(Commander::new(log.clone(), vault, blobs));
        let stop = CancellationToken::new();
        let projector = Projector::start(log.clone(), reads.clone(), stop.clone());
        let set = ProviderSet::default().with(ProviderKind::Local, provider.clone());
        let host = Host::sole("test", commander.clone(), set);
        Self { commander, log, host, provider, reads, tasks: vec![projector], stop, folder }
    }

    async fn start_workers(&mut self) {
        let (host, stop) = (self.host.clone(), self.stop.clone());
        let runner = Arc::new(Runner {
            host: host.clone(),
            models: Models::new(ModelsConfig::default()).unwrap(),
            tools: Registry::built_in(ToolsConfig::default()),
            live: Live::new(),
        });
        let webhooks = Webhooks { client: guarded_client(false).unwrap(), key: [2; 32] };
        let webhooks = Arc::new(webhooks);
        let bus = Arc::new(LocalBus::new());
        let reads = self.reads.clone();
        let started = start_host(runner, SLOTS, &reads, bus.clone(), None, stop.clone()).await;
        let mut workers = started.unwrap();
        let host_lease = Duration::from_secs(30);
        let billers = billers();
        let scheduler = Scheduler { host: host.clone(), webhooks, billers, reads, bus, host_lease };
        let mut managers = scheduler.start(stop.clone()).await.unwrap();
        let workers = tokio::spawn(async move { while workers.join_next().await.is_some() {} });
        let managers = tokio::spawn(async move { while managers.join_next().await.is_some() {} });
        self.tasks.extend([workers, managers]);
    }

    pub async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
        self.log.close().await;
        drop(self.folder);
    }

    pub async fn session(&self, max_agents: Option<u32>) -> SessionId {
        let create = CreateSession {
            session_id: theazo_commands::session::new_id(&origin()),
            user_id: "u".to_owned(),
            limits: Limits { max_agents, ..Limits::default() },
            model: None,
            compute: None,
            metadata: Default::default(),
            webhook: None,
        };
        self.commander.create_session(&origin(), create).await.unwrap().state.id
    }

    pub async fn create(&self, session: SessionId) -> AgentId {
        let spec = self.spec(session).await;
        let id = theazo_commands::agent::new_id(&origin());
        self.commander.create_agent(&origin(), session, id, spec).await.unwrap();
        id
    }

    /// An agent that is idle.
    pub async fn agent(&self) -> AgentId {
        let id = self.create(self.session(None).await).await;
        self.agent_until(id, |agent| agent.state == AgentState::Idle).await;
        id
    }

    pub async fn agent_until(&self, id: AgentId, reached: impl Fn(&Agent) -> bool) -> Arc<Agent> {
        self.until(&StreamId::agent(scope(), id), reached).await
    }

    pub async fn until<A: Aggregate>(
        &self,
        stream: &StreamId,
        reached: impl Fn(&A) -> bool,
    ) -> Arc<A> {
        let waited = self.commander.wait_until(stream, PATIENCE, reached).await.unwrap();
        let Some((state, _)) = waited else {
            panic!("{stream} did not get there: {:?}", self.history().await);
        };
        state
    }

    pub async fn ask(&self, id: AgentId, command: AgentCommand) {
        self.commander.agent(&origin(), id, &command).await.unwrap();
    }

    pub async fn exec(
        &self,
        agent: AgentId,
        n: u128,
        code: &str,
    ) -> Result<ExecAnswer, GatewayError> {
        let gateway = self.host.gateway();
        gateway.exec(call(), agent, execution(n), Lang::Bash, code.to_owned()).await
    }

    pub async fn spec(&self, session: SessionId) -> theazo_domain::agent::AgentSpec {
        let options = AgentOptions::default();
        let available = [ProviderKind::Local];
        self.commander.resolve_agent(scope(), session, options, &available).await.unwrap()
    }

    pub async fn load<A: Aggregate>(&self, stream: &StreamId) -> Arc<A> {
        self.commander.load_fresh::<A>(stream).await.unwrap().state.unwrap()
    }

    /// Everything in the log, as text.
    pub async fn log_text(&self) -> String {
        let all = self.log.read(&Default::default(), Default::default(), 10_000).await.unwrap();
        all.iter().map(|commit| serde_json::to_string(&commit.events).unwrap()).collect()
    }

    /// Stops what reacts to the log, and leaves the log open.
    pub async fn stop_workers(&self) {
        self.stop.cancel();
        while self.running() {
            tokio::task::yield_now().await;
        }
    }

    fn running(&self) -> bool {
        self.tasks.iter().any(|task| !task.is_finished())
    }

    /// The types of every event in the log, in order.
    pub async fn history(&self) -> Vec<&'static str> {
        let commits = self.log.read(&Default::default(), Default::default(), 10_000).await.unwrap();
        commits.iter().flat_map(|c| c.events.iter().map(|e| e.event_type().name)).collect()
    }
}
