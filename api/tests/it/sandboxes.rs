//! Sandboxes that are not there: files are a map, ports are listeners of the test, code is a word
//! that says what is to happen. And the worker that makes of requests what a real one would.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use parking_lot::Mutex;
use theazo_commands::{Commander, Origin};
use theazo_domain::agent::{Agent, AgentCommand, AgentEvent, AgentState, Failure};
use theazo_domain::snapshot::{Snapshot, SnapshotCommand};
use theazo_domain::{
    AgentId, Event, ExecutionId, FileOperationId, Kind, Rejection, Scope, SnapshotId, StreamId,
};
use theazo_log::{Filter, Position};
use theazo_providers::{
    Call, Duplex, ExecAnswer, FileEntry, GatewayError, Lang, ProviderError, SandboxGateway,
};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Bytes of every snapshot.
pub const SNAPSHOT_SIZE: u64 = 4_096;

/// What the worker makes of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worker {
    Works,
    /// Nothing: what is asked for stays asked for.
    Rests,
    /// Every pause and resume fails.
    Fails,
}

pub struct Sandboxes {
    commander: Arc<Commander>,
    worker: Mutex<Worker>,
    scopes: Mutex<HashMap<AgentId, Scope>>,
    files: Mutex<BTreeMap<(AgentId, String), Bytes>>,
    listeners: Mutex<HashMap<(AgentId, u16), SocketAddr>>,
    answers: Mutex<HashMap<ExecutionId, ExecAnswer>>,
    /// How often code ran to its end.
    pub runs: AtomicU32,
    /// `wait` runs until it is given one.
    pub gate: Semaphore,
    /// Given one by every `wait` that has begun.
    begun: Semaphore,
}

impl Sandboxes {
    /// With a worker that reacts to `commander`'s log.
    pub fn start(commander: Arc<Commander>) -> Arc<Self> {
        let sandboxes = Arc::new(Self {
            commander,
            worker: Mutex::new(Worker::Works),
            scopes: Mutex::default(),
            files: Mutex::default(),
            listeners: Mutex::default(),
            answers: Mutex::default(),
            runs: AtomicU32::new(0),
            gate: Semaphore::new(0),
            begun: Semaphore::new(0),
        });
        tokio::spawn(sandboxes.clone().work());
        sandboxes
    }

    pub fn worker(&self, worker: Worker) {
        *self.worker.lock() = worker;
    }

    /// In `agent`'s sandbox, what comes in on `port` is answered at `address`.
    pub fn listen(&self, agent: AgentId, port: u16, address: SocketAddr) {
        self.listeners.lock().insert((agent, port), address);
    }

    /// Returns when code waits at the gate.
    pub async fn waiting(&self) {
        self.begun.acquire().await.unwrap().forget();
    }

    /// What the worker did not do while it rested.
    pub async fn provision(&self, scope: Scope, agent: &str) {
        let provisioned = AgentCommand::Provisioned { host: "test-host".to_owned() };
        let origin = Origin::system(scope, "worker");
        self.commander.agent(&origin, agent.parse().unwrap(), &provisioned).await.unwrap();
    }

    async fn work(self: Arc<Self>) {
        let mut commits = self.commander.log().subscribe(Filter::kind(Kind::Agent), Position(0));
        while let Some(Ok(commit)) = commits.next().await {
            let scope = commit.stream.scope;
            let Ok(agent) = commit.stream.key().parse() else { continue };
            self.scopes.lock().insert(agent, scope);
            let worker = *self.worker.lock();
            for event in &commit.events {
                if let (Event::Agent(event), true) = (event, worker != Worker::Rests) {
                    self.react(scope, agent, event, worker).await;
                }
            }
        }
    }

    async fn react(&self, scope: Scope, agent: AgentId, event: &AgentEvent, worker: Worker) {
        let host = || "test-host".to_owned();
        let outcome = match event {
            AgentEvent::PauseRequested { .. } | AgentEvent::ResumeRequested { .. }
                if worker == Worker::Fails =>
            {
                let message = "The disk is full.".to_owned();
                let failure = Failure { code: "provider_error".to_owned(), message };
                AgentCommand::RequestFailed { failure }
            }
            AgentEvent::Created { .. } => AgentCommand::Provisioned { host: host() },
            AgentEvent::PauseRequested { snapshot_id, .. } => {
                self.keep_snapshot(scope, agent, *snapshot_id).await;
                AgentCommand::Paused { snapshot_id: *snapshot_id, size: SNAPSHOT_SIZE }
            }
            AgentEvent::ResumeRequested { .. } => {
                AgentCommand::Resumed { host: host(), memory: true }
            }
            AgentEvent::TerminateRequested { .. } => AgentCommand::Terminated,
            _ => return,
        };
        let origin = Origin::system(scope, "worker");
        let done = self.commander.agent(&origin, agent, &outcome).await.unwrap();
        if done.state.state.is_final() {
            self.commander.release_agent(&origin, &done.state).await.unwrap();
        }
    }

    async fn keep_snapshot(&self, scope: Scope, agent_id: AgentId, snapshot_id: SnapshotId) {
        let agent = self.load(scope, agent_id).await.unwrap();
        let create = SnapshotCommand::Create {
            snapshot_id,
            session_id: agent.session_id,
            agent_id,
            provider: agent.spec.provider,
            size: SNAPSHOT_SIZE,
        };
        let stream = StreamId::snapshot(scope, snapshot_id);
        let origin = Origin::system(scope, "worker");
        self.commander.execute_new::<Snapshot>(&origin, &stream, &create).await.unwrap();
    }

