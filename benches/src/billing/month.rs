//! A log with a month of usage records, spread over users, days and meters.

use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};
use indicatif::ProgressBar;
use serde_json::json;
use theazo_commands::IdSource;
use theazo_domain::agent::{AgentEvent, AgentSpec};
use theazo_domain::pricing::{
    ComputePrice, ComputeUsage, ModelPrice, ModelUsage, PriceBasis, Rates, StorageUsage, TokenUsage,
};
use theazo_domain::session::{Limits, SessionEvent};
use theazo_domain::task::{Priority, TaskAgent, TaskEvent};
use theazo_domain::{
    Actor, AgentId, CommitId, Day, Event, Payload, Pico, Scope, Sealed, SessionId, StreamId,
    TaskId, Timestamp,
};
use theazo_log::{Draft, EventLog, Position};

/// Appends in flight while the log is filled.
const IN_FLIGHT: usize = 512;
/// Models that are called.
const MODELS: u64 = 8;

pub struct Month {
    pub scope: Scope,
    pub records: u64,
    pub users: u64,
    /// The first day after it.
    pub until: Day,
}

/// One user's session, its agent and its task.
struct User {
    number: u64,
    session: SessionId,
    agent: AgentId,
    task: TaskId,
    spec: Box<AgentSpec>,
    steps: u32,
    /// Where the streams of the three stand.
    at: [Position; 3],
}

/// The streams of a user, by their place in [`User::at`].
#[derive(Clone, Copy)]
enum Of {
    Session = 0,
    Agent = 1,
    Task = 2,
}

impl Month {
    pub const DAYS: i32 = 31;

    /// The `n`-th of its days.
    pub fn day(&self, n: i32) -> Day {
        self.until.plus(n - Self::DAYS)
    }

    /// Each user has a record of storage and one of compute a day; the others are model calls.
    pub fn calls(&self) -> u64 {
        let call = |n: &u64| self.what(*n).1 > 1;
        (0..self.records).filter(call).count() as u64
    }

    /// On which day the `n`-th record is, and which of its user's that day.
    fn what(&self, n: u64) -> (i32, u64) {
        let rounds = self.records.div_ceil(self.users).max(1);
        let (round, days) = (n / self.users, u64::from(Self::DAYS.unsigned_abs()));
        let per_day = rounds.div_ceil(days).max(1);
        (i32::try_from(round / per_day).unwrap_or(Self::DAYS - 1), round % per_day)
    }

