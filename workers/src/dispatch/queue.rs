//! Which task goes next: `high` before `normal` before `low`; inside one of them the tenants take
//! turns, inside a tenant its sessions do, and inside a session the first in is the first out.
//!
//! A turn is a deficit round robin in which every task weighs the same: one customer's ten thousand
//! tasks delay another's one by at most one task for each tenant that waits.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;

use theazo_domain::task::Priority;
use theazo_domain::{Scope, SessionId, TaskId};

/// A task that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub scope: Scope,
    pub session: SessionId,
    pub task: TaskId,
    pub priority: Priority,
    /// The place of its submission in the log: it keeps it when it comes back.
    pub order: u64,
}

/// One tenant's tasks, by session and by their place in the log.
type Tenant = Ring<SessionId, BTreeMap<u64, TaskId>>;

/// The tasks that could start now.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    levels: [Ring<Scope, Tenant>; Priority::ALL.len()],
    waiting: HashMap<TaskId, Waiting>,
}

impl Queue {
    pub fn push(&mut self, waiting: Waiting) {
        if self.waiting.insert(waiting.task, waiting).is_some() {
            return;
        }
        let tenant = self.levels[level(waiting.priority)].entry(waiting.scope);
        tenant.entry(waiting.session).insert(waiting.order, waiting.task);
    }

    /// The next one of a tenant that `may` start one, which leaves the queue.
    pub fn pop(&mut self, may: impl Fn(&Scope) -> bool) -> Option<Waiting> {
        let task = self.levels.iter_mut().find_map(|level| {
            level.turn_of(&may, |tenant| {
                tenant.turn(|session| session.pop_first().map(|(_, task)| task))
            })
        })?;
        self.waiting.remove(&task)
    }

    /// Takes a task out that is not to start after all; whether it was there.
    pub fn remove(&mut self, task: TaskId) -> bool {
        let Some(waiting) = self.waiting.remove(&task) else { return false };
        let tenants = &mut self.levels[level(waiting.priority)];
        let tenant = tenants.entry(waiting.scope);
        tenant.entry(waiting.session).remove(&waiting.order);
        tenant.tidy(&waiting.session);
        tenants.tidy(&waiting.scope);
        true
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }
}

const fn level(priority: Priority) -> usize {
    priority as usize
}

/// Those who take turns. Whoever has nothing is not in it.
#[derive(Debug)]
struct Ring<K, V> {
    turns: VecDeque<K>,
    held: HashMap<K, V>,
}

impl<K, V> Default for Ring<K, V> {
    fn default() -> Self {
        Self { turns: VecDeque::new(), held: HashMap::new() }
    }
}

trait Holds {
    fn is_empty(&self) -> bool;
}

impl<K, V> Holds for Ring<K, V> {
    fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }
}

impl Holds for BTreeMap<u64, TaskId> {
    fn is_empty(&self) -> bool {
        BTreeMap::is_empty(self)
    }
}

impl<K: Copy + Eq + Hash, V: Default + Holds> Ring<K, V> {
    /// Who is new has its turn after all others.
    fn entry(&mut self, key: K) -> &mut V {
        if !self.held.contains_key(&key) {
            self.turns.push_back(key);
        }
        self.held.entry(key).or_default()
    }

    /// Gives a turn to the first who may have one; those before keep theirs.
    fn turn_of<T>(
        &mut self,
        may: impl Fn(&K) -> bool,
        take: impl FnOnce(&mut V) -> Option<T>,
    ) -> Option<T> {
        let at = self.turns.iter().position(may)?;
        let key = self.turns.remove(at)?;
        self.turns.push_front(key);
        self.turn(take)
    }

    /// Gives a turn to whoever is next, who then waits for all others.
    fn turn<T>(&mut self, take: impl FnOnce(&mut V) -> Option<T>) -> Option<T> {
        let key = self.turns.pop_front()?;
        let taken = self.held.get_mut(&key).and_then(take);
        if self.held.get(&key).is_none_or(Holds::is_empty) {
            self.held.remove(&key);
        } else {
            self.turns.push_back(key);
        }
        taken
    }

    /// Takes one out that has nothing left.
    fn tidy(&mut self, key: &K) {
        if self.held.get(key).is_some_and(Holds::is_empty) {
            self.held.remove(key);
            self.turns.retain(|turn| turn != key);
        }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