    async fn load(&self, scope: Scope, id: AgentId) -> Result<Arc<Agent>, GatewayError> {
        let loaded = self.commander.load::<Agent>(&StreamId::agent(scope, id)).await.unwrap();
        loaded.state.ok_or_else(|| Rejection::not_found("agent").into())
    }

    /// The agent, which can take work.
    async fn usable(&self, scope: Scope, id: AgentId) -> Result<Arc<Agent>, GatewayError> {
        let mut agent = self.load(scope, id).await?;
        if agent.state == AgentState::Provisioning {
            let there = |agent: &Agent| agent.state != AgentState::Provisioning;
            let patience = Duration::from_secs(10);
            let stream = StreamId::agent(scope, id);
            let waited = self.commander.wait_until(&stream, patience, there).await.unwrap();
            agent = waited.ok_or_else(|| Rejection::conflict("still provisioning"))?.0;
        }
        match agent.state {
            AgentState::Idle | AgentState::Running => Ok(agent),
            state => Err(Rejection::conflict(format!(
                "This agent is {}; it cannot take work.",
                state.as_str()
            ))
            .into()),
        }
    }

    fn path_of(path: &str) -> Result<String, GatewayError> {
        if path.contains("/link-out") {
            return Err(ProviderError::OutsideWorkspace(path.to_owned()).into());
        }
        Ok(path.to_owned())
    }
}

#[async_trait]
impl SandboxGateway for Sandboxes {
    async fn exec(
        &self,
        call: Call,
        agent: AgentId,
        id: ExecutionId,
        lang: Lang,
        code: String,
    ) -> Result<ExecAnswer, GatewayError> {
        self.usable(call.scope, agent).await?;
        if let Some(answer) = self.answers.lock().get(&id) {
            return Ok(answer.clone());
        }
        let (stdout, exit_code) = match code.as_str() {
            "fail" => ("", 3),
            "sleep" => return Err(ProviderError::Timeout(Duration::from_secs(120)).into()),
            "break" => return Err(ProviderError::failed("the sandbox's host is down").into()),
            "wait" => {
                self.begun.add_permits(1);
                self.gate.acquire().await.unwrap().forget();
                ("waited\n", 0)
            }
            _ => ("4\n", 0),
        };
        let answer = ExecAnswer {
            id,
            stdout: stdout.to_owned(),
            stderr: format!("{lang:?}"),
            exit_code,
            duration_ms: 12,
            truncated: false,
        };
        self.runs.fetch_add(1, Ordering::SeqCst);
        self.answers.lock().insert(id, answer.clone());
        Ok(answer)
    }

    async fn read_file(
        &self,
        call: Call,
        agent: AgentId,
        path: String,
    ) -> Result<Bytes, GatewayError> {
        self.usable(call.scope, agent).await?;
        let path = Self::path_of(&path)?;
        let data = self.files.lock().get(&(agent, path.clone())).cloned();
        data.ok_or_else(|| ProviderError::NoFile(path).into())
    }

    async fn list_files(
        &self,
        call: Call,
        agent: AgentId,
        path: String,
    ) -> Result<Vec<FileEntry>, GatewayError> {
        self.usable(call.scope, agent).await?;
        let below = format!("{}/", Self::path_of(&path)?);
        let files = self.files.lock();
        let own = files.iter().filter(|((owner, _), _)| *owner == agent);
        let entries = own.filter_map(|((_, file), data)| {
            let name = file.strip_prefix(&below)?;
            let size = data.len() as u64;
            Some(FileEntry { name: name.to_owned(), size, is_directory: false })
        });
        Ok(entries.collect())
    }

    async fn write_file(
        &self,
        call: Call,
        agent: AgentId,
        _: FileOperationId,
        path: String,
        data: Bytes,
    ) -> Result<(), GatewayError> {
        self.usable(call.scope, agent).await?;
        if path.contains("/full/") {
            return Err(ProviderError::DiskFull.into());
        }
        self.files.lock().insert((agent, Self::path_of(&path)?), data);
        Ok(())
    }

    async fn delete_file(
        &self,
        call: Call,
        agent: AgentId,
        _: FileOperationId,
        path: String,
    ) -> Result<(), GatewayError> {
        self.usable(call.scope, agent).await?;
        let removed = self.files.lock().remove(&(agent, Self::path_of(&path)?));
        removed.map(|_| ()).ok_or_else(|| ProviderError::NoFile(path).into())
    }

    async fn connect(&self, agent: AgentId, port: u16) -> Result<Box<dyn Duplex>, GatewayError> {
        let scope = self.scopes.lock().get(&agent).copied();
        let scope = scope.ok_or_else(|| Rejection::not_found("agent"))?;
        let state = self.usable(scope, agent).await?;
        if !state.ports.contains(&port) {
            return Err(Rejection::not_found("exposed port").into());
        }
        let listener = self.listeners.lock().get(&(agent, port)).copied();
        let address = listener.ok_or(ProviderError::NoListener(port))?;
        let stream = TcpStream::connect(address).await;
        Ok(Box::new(stream.map_err(|_| ProviderError::NoListener(port))?))
    }
}
