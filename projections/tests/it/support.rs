//! A log with a history made by the aggregates' own rules, and what its read models must hold.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use theazo_domain::agent::{Agent, AgentCommand, AgentSpec};
use theazo_domain::pricing::ComputePrice;
use theazo_domain::providers::ProviderKind;
use theazo_domain::session::{CreateSession, Limits, Session, SessionCommand};
use theazo_domain::{
    Actor, AgentId, Aggregate, ApiKeyId, CommitId, Ctx, Event, Mode, OrgId, Payload, RequestId,
    Scope, Sealed, SessionId, StreamId, Timestamp, fold,
};
use theazo_log::{Appended, Commit, Draft, EventLog, Filter, Position, SqliteLog, SqliteOptions};
use theazo_projections::{ChainKey, Options, Projector, ReadModels};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::place::{Dump, Place, Store};

/// How long something that must happen may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn uuid(n: u64) -> Uuid {
    Uuid::from_u64_pair(0x0190_0000_0000_7000, n)
}

pub fn scope(n: u64, mode: Mode) -> Scope {
    Scope { org: OrgId::from_uuid(uuid(n)), mode }
}

pub fn live(n: u64) -> Scope {
    scope(n, Mode::Live)
}

pub fn spec(provider: ProviderKind) -> AgentSpec {
    AgentSpec {
        definition: None,
        provider,
        price: ComputePrice::of(provider.as_str()),
        credential_ref: None,
        model: None,
        browser: false,
        instructions: None,
        tools: vec![],
        timeout: 300,
        cost_cap: None,
        approvals: None,
        knowledge: vec![],
        guardrails: None,
        secrets: vec![],
        metadata: BTreeMap::new(),
        snapshot_id: None,
    }
}

pub fn sealed(text: &str) -> Sealed {
    Sealed { key: "org#1".to_owned(), data: format!("CIPHERTEXT-{text}") }
}

pub fn payload(text: &str) -> Payload {
    Payload::Inline { sealed: sealed(text) }
}

/// A folder with a log and read models.
pub struct World {
    pub on: Store,
    pub folder: TempDir,
    pub log: Arc<SqliteLog>,
    pub place: Place,
    pub reads: ReadModels,
    clock: i64,
    ids: u64,
}

