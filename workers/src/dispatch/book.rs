//! What the dispatcher knows of the tasks that have not ended: where each is, and what it waits
//! for. Pure bookkeeping, so that it can be tested without anything running.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use theazo_domain::providers::ProviderKind;
use theazo_domain::task::{LEASE_MILLIS, Priority, Task, TaskAgent, TaskStatus};
use theazo_domain::{AgentId, Scope, SessionId, TaskId, Timestamp};

use super::queue::{Queue, Waiting};

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the queue.
    Queued,
    /// Behind others of its agent.
    Behind,
    /// Until its session has room for its agent.
    ForRoom,
    /// A host has been told to claim it.
    Here,
    /// A worker has it, by the log.
    Running,
    /// It waits without a worker.
    Suspended,
    /// A claim failed; it is tried again.
    Later,
    /// Until the host of its agent, or any, has room.
    ForHost,
}

#[derive(Debug, Clone)]
struct Known {
    waiting: Waiting,
    agent: AgentId,
    /// Of the agent that is to be made for it.
    provider: Option<ProviderKind>,
    attempt: u32,
    place: Place,
    /// The worker's last sign of life.
    alive_at: Timestamp,
}

/// One agent's tasks that have not ended.
#[derive(Debug, Default)]
struct Line {
    /// The one that is in the queue or further.
    first: Option<TaskId>,
    /// Those behind it, in their order.
    behind: BTreeSet<(Priority, u64, TaskId)>,
}

/// A task that is to be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Next {
    pub waiting: Waiting,
    pub agent: AgentId,
    /// What a host must have for the agent that is to be made.
    pub provider: Option<ProviderKind>,
}

#[derive(Debug, Default)]
pub(crate) struct Book {
    queue: Queue,
    tasks: HashMap<TaskId, Known>,
    lines: HashMap<AgentId, Line>,
    for_room: HashMap<SessionId, BTreeMap<u64, TaskId>>,
    for_host: HashSet<TaskId>,
}

impl Book {
    /// A task that has not ended, as it was found or submitted; `order` is its submission's place
    /// in the log. One that is known already is left as it is.
    pub fn enter(&mut self, scope: Scope, task: &Task, order: u64) {
        if self.tasks.contains_key(&task.id) || task.status.is_final() {
            return;
        }
        let waiting = Waiting {
            scope,
            session: task.session_id,
            task: task.id,
            priority: task.priority,
            order,
        };
        let place = match task.status {
            TaskStatus::Running => Place::Running,
            TaskStatus::Suspended => Place::Suspended,
            _ => Place::Behind,
        };
        let (agent, attempt) = (task.agent_id(), task.attempt);
        let provider = provider(&task.agent);
        let known = Known { waiting, agent, provider, attempt, place, alive_at: task.alive_at };
        self.tasks.insert(task.id, known);
        let line = self.lines.entry(agent).or_default();
        if place == Place::Behind {
            line.behind.insert((waiting.priority, order, waiting.task));
            self.advance(agent);
        } else {
            // One that runs goes before one that was found in the queue.
            if let Some(other) = line.first.replace(task.id) {
                self.step_back(other);
            }
        }
    }

    /// A new task, from its submission.
    pub fn submitted(&mut self, waiting: Waiting, agent: &TaskAgent, at: Timestamp) {
        if self.tasks.contains_key(&waiting.task) {
            return;
        }
        let (agent, provider) = (agent.id(), provider(agent));
        let place = Place::Behind;
        let known = Known { waiting, agent, provider, attempt: 0, place, alive_at: at };
        self.tasks.insert(waiting.task, known);
        let line = self.lines.entry(agent).or_default();
        line.behind.insert((waiting.priority, waiting.order, waiting.task));
        self.advance(agent);
    }

    /// The next task to claim, of a tenant that `may` start one.
    pub fn next(&mut self, may: impl Fn(&Scope) -> bool) -> Option<Next> {
        let waiting = self.queue.pop(may)?;
        let known = self.tasks.get_mut(&waiting.task)?;
        known.place = Place::Here;
        Some(Next { waiting, agent: known.agent, provider: known.provider })
    }

