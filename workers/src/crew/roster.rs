//! What the scheduler knows of the hosts: who lives, and who has what. Pure bookkeeping.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use theazo_domain::providers::ProviderKind;
use theazo_domain::{Scope, TaskId, Timestamp};
use tokio::time::Instant;
use uuid::Uuid;

use super::Beat;

/// An assignment that so many beats in a row do not know of was lost.
const MISSED_BEATS: u8 = 3;

#[derive(Debug)]
struct Member {
    instance: Uuid,
    slots: usize,
    /// What it says it runs, and what it was given since.
    busy: HashSet<TaskId>,
    providers: Vec<ProviderKind>,
    leaving: bool,
    heard: Instant,
    heard_at: Timestamp,
}

#[derive(Debug)]
struct Given {
    scope: Scope,
    claim: u64,
    host: String,
    missed: u8,
}

/// The hosts that have been heard of in this term.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    members: HashMap<String, Member>,
    given: HashMap<TaskId, Given>,
}

/// What a beat tells besides that its host lives.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// It has not been heard of before, or has been started anew.
    pub new: bool,
    /// Assignments, by task and claim, that it does not know of.
    pub lost: Vec<(TaskId, u64)>,
}

impl Roster {
    pub fn heard(&mut self, beat: Beat, now: Instant, at: Timestamp) -> Seen {
        let mut busy: HashSet<TaskId> = beat.running.into_iter().collect();
        let mut lost = Vec::new();
        for (task, given) in self.given.iter_mut().filter(|(_, given)| given.host == beat.host) {
            given.missed = if busy.insert(*task) { given.missed + 1 } else { 0 };
            if given.missed >= MISSED_BEATS {
                lost.push((*task, given.claim));
            }
        }
        let member = Member {
            instance: beat.instance,
            slots: beat.slots,
            busy,
            providers: beat.providers,
            leaving: beat.leaving,
            heard: now,
            heard_at: at,
        };
        let before = self.members.insert(beat.host, member);
        Seen { new: before.is_none_or(|before| before.instance != beat.instance), lost }
    }

    /// Notes an assignment. Answers whose the earlier one of this task is, when that was not over.
    pub fn give(&mut self, scope: Scope, task: TaskId, claim: u64, host: &str) -> Option<Scope> {
        let given = Given { scope, claim, host: host.to_owned(), missed: 0 };
        let before = self.given.insert(task, given);
        if let Some(member) = self.members.get_mut(host) {
            member.busy.insert(task);
        }
        before.map(|before| before.scope)
    }

    /// The assignment is over. Answers whose the task is and which host had it, unless it has been
    /// assigned anew.
    pub fn back(&mut self, task: TaskId, claim: u64) -> Option<(Scope, String)> {
        self.given.get(&task).filter(|given| given.claim == claim)?;
        let given = self.given.remove(&task)?;
        if let Some(member) = self.members.get_mut(&given.host) {
            member.busy.remove(&task);
        }
        Some((given.scope, given.host))
    }

    pub fn is_given(&self, task: TaskId) -> bool {
        self.given.contains_key(&task)
    }

    /// Tasks assigned to `host`, with their claims.
    pub fn given_to(&self, host: &str) -> Vec<(TaskId, u64)> {
        let to = self.given.iter().filter(|(_, given)| given.host == host);
        to.map(|(task, given)| (*task, given.claim)).collect()
    }

    /// Of all hosts together.
    pub fn slots(&self) -> usize {
        self.members.values().filter(|member| !member.leaving).map(|member| member.slots).sum()
    }

    /// How many more tasks `host` can take.
    pub fn free(&self, host: &str) -> usize {
        let member = self.members.get(host).filter(|member| !member.leaving);
        member.map_or(0, |member| member.slots.saturating_sub(member.busy.len()))
    }

    /// The host with the most room that has `provider`, if any has room.
    pub fn roomiest(&self, provider: ProviderKind) -> Option<&str> {
        roomiest(self.with(provider).map(|host| (self.free(host), host)))
    }

    /// As [`Self::roomiest`], whatever providers it has.
    pub fn roomiest_of_all(&self) -> Option<&str> {
        roomiest(self.members.keys().map(|host| (self.free(host), host.as_str())))
    }

    /// A host for a sandbox, which needs no slot: of those that have `provider` the one that has
    /// the fewest agents.
    pub fn home(&self, provider: ProviderKind, agents: impl Fn(&str) -> usize) -> Option<&str> {
        self.with(provider).min_by_key(|host| (agents(host), *host))
    }

    fn with(&self, provider: ProviderKind) -> impl Iterator<Item = &str> {
        self.members
            .iter()
            .filter(move |(_, member)| !member.leaving && member.providers.contains(&provider))
            .map(|(host, _)| host.as_str())
    }

    /// Whether any host can take a task.
    pub fn has_room(&self) -> bool {
        self.members.keys().any(|host| self.free(host) > 0)
    }

    /// Whether `host` has been heard of within `lease`.
    pub fn is_alive(&self, host: &str, now: Instant, lease: Duration) -> bool {
        self.members.get(host).is_some_and(|member| now.duration_since(member.heard) < lease)
    }

    /// Strikes off a host that is lost. Answers when it was last known to live.
    pub fn strike(&mut self, host: &str) -> Option<Timestamp> {
        self.members.remove(host).map(|member| member.heard_at)
    }

    /// The hosts that have not been heard of for `lease`.
    pub fn silent(&self, now: Instant, lease: Duration) -> Vec<String> {
        self.members.keys().filter(|host| !self.is_alive(host, now, lease)).cloned().collect()
    }

    /// This process itself was away: what it has not heard says nothing.
    pub fn hear_anew(&mut self, now: Instant) {
        for member in self.members.values_mut() {
            member.heard = now;
        }
    }
}

/// The host with the most room, if any has room; of equals always the same one.
fn roomiest<'r>(hosts: impl Iterator<Item = (usize, &'r str)>) -> Option<&'r str> {
    hosts.filter(|(free, _)| *free > 0).max().map(|(_, host)| host)
}

#[cfg(test)]
#[path = "roster_tests.rs"]
mod tests;