impl World {
    pub async fn new(on: Store) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(SqliteOptions::new(folder.path().join("log.db"))).await.unwrap();
        let place = Place::new(on, folder.path(), "reads.db").await;
        let reads = open(&place).await;
        Self { on, folder, log, place, reads, clock: 1_780_000_000_000, ids: 1_000 }
    }

    pub fn log(&self) -> Arc<dyn EventLog> {
        self.log.clone()
    }

    /// Opens the read models anew, as another process would.
    pub async fn reopen(&mut self) {
        self.reads.close().await;
        self.reads = open(&self.place).await;
    }

    pub async fn dump(&self) -> Dump {
        self.place.dump().await
    }

    /// A number that was not used before.
    pub fn fresh(&mut self) -> Uuid {
        self.ids += 1;
        uuid(self.ids)
    }

    /// Now, by this world's clock.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock)
    }

    pub fn pass_time(&mut self, millis: i64) {
        self.clock += millis;
    }

    /// Decides `command` and appends what comes of it; none when nothing does.
    pub async fn command<A: Aggregate>(
        &mut self,
        stream: StreamId,
        command: A::Command,
    ) -> Option<Arc<Commit>> {
        self.pass_time(7);
        let past = self.log.read_stream(&stream, Position::START).await.unwrap();
        let state = state_of::<A>(&past);
        let events = A::decide(state.as_ref(), &command, Ctx { now: self.now() }).ok()?;
        let events: Vec<Event> = events.into_iter().map(Into::into).collect();
        if events.is_empty() {
            return None;
        }
        let expected = past.last().map_or(Position::START, |commit| commit.position);
        Some(self.append(stream, expected, events).await)
    }

    pub async fn append(
        &mut self,
        stream: StreamId,
        expected: Position,
        events: Vec<Event>,
    ) -> Arc<Commit> {
        let draft = Draft {
            id: CommitId::from_uuid(self.fresh()),
            stream,
            time: self.now(),
            actor: Actor::Key(ApiKeyId::from_uuid(uuid(7))),
            request_id: Some(RequestId::from_uuid(self.fresh())),
            causation: None,
            correlation: None,
            events,
        };
        let Appended { commit, .. } = self.log.append(expected, draft).await.unwrap();
        commit
    }

    pub async fn session(&mut self, scope: Scope, user: &str) -> SessionId {
        let id = SessionId::from_uuid(self.fresh());
        let create = SessionCommand::Create(CreateSession {
            session_id: id,
            user_id: user.to_owned(),
            limits: Limits::default(),
            model: None,
            compute: None,
            metadata: BTreeMap::from([("plan".to_owned(), "pro".into())]),
            webhook: None,
        });
        self.command::<Session>(StreamId::session(scope, id), create).await.unwrap();
        id
    }

    /// An agent that was admitted and created, and is not provisioned yet.
    pub async fn agent(&mut self, scope: Scope, session_id: SessionId) -> AgentId {
        let agent_id = AgentId::from_uuid(self.fresh());
        self.agent_with(scope, session_id, agent_id).await;
        agent_id
    }

    pub async fn agent_with(&mut self, scope: Scope, session_id: SessionId, agent_id: AgentId) {
        let spec = Box::new(spec(ProviderKind::Local));
        let admit = SessionCommand::AdmitAgent { agent_id, spec: spec.clone() };
        self.command::<Session>(StreamId::session(scope, session_id), admit).await.unwrap();
        let create = AgentCommand::Create { agent_id, session_id, spec, funded_millis: None };
        self.command::<Agent>(StreamId::agent(scope, agent_id), create).await.unwrap();
    }

    pub async fn tell_agent(&mut self, scope: Scope, agent: AgentId, command: AgentCommand) {
        self.command::<Agent>(StreamId::agent(scope, agent), command).await.unwrap();
    }

    pub fn start(&self) -> Running {
        Running::start(self.log(), self.reads.clone())
    }

    /// Projects all there is now, and stops.
    pub async fn project(&self) {
        project(self.log(), &self.reads).await;
    }

    pub async fn head(&self) -> Position {
        self.log.head().await.unwrap()
    }

    pub async fn history(&self) -> Vec<Arc<Commit>> {
        self.log.read(&Filter::all(), Position::START, usize::MAX).await.unwrap()
    }
}

pub fn state_of<A: Aggregate>(commits: &[Arc<Commit>]) -> Option<A> {
    let events = commits.iter().flat_map(|c| c.events.iter().map(|event| (event, c.time)));
    fold(None, events)
}

/// A chain checkpoint every ten commits, and little patience with who is behind, so that small
/// histories have both.
pub fn options() -> Options {
    Options { chain_interval: 10, join_within: 20, ..Options::new(ChainKey::new(vec![7; 32])) }
}

pub async fn open(place: &Place) -> ReadModels {
    place.open(options()).await
}

pub async fn project(log: Arc<dyn EventLog>, reads: &ReadModels) {
    let head = log.head().await.unwrap();
    let running = Running::start(log, reads.clone());
    reads.made(PATIENCE).await.unwrap();
    assert!(reads.wait_for(head, PATIENCE).await, "stuck: {:?}", reads.trouble());
    running.stop().await;
}

pub struct Running {
    pub task: JoinHandle<()>,
    cancel: CancellationToken,
}

impl Running {
    pub fn start(log: Arc<dyn EventLog>, reads: ReadModels) -> Self {
        let cancel = CancellationToken::new();
        Self { task: Projector::start(log, reads, cancel.clone()), cancel }
    }

    pub async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap();
    }

    /// Stops it where it is, as a crash would.
    pub async fn abort(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// What a fresh replay of the log into a place of its own gives.
pub async fn replayed(world: &World, name: &str) -> Dump {
    let place = Place::new(world.on, world.folder.path(), name).await;
    replayed_into(world, &place).await
}

pub async fn replayed_into(world: &World, place: &Place) -> Dump {
    let reads = open(place).await;
    project(world.log(), &reads).await;
    reads.close().await;
    place.dump().await
}
