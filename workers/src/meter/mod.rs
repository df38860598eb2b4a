//! The meter: records what running compute has come to, and keeps it within the limits.
//!
//! An agent that runs is looked at again and again: every few minutes and at midnight, so that a
//! bill is never far behind; and where a limit holds, before the time that is reserved for it is
//! over. Then the next slice is reserved in its session, or the agent is paused. When the meter is
//! late, nothing is lost but our own money: what runs beyond what is reserved is not billed.

mod look;
pub(crate) mod storage;

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use theazo_domain::agent::AgentEvent;
use theazo_domain::session::SessionEvent;
use theazo_domain::{AgentId, Event, Kind, Scope, SessionId};
use theazo_log::{Commit, Filter, Position, unbroken};
use theazo_projections::ReadModels;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::walk::walk;
use crate::{Host, WorkerError};
pub(crate) use look::NOTHING_LEFT;

/// Agents looked at at the same time.
const AT_ONCE: usize = 64;
/// After a look that failed.
const TRY_AGAIN: Duration = Duration::from_secs(1);

pub(crate) struct Meter {
    host: Arc<Host>,
    agents: HashMap<AgentId, Entry>,
    /// When each agent is due; agents that are due at the same time are told apart by a number.
    due: BTreeMap<(Instant, u64), AgentId>,
    looks: JoinSet<(AgentId, Option<Duration>)>,
    number: u64,
}

struct Entry {
    scope: Scope,
    session: SessionId,
    due: Option<(Instant, u64)>,
    /// Being looked at; and whether something has happened since.
    looking: Option<bool>,
}

impl Meter {
    /// A meter of all agents that have not ended.
    pub async fn new(host: Arc<Host>, reads: &ReadModels) -> Result<Self, WorkerError> {
        let (agents, due, looks) = (HashMap::new(), BTreeMap::new(), JoinSet::new());
        let mut meter = Self { host, agents, due, looks, number: 0 };
        let mut rows = pin!(walk(|after, limit| reads.all_live(after, limit)));
        while let Some(found) = rows.try_next().await? {
            meter.enter(found.scope, found.row.value.id, found.row.value.session_id);
        }
        Ok(meter)
    }

    /// Follows the log after `from` until `stop`.
    pub async fn run(mut self, from: Position, stop: CancellationToken) {
        let log = self.host.commander.log().clone();
        let of_kind = |kind| unbroken(log.clone(), Filter::kind(kind), from);
        let mut commits = stream::select_all([of_kind(Kind::Agent), of_kind(Kind::Session)]);
        loop {
            self.look_at_what_is_due();
            let next = self.due.keys().next().map(|(at, _)| *at);
            let may_look = self.looks.len() < AT_ONCE;
            tokio::select! {
                () = stop.cancelled() => return,
                Some(commit) = commits.next() => self.hear(&commit),
                Some(looked) = self.looks.join_next() => match looked {
                    Ok((agent, again)) => self.looked(agent, again),
                    Err(broken) => tracing::error!(%broken, "a look at an agent broke off"),
                },
                () = sleep_until(next), if may_look => {}
            }
        }
    }

    fn hear(&mut self, commit: &Commit) {
        let scope = commit.stream.scope;
        for event in &commit.events {
            match event {
                Event::Agent(event) => {
                    if let Ok(id) = commit.stream.key().parse() {
                        self.hear_of_agent(scope, id, event);
                    }
                }
                // A limit that is set, raised or taken away is everybody's.
                Event::Session(SessionEvent::Updated { limits: Some(_), .. }) => {
                    if let Ok(session) = commit.stream.key().parse() {
                        self.hear_of_session(scope, session);
                    }
                }
                _ => {}
            }
        }
    }

    fn hear_of_session(&mut self, scope: Scope, session: SessionId) {
        let of = |entry: &Entry| entry.scope == scope && entry.session == session;
        let all = self.agents.iter().filter(|(_, entry)| of(entry));
        let all: Vec<AgentId> = all.map(|(id, _)| *id).collect();
        all.into_iter().for_each(|id| self.look_soon(id));
    }

    fn hear_of_agent(&mut self, scope: Scope, id: AgentId, event: &AgentEvent) {
        match event {
            AgentEvent::Created { session_id, .. } => self.enter(scope, id, *session_id),
            AgentEvent::Provisioned { .. }
            | AgentEvent::Resumed { .. }
            | AgentEvent::Recovered { .. }
            | AgentEvent::Paused { .. }
            | AgentEvent::RequestFailed { .. } => self.look_soon(id),
            AgentEvent::Failed { .. }
            | AgentEvent::Terminated { .. }
            | AgentEvent::Completed { .. } => self.forget(id),
            _ => {}
        }
    }

    fn enter(&mut self, scope: Scope, id: AgentId, session: SessionId) {
        self.agents.entry(id).or_insert(Entry { scope, session, due: None, looking: None });
        self.look_soon(id);
    }

    fn forget(&mut self, id: AgentId) {
        if let Some(due) = self.agents.remove(&id).and_then(|entry| entry.due) {
            self.due.remove(&due);
        }
    }

    fn look_soon(&mut self, id: AgentId) {
        self.look_at(id, Instant::now());
    }

    fn look_at(&mut self, id: AgentId, at: Instant) {
        let Some(entry) = self.agents.get_mut(&id) else { return };
        if let Some(since) = &mut entry.looking {
            *since = true;
            return;
        }
        self.number += 1;
        let due = (at, self.number);
        if let Some(before) = entry.due.replace(due) {
            self.due.remove(&before);
        }
        self.due.insert(due, id);
    }

    fn look_at_what_is_due(&mut self) {
        let now = Instant::now();
        while self.looks.len() < AT_ONCE
            && let Some(first) = self.due.first_entry().filter(|first| first.key().0 <= now)
        {
            let id = first.remove();
            let Some(entry) = self.agents.get_mut(&id) else { continue };
            (entry.due, entry.looking) = (None, Some(false));
            let (host, scope) = (self.host.clone(), entry.scope);
            self.looks.spawn(async move {
                let again = look::look(&host, scope, id).await.unwrap_or_else(|error| {
                    tracing::error!(agent = %id, %error, "an agent is not metered yet");
                    Some(TRY_AGAIN)
                });
                (id, again)
            });
        }
    }

    fn looked(&mut self, id: AgentId, again: Option<Duration>) {
        let Some(entry) = self.agents.get_mut(&id) else { return };
        match (entry.looking.take(), again) {
            (Some(true), _) => self.look_soon(id),
            (_, Some(wait)) => self.look_at(id, Instant::now() + wait),
            (_, None) => {}
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
