//! Giving tasks to hosts, and what comes back.

use theazo_domain::{Scope, TaskId};

use crate::crew::{Assignment, Back, assignments, send};

use super::book::Next;
use super::claim::Claimed;
use super::{Dispatcher, Heard, MAX_TRY_AGAIN, TRY_AGAIN};

impl Dispatcher {
    /// Gives out what is next, as long as there is room for it.
    pub(super) async fn start_what_can(&mut self) {
        while self.roster.has_room() {
            let slots = self.roster.slots();
            // An eighth of the slots is never one tenant's, however many tasks it has.
            let most = (slots - slots / 8).max(1);
            let running = &self.running;
            let may = |scope: &Scope| running.get(scope).is_none_or(|runs| *runs < most);
            let Some(next) = self.book.next(may) else { return };
            match self.host_for(&next) {
                Some(host) => self.give(&next, &host).await,
                None => self.book.wait_for_host(next.waiting.task),
            }
        }
    }

    /// The host that has the task's agent, if it can take the task now; any with room when none
    /// has.
    fn host_for(&self, next: &Next) -> Option<String> {
        if self.host.sole {
            return self.roster.roomiest_of_all().map(str::to_owned);
        }
        let placed = self.places.get(next.agent);
        let home = placed.and_then(|place| place.host.as_deref());
        match home {
            Some(home) if !self.is_lost(home) => {
                (self.roster.free(home) > 0).then(|| home.to_owned())
            }
            _ => {
                let provider = placed.map_or(next.provider, |place| Some(place.provider));
                let host = match provider {
                    Some(provider) => self.roster.roomiest(provider),
                    None => self.roster.roomiest_of_all(),
                };
                host.map(str::to_owned)
            }
        }
    }

    async fn give(&mut self, next: &Next, host: &str) {
        let (scope, task) = (next.waiting.scope, next.waiting.task);
        self.claims += 1;
        *self.running.entry(scope).or_default() += 1;
        if let Some(before) = self.roster.give(scope, task, self.claims, host) {
            self.has_ended(before);
        }
        let (agent, term, claim) = (next.agent, self.term, self.claims);
        let assignment = Assignment { scope, task, agent, term, claim };
        send(&*self.bus, &assignments(host), &assignment).await;
    }

    /// A claim is over; what it did is in the log, or still on the way from there, or has been
    /// heard of and reacted to already.
    pub(super) fn came_back(&mut self, back: &Back) {
        let Some((scope, host)) = self.roster.back(back.task, back.claim) else { return };
        self.has_ended(scope);
        let task = back.task;
        match back.claimed {
            Claimed::Told | Claimed::Lost => self.book.left(task),
            Claimed::SessionFull => {
                if let Some(waiting) = self.book.session_is_full(task) {
                    self.look_for_room(waiting);
                }
            }
            Claimed::Failed if self.book.is_here(task) => self.try_later(task),
            Claimed::Failed => {}
        }
        self.has_room(&host);
    }

    /// There is, or may be, room for a task on `host`.
    pub(super) fn has_room(&mut self, host: &str) {
        if self.roster.free(host) > 0 {
            self.book.host_has_room();
        }
    }

    fn has_ended(&mut self, scope: Scope) {
        if let Some(runs) = self.running.get_mut(&scope) {
            *runs -= 1;
            if *runs == 0 {
                self.running.remove(&scope);
            }
        }
    }

    pub(super) fn try_later(&mut self, task: TaskId) {
        let tried = self.book.later(task);
        let again = self.heard.0.clone();
        // Not among the reactions: nobody waits for it at the end.
        tokio::spawn(async move {
            tokio::time::sleep(TRY_AGAIN * tried.clamp(1, MAX_TRY_AGAIN)).await;
            // The dispatcher is gone when nobody hears it.
            let _ = again.send(Heard::Again(task));
        });
    }
}
