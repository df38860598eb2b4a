//! What an event is about: session, agent, task and user, also when it names only its own stream.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use theazo_domain::agent::AgentEvent;
use theazo_domain::delivery::DeliveryEvent;
use theazo_domain::execution::ExecutionEvent;
use theazo_domain::file_operation::FileOperationEvent;
use theazo_domain::secret::SecretEvent;
use theazo_domain::session::SessionEvent;
use theazo_domain::snapshot::SnapshotEvent;
use theazo_domain::task::{TaskAgent, TaskEvent};
use theazo_domain::{AgentId, DeliveryId, Event, Kind, Scope, SessionId, SnapshotId, TaskId};
use theazo_log::{Commit, Position};

use crate::ProjectionError;
use crate::bulk::{Bulk, BySize};
use crate::dialect::{DbRow, Dialect, Pool};
use crate::hot::HotRows;
use crate::table::follows_in;
use crate::tenants::Tenants;

/// Bytes of subjects that are kept at hand.
const HOT_BYTES: usize = 16 << 20;
/// What one costs in memory, about.
const SUBJECT_BYTES: usize = 350;
const WANTED: &str = "WITH wanted(tenant, id) AS (";

/// A thing of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SubjectId {
    scope: Scope,
    thing: Thing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Thing {
    Session(SessionId),
    Agent(AgentId),
    Snapshot(SnapshotId),
    Task(TaskId),
    Delivery(DeliveryId),
}

impl Thing {
    fn text(self) -> String {
        match self {
            Thing::Session(id) => id.to_string(),
            Thing::Agent(id) => id.to_string(),
            Thing::Snapshot(id) => id.to_string(),
            Thing::Task(id) => id.to_string(),
            Thing::Delivery(id) => id.to_string(),
        }
    }

    fn parse(text: &str) -> Option<Thing> {
        let session = || text.parse().map(Thing::Session).ok();
        let agent = || text.parse().map(Thing::Agent).ok();
        let snapshot = || text.parse().map(Thing::Snapshot).ok();
        let task = || text.parse().map(Thing::Task).ok();
        let delivery = || text.parse().map(Thing::Delivery).ok();
        session().or_else(agent).or_else(snapshot).or_else(task).or_else(delivery)
    }
}

/// Whose an event is. The texts are shared by all rows that have them.
#[derive(Debug, Clone, Default)]
pub(super) struct Subject {
    pub session_id: Option<Arc<str>>,
    pub agent_id: Option<Arc<str>>,
    pub user_id: Option<Arc<str>>,
    pub task_id: Option<Arc<str>>,
}

/// The ids in an event's own data that tell whose it is.
#[derive(Debug, Clone, Copy, Default)]
struct Named {
    session: Option<SessionId>,
    agent: Option<AgentId>,
    task: Option<TaskId>,
}

fn named(event: &Event) -> Named {
    let (session, agent, task) = match event {
        Event::Session(event) => (None, session_agent(event), None),
        Event::Agent(AgentEvent::Created { session_id, .. }) => (Some(*session_id), None, None),
        Event::Execution(
            ExecutionEvent::Requested { session_id, agent_id, .. }
            | ExecutionEvent::Completed { session_id, agent_id, .. }
            | ExecutionEvent::Failed { session_id, agent_id, .. },
        )
        | Event::FileOperation(
            FileOperationEvent::Requested { session_id, agent_id, .. }
            | FileOperationEvent::Completed { session_id, agent_id }
            | FileOperationEvent::Failed { session_id, agent_id, .. },
        )
        | Event::Snapshot(SnapshotEvent::Created { session_id, agent_id, .. }) => {
            (Some(*session_id), Some(*agent_id), None)
        }
        Event::Task(TaskEvent::Submitted { session_id, agent, .. }) => {
            (Some(*session_id), Some(agent.id()), None)
        }
        Event::Delivery(DeliveryEvent::Requested { session_id, about, .. }) => {
            (Some(*session_id), None, about.task_id())
        }
        Event::Secret(
            SecretEvent::Set { session_id, .. } | SecretEvent::Deleted { session_id, .. },
        ) => (*session_id, None, None),
        // Those of the first four are known from the first of their stream.
        Event::Agent(_)
        | Event::Task(_)
        | Event::Delivery(DeliveryEvent::Attempted { .. })
        | Event::Snapshot(SnapshotEvent::Deleted { .. })
        | Event::Org(_)
        | Event::ApiKey(_)
        | Event::Settings(_)
        | Event::Providers(_)
        | Event::Definition(_)
        | Event::Export(_)
        | Event::ModelPrices(_) => (None, None, None),
    };
    Named { session, agent, task }
}

