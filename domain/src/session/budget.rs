//! What a session has spent, and what is reserved of its limits.
//!
//! Whoever spends (the compute of an agent, the model calls of its runs) reserves first, with a
//! commit on the session, and tells what it has used with the next one. What is settled and what is
//! reserved together never pass a limit, so that what is spent out of reservations does not either.
//! What is told is what was used in all, so that telling it twice counts once.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::pricing::Costs;
use crate::{AgentId, Day, Pico, Timestamp};

use super::{Limits, Period};

/// What of an agent spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Spender {
    Compute,
    Models,
}

/// A limit that spending can come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LimitKind {
    MaxCost,
    MaxComputeMinutes,
    /// Of one agent.
    CostCap,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// Settled, of all agents there ever were, and storage.
    pub spent: Costs,
    /// Milliseconds of compute, settled.
    pub compute_millis: u64,
    /// The agents that may still spend.
    pub accounts: BTreeMap<AgentId, Account>,
    /// Agents that ran before there was a limit, and have not told yet what they used.
    pub unknown: BTreeSet<AgentId>,
    /// The limits that are known to be near or reached.
    pub notices: Vec<Notice>,
}

/// What one agent has told, and what is reserved for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    pub cost_cap: Option<Pico>,
    pub compute: Side,
    pub models: Side,
    /// The agent has ended; the costs of its last run are still to be told.
    pub released: bool,
}

/// One spender's side of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    pub spent: Costs,
    /// Milliseconds of compute.
    pub millis: u64,
    /// Reserved, beyond what is spent.
    pub held: Pico,
    pub held_millis: u64,
    /// The newest run that told or reserved.
    #[serde(default)]
    pub run: RunNumber,
}

/// Which run of an agent it is, and which attempt at it: one that is overtaken has a lower number,
/// and is not listened to any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunNumber {
    /// From 1.
    pub run: u32,
    pub attempt: u32,
}

impl RunNumber {
    /// After the last attempt.
    pub const fn over(run: u32) -> Self {
        Self { run, attempt: u32::MAX }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Somebody was told that a limit is near, or reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    pub limit: LimitKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// Where the period began that it is about.
    pub since: Day,
    /// What the limit was: cents or minutes.
    pub max: u64,
    pub reached: bool,
}

impl Budget {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What was spent in the period that `day` is in.
    pub fn spent_in(&self, period: Period, day: Day) -> Pico {
        match period {
            Period::Session => self.spent.total(),
            Period::Day => self.spent.of(day),
            Period::Month => self.spent.of_month(day.month()),
        }
    }

    /// What a spender has told and reserved; `None` when its agent may spend no more.
    pub fn side(&self, agent: AgentId, spender: Spender) -> Option<&Side> {
        self.accounts.get(&agent).map(|account| account.side(spender))
    }

    /// Reserved, by whomever.
    pub fn held(&self) -> Pico {
        self.sides().map(|(_, side)| side.held).sum()
    }

    /// Reserved by others than `but`.
    pub fn held_by_others(&self, but: (AgentId, Spender)) -> Pico {
        self.sides().filter(|(who, _)| *who != but).map(|(_, side)| side.held).sum()
    }

    /// Milliseconds that other agents have reserved.
    pub fn held_millis_by_others(&self, but: AgentId) -> u64 {
        let others = self.accounts.iter().filter(|(agent, _)| **agent != but);
        others.fold(0, |sum, (_, account)| sum.saturating_add(account.compute.held_millis))
    }

    fn sides(&self) -> impl Iterator<Item = ((AgentId, Spender), &Side)> {
        self.accounts.iter().flat_map(|(agent, account)| {
            let of = |spender| ((*agent, spender), account.side(spender));
            [of(Spender::Compute), of(Spender::Models)]
        })
    }

    pub(super) fn open(&mut self, agent: AgentId, cost_cap: Option<Pico>) {
        self.accounts.insert(agent, Account { cost_cap, ..Account::default() });
    }

    pub(super) fn take(&mut self, agent: AgentId, spender: Spender, told: &Told) {
        self.spent.add_all(&told.spent);
        self.compute_millis = self.compute_millis.saturating_add(told.millis);
        let Some(account) = self.accounts.get_mut(&agent) else { return };
        let side = account.side_mut(spender);
        side.spent.add_all(&told.spent);
        side.millis = side.millis.saturating_add(told.millis);
        self.hold(agent, spender, told);
        let Some(account) = self.accounts.get(&agent) else { return };
        if spender == Spender::Compute {
            self.unknown.remove(&agent);
        } else if account.released {
            self.accounts.remove(&agent);
        }
    }

    pub(super) fn hold(&mut self, agent: AgentId, spender: Spender, told: &Told) {
        if let Some(account) = self.accounts.get_mut(&agent) {
            let side = account.side_mut(spender);
            (side.held, side.held_millis) = (told.held, told.held_millis);
            side.run = side.run.max(told.run);
        }
    }

    /// The agent has ended; `run_open`: its last run has not.
    pub(super) fn release(&mut self, agent: AgentId, run_open: bool) {
        self.unknown.remove(&agent);
        match self.accounts.get_mut(&agent) {
            Some(account) if run_open => account.released = true,
            _ => {
                self.accounts.remove(&agent);
            }
        }
    }

    /// Takes a limit's notice down, in place of earlier ones.
    pub(super) fn note(&mut self, notice: Notice) {
        self.notices.retain(|old| (old.limit, old.agent_id) != (notice.limit, notice.agent_id));
        self.notices.push(notice);
    }

    /// Bytes of memory that it takes, about.
    pub(super) fn weight(&self) -> usize {
        let account = |account: &Account| {
            300 + 40 * (account.compute.spent.days() + account.models.spent.days())
        };
        40 * self.spent.days() + self.accounts.values().map(account).sum::<usize>()
    }
}

impl Account {
    pub const fn side(&self, spender: Spender) -> &Side {
        match spender {
            Spender::Compute => &self.compute,
            Spender::Models => &self.models,
        }
    }

    const fn side_mut(&mut self, spender: Spender) -> &mut Side {
        match spender {
            Spender::Compute => &mut self.compute,
            Spender::Models => &mut self.models,
        }
    }

    pub fn spent(&self) -> Pico {
        self.compute.spent.total() + self.models.spent.total()
    }
}

/// What a spender has used since it told last, and what is reserved for it from here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    #[serde(default, skip_serializing_if = "Costs::is_empty")]
    pub spent: Costs,
    /// Milliseconds of compute.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub millis: u64,
    #[serde(default, skip_serializing_if = "Pico::is_zero")]
    pub held: Pico,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held_millis: u64,
    /// Whose word it is, where it is of models.
    #[serde(default, skip_serializing_if = "RunNumber::is_none")]
    pub run: RunNumber,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Told {
    pub(super) fn has_spent(&self) -> bool {
        !self.spent.is_empty() || self.millis > 0
    }
}

impl Limits {
    /// Whether what is spent has to be reserved first.
    pub const fn bound_spending(&self) -> bool {
        self.max_cost.is_some() || self.max_compute_minutes.is_some()
    }
}

/// The first day of the period that `now` is in.
pub(super) fn period_start(period: Period, now: Timestamp) -> Day {
    let day = now.day();
    match period {
        Period::Session => Day::default(),
        Period::Day => day,
        Period::Month => {
            let into = i32::try_from(day.of_month()).unwrap_or(1).saturating_sub(1);
            day.plus(-into)
        }
    }
}
