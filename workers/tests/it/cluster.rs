//! Several hosts over one log. Each has a runtime of its own, so that it can be killed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use theazo_commands::Commander;
use theazo_domain::agent::{Agent, AgentCommand, AgentState};
use theazo_domain::providers::ProviderKind;
use theazo_domain::{AgentId, Aggregate, SessionId, SnapshotId, StreamId};
use theazo_log::bus::{Bus, BusError, LocalBus, Messages};
use theazo_log::live::Live;
use theazo_models::net::guarded_client;
use theazo_models::{Models, ModelsConfig};
use theazo_providers::{ExecAnswer, GatewayError, Lang, SandboxGateway};
use theazo_workers::tools::{Registry, ToolsConfig};
use theazo_workers::{Host, ProviderSet, Runner, Scheduler, Webhooks, start_host};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::provider::Scripted;
use crate::world::{World, billers, call, execution, origin, scope};

/// A deployment with one log.
pub struct Cluster {
    /// The log, the read models and a commander.
    world: World,
    bus: LocalBus,
    lease: Duration,
    hosts: HashMap<String, Member>,
    providers: HashMap<String, Arc<Scripted>>,
    schedulers: Vec<(JoinSet<()>, CancellationToken)>,
}

struct Member {
    host: Arc<Host>,
    runtime: Option<Runtime>,
    stop: CancellationToken,
    cut: Arc<AtomicBool>,
}

/// A host's own connection to the bus, which can be cut.
struct Cuttable {
    bus: LocalBus,
    cut: Arc<AtomicBool>,
}