    /// No host can take it now.
    pub fn wait_for_host(&mut self, task: TaskId) {
        self.place(task, Place::ForHost);
        self.for_host.insert(task);
    }

    /// Some host has room: those that wait for one are looked at again.
    pub fn host_has_room(&mut self) {
        for task in std::mem::take(&mut self.for_host) {
            let Some(known) = self.tasks.get_mut(&task) else { continue };
            if known.place == Place::ForHost {
                known.place = Place::Queued;
                self.queue.push(known.waiting);
            }
        }
    }

    /// A worker has started it.
    pub fn started(&mut self, task: TaskId, attempt: u32, at: Timestamp) {
        if let Some(known) = self.tasks.get_mut(&task) {
            known.attempt = attempt;
            known.alive_at = at;
            if known.place != Place::Here {
                self.queue.remove(task);
                self.place(task, Place::Running);
            }
        }
    }

    /// Its worker lives.
    pub fn alive(&mut self, task: TaskId, at: Timestamp) {
        if let Some(known) = self.tasks.get_mut(&task) {
            known.alive_at = at;
        }
    }

    /// The claim came back; what it did comes through the log.
    pub fn left(&mut self, task: TaskId) {
        if let Some(known) = self.tasks.get_mut(&task)
            && known.place == Place::Here
        {
            known.place = Place::Running;
        }
    }

    /// It is in the queue again.
    pub fn requeued(&mut self, task: TaskId, attempt: u32) {
        let Some(known) = self.tasks.get_mut(&task) else { return };
        if known.attempt != attempt || known.place == Place::Queued {
            return;
        }
        known.place = Place::Queued;
        self.queue.push(known.waiting);
    }

    pub fn suspended(&mut self, task: TaskId, attempt: u32) {
        if self.tasks.get(&task).is_some_and(|known| known.attempt == attempt) {
            self.place(task, Place::Suspended);
        }
    }

    /// It has ended; its agent is free when that is settled.
    pub fn ended(&mut self, task: TaskId) {
        let Some(known) = self.tasks.remove(&task) else { return };
        self.queue.remove(task);
        self.for_host.remove(&task);
        let Waiting { session, priority, order, .. } = known.waiting;
        if let Some(line) = self.lines.get_mut(&known.agent) {
            line.behind.remove(&(priority, order, task));
        }
        if let Some(waiting) = self.for_room.get_mut(&session) {
            waiting.remove(&order);
            if waiting.is_empty() {
                self.for_room.remove(&session);
            }
        }
    }

    /// The agent can have its next task.
    pub fn agent_is_free(&mut self, agent: AgentId) {
        if let Some(line) = self.lines.get_mut(&agent) {
            // The first is still there when another one of the line has ended.
            if line.first.is_some_and(|first| !self.tasks.contains_key(&first)) {
                line.first = None;
            }
            self.advance(agent);
        }
    }

    /// There is no room for its agent. Answers it, if that is still so.
    pub fn session_is_full(&mut self, task: TaskId) -> Option<Waiting> {
        let known = self.tasks.get_mut(&task).filter(|known| known.place == Place::Here)?;
        known.place = Place::ForRoom;
        let Waiting { session, order, .. } = known.waiting;
        self.for_room.entry(session).or_default().insert(order, task);
        Some(known.waiting)
    }

    /// There may be room in the session.
    pub fn session_has_room(&mut self, session: SessionId) {
        for task in self.for_room.remove(&session).unwrap_or_default().into_values() {
            self.again(task);
        }
    }

    /// It is to be claimed again, but not at once. Answers how often it has been tried.
    pub fn later(&mut self, task: TaskId) -> u32 {
        self.queue.remove(task);
        self.place(task, Place::Later);
        self.tasks.get(&task).map_or(0, |known| known.attempt)
    }

    /// Whether a host has been told to claim it, and the log has not said otherwise.
    pub fn is_here(&self, task: TaskId) -> bool {
        self.tasks.get(&task).is_some_and(|known| known.place == Place::Here)
    }

