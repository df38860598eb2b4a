//! A log with usage records at given times.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use tempfile::TempDir;
use theazo_billing::{Owned, Period, Place, records};
use theazo_domain::agent::AgentEvent;
use theazo_domain::pricing::{
    ComputePrice, ComputeUsage, ModelPrice, ModelUsage, PriceBasis, Rates, StorageUsage, TokenUsage,
};
use theazo_domain::session::{Limits, SessionEvent};
use theazo_domain::task::TaskEvent;
use theazo_domain::{
    Actor, AgentId, CommitId, Day, Event, Mode, OrgId, Payload, Pico, Scope, Sealed, SessionId,
    StreamId, TaskId, Timestamp,
};
use theazo_log::{
    AppendError, Appended, Commit, Draft, EventLog, Filter, LogError, Position, RawCommit,
    SqliteLog, SqliteOptions, Subscription,
};
use uuid::Uuid;

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn scope(n: u128) -> Scope {
    Scope { org: OrgId::from_uuid(Uuid::from_u128(n)), mode: Mode::Live }
}

/// May 2026.
pub fn may() -> Period {
    Period { from: at("2026-05-01T00:00:00Z"), until: at("2026-06-01T00:00:00Z") }
}

pub fn session(n: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(n))
}

pub fn agent(n: u128) -> AgentId {
    AgentId::from_uuid(Uuid::from_u128(n))
}

pub fn task(n: u128) -> TaskId {
    TaskId::from_uuid(Uuid::from_u128(n))
}

pub struct World {
    _folder: TempDir,
    pub log: Arc<SqliteLog>,
    commits: u64,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(SqliteOptions::new(folder.path().join("log.db"))).await.unwrap();
        Self { _folder: folder, log, commits: 0 }
    }

    pub fn log(&self) -> Arc<dyn EventLog> {
        self.log.clone()
    }

    pub async fn commit(
        &mut self,
        stream: StreamId,
        time: Timestamp,
        events: Vec<Event>,
    ) -> Position {
        self.commits += 1;
        let past = self.log.read_stream(&stream, Position::START).await.unwrap();
        let draft = Draft {
            id: CommitId::from_uuid(Uuid::from_u64_pair(7, self.commits)),
            stream,
            time,
            actor: Actor::system("test"),
            request_id: None,
            causation: None,
            correlation: None,
            events,
        };
        let revision = past.last().map_or(Position::START, |commit| commit.position);
        self.log.append(revision, draft).await.unwrap().commit.position
    }

    pub async fn session(&mut self, scope: Scope, n: u128, user: &str, customer: Option<&str>) {
        let metadata = customer.map(|id| ("stripeCustomerId".to_owned(), id.into()));
        let created = SessionEvent::Created {
            session_id: session(n),
            user_id: user.to_owned(),
            limits: Limits::default(),
            model: None,
            compute: None,
            metadata: metadata.into_iter().collect(),
        };
        let stream = StreamId::session(scope, session(n));
        self.commit(stream, at("2026-04-01T00:00:00Z"), vec![created.into()]).await;
    }

    pub async fn set_customer(&mut self, scope: Scope, n: u128, customer: &str, time: Timestamp) {
        let metadata = BTreeMap::from([("stripeCustomerId".to_owned(), customer.into())]);
        let updated = SessionEvent::Updated {
            limits: None,
            model: None,
            compute: None,
            metadata: Some(metadata),
        };
        self.commit(StreamId::session(scope, session(n)), time, vec![updated.into()]).await;
    }

    /// A model call at `used`, recorded at `recorded`.
    pub async fn call(
        &mut self,
        scope: Scope,
        (of, step): (u128, u32),
        used: Timestamp,
        recorded: Timestamp,
        cost: Pico,
    ) -> Position {
        let completed = call(session(of), task(of), step, used, cost);
        self.commit(StreamId::task(scope, task(of)), recorded, vec![completed]).await
    }

    /// Compute of one agent, a record for each day that it touches, in one commit.
    pub async fn compute(
        &mut self,
        scope: Scope,
        n: u128,
        (from, until): (Timestamp, Timestamp),
        recorded: Timestamp,
    ) -> Position {
        let events = compute(session(n), agent(n), 1, from, until);
        self.commit(StreamId::agent(scope, agent(n)), recorded, events).await
    }

    pub async fn storage(&mut self, scope: Scope, n: u128, day: Day, recorded: Timestamp) {
        let usage = StorageUsage::of(session(n), day, 1 << 40, Pico(i128::MAX));
        let event = SessionEvent::StorageRecorded { usage };
        self.commit(StreamId::session(scope, session(n)), recorded, vec![event.into()]).await;
    }

    pub async fn records(&self, scope: Scope, after: Place, period: Period) -> Vec<Owned> {
        let records: Vec<_> = records(self.log(), scope, after, period).collect().await;
        records.into_iter().map(Result::unwrap).collect()
    }
}