/// The task that an event of an agent is about, which works on many.
fn agent_task(event: &Event) -> Option<TaskId> {
    match event {
        Event::Agent(
            AgentEvent::RunStarted { task_id, .. } | AgentEvent::RunEnded { task_id, .. },
        ) => Some(*task_id),
        _ => None,
    }
}

fn session_agent(event: &SessionEvent) -> Option<AgentId> {
    match event {
        SessionEvent::AgentAdmitted { agent_id, .. }
        | SessionEvent::AgentReleased { agent_id, .. }
        | SessionEvent::ReservationChanged { agent_id, .. } => Some(*agent_id),
        SessionEvent::LimitWarning { notice } | SessionEvent::LimitReached { notice } => {
            notice.agent_id
        }
        SessionEvent::Created { .. }
        | SessionEvent::Updated { .. }
        | SessionEvent::WebhookSet { .. }
        | SessionEvent::StorageRecorded { .. }
        | SessionEvent::Paused { .. }
        | SessionEvent::Resumed {}
        | SessionEvent::Ended {} => None,
    }
}

/// What is known of the things that events are about.
pub(super) struct Subjects {
    known: HotRows<SubjectId, Subject>,
    insert: BySize,
    select: BySize,
    select_sessions: BySize,
    select_tasks: BySize,
    new: Vec<(SubjectId, Subject)>,
}

impl Subjects {
    pub(super) fn new(dialect: Dialect, prefix: &str) -> Self {
        let table = format!("{prefix}audit_subjects");
        let columns = ["tenant", "id", "session_id", "agent_id", "user_id", "task_id"];
        let tail = format!(
            ") SELECT t.tenant, t.id, t.session_id, t.agent_id, t.user_id, t.task_id FROM wanted w \
             CROSS JOIN {table} t WHERE t.tenant = w.tenant AND t.id = w.id"
        );
        // A session's first event is its creation, and has the user.
        let of_session = format!(
            ") SELECT w.tenant, w.id, w.id, NULL, (SELECT a.user_id FROM {prefix}audit a \
             WHERE a.session_id = w.id AND a.tenant = w.tenant ORDER BY a.seq LIMIT 1), NULL \
             FROM wanted w"
        );
        // A task's first event is its submission, and has all.
        let of_task = format!(
            ") SELECT w.tenant, w.id, a.session_id, a.agent_id, a.user_id, a.task_id \
             FROM wanted w CROSS JOIN {prefix}audit a WHERE a.tenant = w.tenant \
             AND a.task_id = w.id AND a.seq = (SELECT b.seq \
             FROM {prefix}audit b WHERE b.task_id = w.id AND b.tenant = w.tenant \
             ORDER BY b.seq LIMIT 1)"
        );
        // A task's own agent is known from the task on, and begins later.
        let insert = BySize::insert_missing(dialect, &table, &columns);
        Self {
            known: HotRows::new(HOT_BYTES),
            insert,
            select: BySize::new(dialect, WANTED.to_owned(), 2, tail),
            select_sessions: BySize::new(dialect, WANTED.to_owned(), 2, of_session),
            select_tasks: BySize::new(dialect, WANTED.to_owned(), 2, of_task),
            new: Vec::new(),
        }
    }