    /// Appends all of it: in the order of time, one user after the other.
    pub async fn fill(&self, log: &Arc<impl EventLog>) -> anyhow::Result<()> {
        let bar = ProgressBar::new(self.records).with_message("filling a log");
        let mut users: Vec<User> = (0..self.users).map(|number| self.user(number)).collect();
        for of in [Of::Session, Of::Agent, Of::Task] {
            self.append(log, &mut users, of, |user| self.begun(user, of)).await?;
        }
        for round in 0..self.records.div_ceil(self.users) {
            let first = round * self.users;
            let some = usize::try_from(self.users.min(self.records - first))?;
            let (day, slot) = self.what(first);
            let day = self.day(day);
            let of = match slot {
                0 => Of::Session,
                1 => Of::Agent,
                _ => Of::Task,
            };
            let used = |user: &mut User| user.used(day, slot);
            self.append(log, &mut users[..some], of, used).await?;
            bar.inc(some as u64);
        }
        // Nothing is left for a server to do.
        for of in [Of::Agent, Of::Task] {
            self.append(log, &mut users, of, |user| self.ended(user, of)).await?;
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Appends a commit to the stream `of` each of `users`.
    async fn append(
        &self,
        log: &Arc<impl EventLog>,
        users: &mut [User],
        of: Of,
        events: impl Fn(&mut User) -> (Timestamp, Vec<Event>),
    ) -> anyhow::Result<()> {
        let mut in_flight = FuturesUnordered::new();
        for user in users {
            if in_flight.len() >= IN_FLIGHT {
                in_flight.next().await.transpose()?;
            }
            let log = log.clone();
            let (time, events) = events(user);
            let draft = self.draft(user, of, time, events);
            in_flight.push(async move {
                let at = &mut user.at[of as usize];
                *at = log.append(*at, draft).await?.commit.position;
                anyhow::Ok(())
            });
        }
        while let Some(appended) = in_flight.next().await {
            appended?;
        }
        Ok(())
    }

    fn draft(&self, user: &User, of: Of, time: Timestamp, events: Vec<Event>) -> Draft {
        Draft {
            id: CommitId::from_uuid(IdSource::new().uuid("commit")),
            stream: match of {
                Of::Session => StreamId::session(self.scope, user.session),
                Of::Agent => StreamId::agent(self.scope, user.agent),
                Of::Task => StreamId::task(self.scope, user.task),
            },
            time,
            actor: Actor::system("bench"),
            request_id: None,
            causation: None,
            correlation: None,
            events,
        }
    }

    fn user(&self, number: u64) -> User {
        let price = ComputePrice::of("local");
        let spec = json!({ "provider": "local", "price": price, "timeout": 300 });
        let ids = IdSource::new();
        User {
            number,
            session: SessionId::from_uuid(ids.uuid("session")),
            agent: AgentId::from_uuid(ids.uuid("agent")),
            task: TaskId::from_uuid(ids.uuid("task")),
            spec: Box::new(serde_json::from_value(spec).expect("a spec")),
            steps: 0,
            at: [Position::START; 3],
        }
    }

    fn begun(&self, user: &User, of: Of) -> (Timestamp, Vec<Event>) {
        let (session_id, agent_id, spec) = (user.session, user.agent, user.spec.clone());
        let events = match of {
            Of::Session => vec![
                SessionEvent::Created {
                    session_id,
                    user_id: format!("user_{}", user.number),
                    limits: Limits::default(),
                    model: None,
                    compute: None,
                    metadata: [("plan".to_owned(), "pro".into())].into(),
                }
                .into(),
                SessionEvent::AgentAdmitted { agent_id, spec }.into(),
                SessionEvent::AgentReleased { agent_id, run_open: false }.into(),
            ],
            Of::Agent => {
                vec![AgentEvent::Created { agent_id, session_id, spec, funded_millis: None }.into()]
            }
            Of::Task => vec![
                TaskEvent::Submitted {
                    task_id: user.task,
                    session_id,
                    agent: TaskAgent::Existing { agent_id },
                    priority: Priority::Normal,
                    max_steps: 1_000,
                    input: payload(),
                    webhook: None,
                    retry_of: None,
                }
                .into(),
            ],
        };
        (self.day(0).start(), events)
    }

    fn ended(&self, user: &User, of: Of) -> (Timestamp, Vec<Event>) {
        let (session_id, agent_id) = (user.session, user.agent);
        let event = match of {
            Of::Session => SessionEvent::Ended {}.into(),
            Of::Agent => AgentEvent::Terminated { session_id }.into(),
            Of::Task => {
                let (attempt, output, artifacts) = (1, payload(), vec![]);
                TaskEvent::Completed { session_id, agent_id, attempt, output, artifacts }.into()
            }
        };
        (self.until.start(), vec![event])
    }
}

impl User {
    /// One record: the `slot`-th of `day`.
    fn used(&mut self, day: Day, slot: u64) -> (Timestamp, Vec<Event>) {
        let at = Timestamp::from_millis(day.start().as_millis() + 60_000 * slot.cast_signed());
        let session_id = self.session;
        let event = match slot {
            0 => {
                let bytes = (self.number % 4_096) << 20;
                let usage = StorageUsage::of(session_id, day, bytes * 86_400, Pico(i128::MAX));
                SessionEvent::StorageRecorded { usage }.into()
            }
            1 => {
                let ran = 1_000 * (1 + self.number % 3_600).cast_signed();
                let until = Timestamp::from_millis(at.as_millis() + ran);
                let price = ComputePrice::of("local");
                let span = u32::try_from(day.number()).unwrap_or_default();
                let usage = ComputeUsage::of(self.agent, span, at, until, &price, u64::MAX);
                let usage = usage.into_iter().next().expect("a span within a day");
                AgentEvent::UsageRecorded { session_id, usage }.into()
            }
            _ => self.call(at),
        };
        (at, vec![event])
    }

    fn call(&mut self, at: Timestamp) -> Event {
        let step = self.steps;
        self.steps += 1;
        let which = (self.number + u64::from(step)) % MODELS;
        let rates = Rates { input: Pico(3_000_000), output: Pico(15_000_000), ..Rates::default() };
        let price = ModelPrice { id: format!("bench/model-{which}@1"), rates, long_prompt: None };
        let (input, output) = (1_000 + self.number % 977, 100 + u64::from(step) % 89);
        let tokens = TokenUsage { input, output, ..TokenUsage::default() };
        let usage = ModelUsage {
            id: format!("model/{}/{step}", self.task),
            model: format!("model-{which}"),
            at,
            tokens,
            basis: PriceBasis::Table,
            cost: price.cost(&tokens),
            price: Some(price),
            fee: None,
            waived: Pico::ZERO,
        };
        TaskEvent::ModelCallCompleted {
            session_id: self.session,
            agent_id: self.agent,
            attempt: 1,
            step,
            turn: payload(),
            finish: "tools".to_owned(),
            usage,
            duration_ms: 900,
        }
        .into()
    }
}

/// A small sealed text.
fn payload() -> Payload {
    let sealed = Sealed { key: "org#1".to_owned(), data: "c2VhbGVk".repeat(16) };
    Payload::Inline { sealed }
}