pub fn ids(records: &[Owned]) -> Vec<&str> {
    records.iter().map(|record| record.record().id()).collect()
}

pub fn call(session_id: SessionId, task: TaskId, step: u32, used: Timestamp, cost: Pico) -> Event {
    let rates = Rates { output: cost, ..Rates::default() };
    let price = ModelPrice { id: "m@1".to_owned(), rates, long_prompt: None };
    let usage = ModelUsage {
        id: format!("model/{task}/{step}"),
        model: "m".to_owned(),
        at: used,
        tokens: TokenUsage { output: 1, ..TokenUsage::default() },
        basis: PriceBasis::Table,
        price: Some(price),
        fee: None,
        cost,
        waived: Pico::ZERO,
    };
    let sealed = Sealed { key: "org#1".to_owned(), data: String::new() };
    Event::from(TaskEvent::ModelCallCompleted {
        session_id,
        agent_id: agent(1),
        attempt: 1,
        step,
        turn: Payload::Inline { sealed },
        finish: "end".to_owned(),
        usage,
        duration_ms: 1,
    })
}

pub fn compute(
    session_id: SessionId,
    agent: AgentId,
    span: u32,
    from: Timestamp,
    until: Timestamp,
) -> Vec<Event> {
    let price = ComputePrice::of("local");
    let usages = ComputeUsage::of(agent, span, from, until, &price, u64::MAX);
    let event = |usage| AgentEvent::UsageRecorded { session_id, usage }.into();
    usages.into_iter().map(event).collect()
}

/// A log whose reads of a scope fail after a position.
pub struct Broken {
    pub log: Arc<dyn EventLog>,
    pub after: Position,
}

#[async_trait]
impl EventLog for Broken {
    async fn append(&self, expected: Position, draft: Draft) -> Result<Appended, AppendError> {
        self.log.append(expected, draft).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Position,
    ) -> Result<Vec<Arc<Commit>>, LogError> {
        self.log.read_stream(stream, after).await
    }

    async fn find(&self, stream: &StreamId, id: CommitId) -> Result<Option<Arc<Commit>>, LogError> {
        self.log.find(stream, id).await
    }

    async fn read(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Arc<Commit>>, LogError> {
        if after >= self.after && limit > 1 {
            return Err(LogError::Unavailable("the disk is gone".to_owned()));
        }
        self.log.read(filter, after, limit).await
    }

    async fn read_raw(
        &self,
        filter: &Filter,
        after: Position,
        limit: usize,
    ) -> Result<Vec<RawCommit>, LogError> {
        self.log.read_raw(filter, after, limit).await
    }

    async fn head(&self) -> Result<Position, LogError> {
        self.log.head().await
    }

    fn subscribe(&self, filter: Filter, after: Position) -> Subscription {
        self.log.subscribe(filter, after)
    }

    async fn close(&self) {
        self.log.close().await;
    }
}