    pub(super) fn committed(&mut self, position: Position) {
        self.known.committed(position);
    }

    /// Reads what `batch` needs and is not at hand.
    pub(super) async fn load(
        &mut self,
        batch: &[Arc<Commit>],
        tenants: &Tenants,
        pool: &Pool,
    ) -> Result<(), ProjectionError> {
        let Some(first) = batch.first() else { return Ok(()) };
        let mut wanted = HashSet::new();
        for commit in batch {
            for id in needed(first, commit).into_iter().flatten() {
                if !self.known.contains(&id) {
                    wanted.insert(id);
                }
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let (sessions, others): (Vec<SubjectId>, Vec<SubjectId>) =
            wanted.into_iter().partition(|id| matches!(id.thing, Thing::Session(_)));
        let (tasks, others): (Vec<SubjectId>, Vec<SubjectId>) =
            others.into_iter().partition(|id| matches!(id.thing, Thing::Task(_)));
        let selects = [
            (&self.select_sessions, sessions),
            (&self.select_tasks, tasks),
            (&self.select, others),
        ];
        for (select, wanted) in selects {
            let mut values = select.rows(wanted.len());
            for id in wanted {
                values.put(tenants.number(id.scope)?);
                values.put(id.thing.text());
            }
            for statement in values.filled()? {
                for row in pool.rows(statement).await? {
                    let (id, subject) = read(&row, tenants)?;
                    // A session without a user is one that begins in this batch.
                    if subject.user_id.is_none() && matches!(id.thing, Thing::Session(_)) {
                        continue;
                    }
                    self.known.put(Cow::Owned(id), subject, SUBJECT_BYTES, Position::START);
                }
            }
        }
        Ok(())
    }

    /// Notes what `commit` begins, and tells whose each of its events is.
    pub(super) fn of(&mut self, commit: &Commit, event: &Event) -> Subject {
        let scope = commit.stream.scope;
        let named = named(event);
        let own = stream_thing(commit).map(|thing| SubjectId { scope, thing });
        let mut subject = match own.and_then(|id| self.known.get_mut(&id)) {
            Some(known) => known.clone(),
            None => self.begin(commit, own, named, event),
        };
        if let Some(agent) = named.agent
            && commit.stream.kind == Kind::Session
        {
            subject.agent_id = Some(agent.to_string().into());
        }
        if let Some(task) = agent_task(event) {
            subject.task_id = Some(task.to_string().into());
        }
        subject
    }

    /// The subject of an event whose stream is not known (yet): by the ids in its data.
    fn begin(
        &mut self,
        commit: &Commit,
        own: Option<SubjectId>,
        named: Named,
        event: &Event,
    ) -> Subject {
        let scope = commit.stream.scope;
        let mut lookup = |thing| self.known.get_mut(&SubjectId { scope, thing }).cloned();
        // The texts of an agent or a task are shared; it knows its session and user too.
        let of_task = named.task.and_then(|id| lookup(Thing::Task(id)));
        let of_agent = || named.agent.and_then(|id| lookup(Thing::Agent(id)));
        let mut subject = of_task.or_else(of_agent).unwrap_or_default();
        if subject.session_id.is_none()
            && let Some(id) = named.session
        {
            let session = lookup(Thing::Session(id));
            subject.user_id = session.as_ref().and_then(|s| s.user_id.clone());
            subject.session_id =
                session.and_then(|s| s.session_id).or_else(|| Some(id.to_string().into()));
        }
        if subject.agent_id.is_none() {
            subject.agent_id = named.agent.map(|id| id.to_string().into());
        }
        if subject.task_id.is_none() {
            subject.task_id = named.task.map(|id| id.to_string().into());
        }
        let Some(own) = own else { return subject };
        match own.thing {
            Thing::Session(id) => {
                subject.session_id = Some(id.to_string().into());
                // The admission's agent is this event's, not the session's.
                subject.agent_id = None;
                if let Event::Session(SessionEvent::Created { user_id, .. }) = event {
                    subject.user_id = Some(user_id.as_str().into());
                }
            }
            Thing::Agent(id) => subject.agent_id = Some(id.to_string().into()),
            Thing::Task(id) => {
                self.meet_own_agent(commit, &subject, event);
                subject.task_id = Some(id.to_string().into());
            }
            Thing::Snapshot(_) | Thing::Delivery(_) => {}
        }
        // Without a session there is nothing to remember.
        if subject.session_id.is_some() {
            self.known.put(Cow::Owned(own), subject.clone(), SUBJECT_BYTES, commit.position);
            // The first events of sessions and tasks tell the same.
            if !matches!(own.thing, Thing::Session(_) | Thing::Task(_)) {
                self.new.push((own, subject.clone()));
            }
        }
        subject
    }

    /// Remembers the agent that a task will have for itself: it may never come to be, and what
    /// happens until then is found by it too.
    fn meet_own_agent(&mut self, commit: &Commit, subject: &Subject, event: &Event) {
        let Event::Task(TaskEvent::Submitted { agent: TaskAgent::Own { agent_id, .. }, .. }) =
            event
        else {
            return;
        };
        let agent = SubjectId { scope: commit.stream.scope, thing: Thing::Agent(*agent_id) };
        self.known.put(Cow::Owned(agent), subject.clone(), SUBJECT_BYTES, commit.position);
        self.new.push((agent, subject.clone()));
    }

    /// The rows of what has begun since the last call.
    pub(super) fn rows(&mut self, tenants: &Tenants) -> Result<Bulk, ProjectionError> {
        let mut bulk = self.insert.rows(self.new.len());
        for (id, subject) in self.new.drain(..) {
            bulk.put(tenants.number(id.scope)?);
            bulk.put(id.thing.text());
            bulk.put(subject.session_id);
            bulk.put(subject.agent_id);
            bulk.put(subject.user_id);
            bulk.put(subject.task_id);
        }
        Ok(bulk)
    }
}

/// The thing that a commit's stream is, where events can be about it.
fn stream_thing(commit: &Commit) -> Option<Thing> {
    let key = commit.stream.key();
    match commit.stream.kind {
        Kind::Session => key.parse().map(Thing::Session).ok(),
        Kind::Agent => key.parse().map(Thing::Agent).ok(),
        Kind::Snapshot => key.parse().map(Thing::Snapshot).ok(),
        Kind::Task => key.parse().map(Thing::Task).ok(),
        Kind::Delivery => key.parse().map(Thing::Delivery).ok(),
        _ => None,
    }
}

/// What must be known to tell whose this commit's events are.
fn needed(first: &Commit, commit: &Commit) -> [Option<SubjectId>; 4] {
    let scope = commit.stream.scope;
    let id = |thing| SubjectId { scope, thing };
    // What a stream begins with is not stored yet.
    let own = stream_thing(commit).filter(|_| !follows_in(first, commit));
    let named = commit.events.first().map(named).unwrap_or_default();
    let others = commit.stream.kind != Kind::Session;
    [
        own.map(id),
        named.session.filter(|_| others).map(Thing::Session).map(id),
        named.agent.filter(|_| others).map(Thing::Agent).map(id),
        named.task.map(Thing::Task).map(id),
    ]
}

fn read(row: &DbRow, tenants: &Tenants) -> Result<(SubjectId, Subject), ProjectionError> {
    let bad = |what: &str| ProjectionError::Database(format!("an audit subject has no {what}"));
    let shared = |i: usize| row.some_text(i).map(|text| text.map(Arc::from));
    let scope = tenants.scope(row.integer(0)?)?;
    let thing = Thing::parse(row.text(1)?).ok_or_else(|| bad("id"))?;
    let subject = Subject {
        session_id: shared(2)?,
        agent_id: shared(3)?,
        user_id: shared(4)?,
        task_id: shared(5)?,
    };
    Ok((SubjectId { scope, thing }, subject))
}