    /// It is to be claimed again.
    pub fn again(&mut self, task: TaskId) {
        let Some(known) = self.tasks.get_mut(&task) else { return };
        if known.place == Place::ForRoom
            && let Some(waiting) = self.for_room.get_mut(&known.waiting.session)
        {
            waiting.remove(&known.waiting.order);
            if waiting.is_empty() {
                self.for_room.remove(&known.waiting.session);
            }
        }
        if matches!(known.place, Place::ForRoom | Place::Later) {
            known.place = Place::Queued;
            self.queue.push(known.waiting);
        }
    }

    /// Running tasks whose worker has said nothing for a lease's time.
    pub fn silent(&self, now: Timestamp) -> Vec<(Scope, TaskId, u32)> {
        self.tasks
            .values()
            .filter(|known| known.place == Place::Running)
            .filter(|known| now.millis_since(known.alive_at) >= LEASE_MILLIS)
            .map(|known| (known.waiting.scope, known.waiting.task, known.attempt))
            .collect()
    }

    /// The task that the agent works on or is to work on next.
    pub fn first_of(&self, agent: AgentId) -> Option<TaskId> {
        self.lines.get(&agent)?.first
    }

    /// The suspended task of the agent, and its attempt.
    pub fn suspended_of(&self, agent: AgentId) -> Option<(TaskId, u32)> {
        let first = self.first_of(agent)?;
        let known = self.tasks.get(&first)?;
        (known.place == Place::Suspended).then_some((first, known.attempt))
    }

    /// All tasks of the agent that have not ended.
    pub fn of_agent(&self, agent: AgentId) -> Vec<TaskId> {
        let Some(line) = self.lines.get(&agent) else { return vec![] };
        line.first.into_iter().chain(line.behind.iter().map(|(_, _, task)| *task)).collect()
    }

    /// All tasks of the session that have not ended.
    pub fn of_session(&self, session: SessionId) -> Vec<TaskId> {
        let of = |known: &&Known| known.waiting.session == session;
        self.tasks.values().filter(of).map(|known| known.waiting.task).collect()
    }

    fn place(&mut self, task: TaskId, place: Place) {
        if let Some(known) = self.tasks.get_mut(&task) {
            known.place = place;
        }
    }

    /// Lets the best of an agent's line into the queue, in place of a lesser one that has not
    /// started.
    fn advance(&mut self, agent: AgentId) {
        let Some(line) = self.lines.get_mut(&agent) else { return };
        let Some(&(priority, order, best)) = line.behind.first() else {
            if line.first.is_none() {
                self.lines.remove(&agent);
            }
            return;
        };
        match line.first {
            None => {}
            Some(first) => {
                let queued = self
                    .tasks
                    .get(&first)
                    .filter(|known| matches!(known.place, Place::Queued | Place::ForHost));
                let lesser = queued
                    .is_some_and(|k| (k.waiting.priority, k.waiting.order) > (priority, order));
                // One that was begun before goes on first.
                if !lesser || queued.is_some_and(|known| known.attempt > 0) {
                    return;
                }
                self.step_back(first);
            }
        }
        let Some(line) = self.lines.get_mut(&agent) else { return };
        line.behind.remove(&(priority, order, best));
        line.first = Some(best);
        if let Some(known) = self.tasks.get_mut(&best) {
            known.place = Place::Queued;
            self.queue.push(known.waiting);
        }
    }

    /// Puts a task that is in the queue behind the others of its agent.
    fn step_back(&mut self, task: TaskId) {
        let Some(known) = self.tasks.get_mut(&task) else { return };
        self.queue.remove(task);
        known.place = Place::Behind;
        let Waiting { priority, order, .. } = known.waiting;
        let agent = known.agent;
        if let Some(line) = self.lines.get_mut(&agent) {
            line.behind.insert((priority, order, task));
        }
    }
}

fn provider(agent: &TaskAgent) -> Option<ProviderKind> {
    match agent {
        TaskAgent::Own { spec, .. } => Some(spec.provider),
        TaskAgent::Existing { .. } => None,
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