impl Cuttable {
    fn check(&self) -> Result<(), BusError> {
        match self.cut.load(Ordering::Acquire) {
            true => Err(BusError::Unavailable("it was cut".to_owned())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Bus for Cuttable {
    async fn publish(&self, subject: &str, payload: Bytes) -> Result<(), BusError> {
        self.check()?;
        self.bus.publish(subject, payload).await
    }

    async fn subscribe(&self, subject: &str) -> Result<Messages, BusError> {
        let cut = self.cut.clone();
        let messages = self.bus.subscribe(subject).await?;
        let heard = messages.filter(move |_| {
            let heard = !cut.load(Ordering::Acquire);
            async move { heard }
        });
        Ok(heard.boxed())
    }

    async fn request(
        &self,
        subject: &str,
        payload: Bytes,
        wait: Duration,
    ) -> Result<Bytes, BusError> {
        self.check()?;
        self.bus.request(subject, payload, wait).await
    }

    fn connected_since(&self) -> Option<Instant> {
        self.check().ok().and_then(|()| self.bus.connected_since())
    }
}

/// A host's gateway, for calls that outlive the borrow of the cluster.
pub struct Gateway(Arc<dyn SandboxGateway>);

impl Gateway {
    /// An exec that waits.
    pub async fn wait(&self, agent: AgentId, n: u128) -> Result<ExecAnswer, GatewayError> {
        self.0.exec(call(), agent, execution(n), Lang::Bash, "wait".to_owned()).await
    }
}

impl Cluster {
    pub async fn new(lease: Duration) -> Self {
        Self {
            world: World::without_workers().await,
            bus: LocalBus::new(),
            lease,
            hosts: HashMap::new(),
            providers: HashMap::new(),
            schedulers: Vec::new(),
        }
    }

    fn commander(&self) -> Arc<Commander> {
        self.world.commander_of_another_process()
    }

    /// Starts the host, or starts it again over what it had.
    pub async fn start_host(&mut self, name: &str) {
        let provider = self.providers.entry(name.to_owned()).or_insert_with(Scripted::new).clone();
        let set = ProviderSet::default().with(ProviderKind::Local, provider);
        let host = Host::one_of_several(name, self.commander(), set);
        let runner = Arc::new(Runner {
            host: host.clone(),
            models: Models::new(ModelsConfig::default()).unwrap(),
            tools: Registry::built_in(ToolsConfig::default()),
            live: Live::new(),
        });
        let (stop, cut) = (CancellationToken::new(), Arc::<AtomicBool>::default());
        let bus = Arc::new(Cuttable { bus: self.bus.clone(), cut: cut.clone() });
        let (reads, token) = (self.world.reads.clone(), stop.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(1).enable_all().build().unwrap();
        let started = runtime.spawn(async move {
            let mut tasks = start_host(runner, 4, &reads, bus, None, token).await.unwrap();
            tokio::spawn(async move { while tasks.join_next().await.is_some() {} });
        });
        started.await.unwrap();
        let member = Member { host, runtime: Some(runtime), stop, cut };
        self.hosts.insert(name.to_owned(), member);
    }

    /// Ends it wherever it is.
    pub fn kill_host(&mut self, name: &str) {
        let member = self.hosts.get_mut(name).unwrap();
        member.runtime.take().unwrap().shutdown_background();
    }

    /// Cuts the host's connection to the bus, or mends it.
    pub fn cut_off(&self, name: &str, cut: bool) {
        self.hosts[name].cut.store(cut, Ordering::Release);
    }

    pub async fn start_scheduler(&mut self) {
        let host = Host::one_of_several("scheduler", self.commander(), ProviderSet::default());
        let client = guarded_client(false).unwrap();
        let scheduler = Scheduler {
            host,
            webhooks: Arc::new(Webhooks { client, key: [2; 32] }),
            billers: billers(),
            reads: self.world.reads.clone(),
            bus: Arc::new(self.bus.clone()),
            host_lease: self.lease,
        };
        let stop = CancellationToken::new();
        let tasks = scheduler.start(stop.clone()).await.unwrap();
        self.schedulers.push((tasks, stop));
    }

    pub async fn stop_scheduler(&mut self) {
        let (mut tasks, stop) = self.schedulers.pop().unwrap();
        stop.cancel();
        while tasks.join_next().await.is_some() {}
    }

    pub async fn stop(mut self) {
        while !self.schedulers.is_empty() {
            self.stop_scheduler().await;
        }
        for member in self.hosts.values_mut() {
            member.stop.cancel();
            if let Some(runtime) = member.runtime.take() {
                runtime.shutdown_background();
            }
        }
        self.world.stop().await;
    }

    pub fn provider(&self, name: &str) -> Arc<Scripted> {
        self.providers[name].clone()
    }

    pub fn gateway(&self, host: &str) -> Gateway {
        Gateway(self.hosts[host].host.gateway())
    }

    pub async fn exec(
        &self,
        host: &str,
        agent: AgentId,
        n: u128,
        code: &str,
    ) -> Result<ExecAnswer, GatewayError> {
        let id = theazo_domain::ExecutionId::from_uuid(uuid::Uuid::from_u128(
            agent.as_uuid().as_u128() ^ (n << 64),
        ));
        let gateway = self.hosts[host].host.gateway();
        gateway.exec(call(), agent, id, Lang::Bash, code.to_owned()).await
    }

    pub async fn session(&self) -> SessionId {
        self.world.session(None).await
    }

    pub async fn end(&self, session: SessionId) {
        self.world.commander.end_session(&origin(), session).await.unwrap();
    }

    /// The file of a snapshot in the blob store.
    pub fn blob(&self, snapshot: SnapshotId) -> PathBuf {
        let tenant = format!("{}.{}", scope().org, scope().mode);
        self.world.blobs().join("snapshots").join(tenant).join(snapshot.to_string())
    }

    /// What all that is stored of snapshots lies in.
    pub fn blobs_of_snapshots(&self) -> PathBuf {
        self.world.blobs().join("snapshots")
    }

    pub async fn history(&self) -> Vec<&'static str> {
        self.world.history().await
    }

    pub async fn create_from(&self, session: SessionId, snapshot: SnapshotId) -> AgentId {
        let mut spec = self.world.spec(session).await;
        spec.snapshot_id = Some(snapshot);
        let id = theazo_commands::agent::new_id(&origin());
        self.world.commander.create_agent(&origin(), session, id, spec).await.unwrap();
        id
    }

    pub async fn create(&self, session: SessionId) -> AgentId {
        self.world.create(session).await
    }

    /// An agent that is idle.
    pub async fn agent(&self) -> Arc<Agent> {
        let id = self.create(self.session().await).await;
        self.agent_until(id, |agent| agent.state == AgentState::Idle).await
    }

    pub async fn load(&self, id: AgentId) -> Arc<Agent> {
        self.world.load::<Agent>(&StreamId::agent(scope(), id)).await
    }

    pub async fn ask(&self, id: AgentId, command: AgentCommand) {
        self.world.ask(id, command).await;
    }

    pub async fn agent_until(&self, id: AgentId, reached: impl Fn(&Agent) -> bool) -> Arc<Agent> {
        self.world.agent_until(id, reached).await
    }

    pub async fn until<A: Aggregate>(
        &self,
        stream: &StreamId,
        reached: impl Fn(&A) -> bool,
    ) -> Arc<A> {
        self.world.until(stream, reached).await
    }
}
