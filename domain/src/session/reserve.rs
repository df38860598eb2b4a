//! How much of a session's limits is left, and who gets it.

use std::borrow::Cow;

use crate::pricing::{ComputePrice, Costs};
use crate::{AgentId, Ctx, Day, Pico, Timestamp};

use super::budget::{Account, RunNumber, Side, Spender, Told};
use super::notices::notices;
use super::{LimitKind, Session, SessionEvent};

/// A run gets a part of what is left beyond its next call, so that not every call is a commit on
/// the session: one of so many parts for each agent, so that what the others need is there.
const PARTS: i128 = 4;
/// Calls like the next one that a run gets ahead of their time, at most.
const CALLS_AHEAD: i128 = 31;
/// Compute is reserved in slices of so long, and shorter ones near a limit.
const LONGEST_SLICE_MS: u64 = 60_000;
/// A slice is no longer than the agent has run so far, or this: many do not live long, and others
/// could not use what lies idle for them.
const FIRST_SLICE_MS: u64 = 5_000;
/// One of so many parts of what is left for each agent: a slice lies idle for as long as it is.
const SLICES: i128 = 32;
/// What nothing can be done with: an eighth of a second of compute.
const OF_NO_USE: Pico = Pico(100_000_000);
/// A shorter slice is not worth its commits.
const SHORTEST_SLICE_MS: u64 = 1_000;

pub(super) const MILLIS_PER_MINUTE: u64 = 60_000;

/// What a spender has used since the agent began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spent {
    Models { costs: Costs, run: RunNumber },
    Compute { costs: Costs, millis: u64 },
}

/// What a spender needs next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// What is reserved for it goes back.
    Nothing,
    /// What is reserved for it stays, without what it has used of it.
    Rest,
    /// A call that comes to `most` at most. Of `least` something useful can be made too.
    Call { least: Pico, most: Pico },
    /// Time to run on.
    Compute { price: ComputePrice },
}

impl Spent {
    const fn spender(&self) -> Spender {
        match self {
            Spent::Models { .. } => Spender::Models,
            Spent::Compute { .. } => Spender::Compute,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserve {
    pub agent_id: AgentId,
    pub spent: Spent,
    pub need: Need,
}

/// What is left for one spender, and which limit leaves so little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub left: Pico,
    pub by: Option<LimitKind>,
    /// Milliseconds of compute.
    pub millis: u64,
}

impl Room {
    /// Milliseconds of compute at `price` that there is room for.
    pub fn affords(&self, price: &ComputePrice) -> u64 {
        price.affords(self.left).unwrap_or(u64::MAX).min(self.millis)
    }
}

impl Session {
    /// Whether what `agent` spends has to be reserved first.
    pub fn bounds(&self, agent: AgentId) -> bool {
        let capped = |account: &Account| account.cost_cap.is_some();
        self.limits.bound_spending() || self.budget.accounts.get(&agent).is_some_and(capped)
    }

    /// What is left of the limits for a spender, beside what all others have reserved.
    pub fn room(&self, agent: AgentId, spender: Spender, now: Timestamp) -> Room {
        let account = self.budget.accounts.get(&agent);
        let others = self.budget.held_by_others((agent, spender));
        let mut room = Room { left: Pico(i128::MAX), by: None, millis: u64::MAX };
        if let Some(left) = self.cost_left(now.day(), others) {
            (room.left, room.by) = (left.max(Pico::ZERO), Some(LimitKind::MaxCost));
        }
        if let Some(minutes) = self.limits.max_compute_minutes {
            let max = minutes.saturating_mul(MILLIS_PER_MINUTE);
            let used = self.budget.compute_millis;
            let held = self.budget.held_millis_by_others(agent);
            room.millis = max.saturating_sub(used).saturating_sub(held);
        }
        if let Some((account, cap)) = account.and_then(|a| Some((a, a.cost_cap?))) {
            let other = match spender {
                Spender::Compute => account.models.held,
                Spender::Models => account.compute.held,
            };
            let left = cap.minus(account.spent()).minus(other).max(Pico::ZERO);
            if left < room.left {
                (room.left, room.by) = (left, Some(LimitKind::CostCap));
            }
        }
        room
    }

    /// Whether more may be left soon: others have reserved for calls that are under way, or it is
    /// still to be counted what was spent before there was a limit.
    pub fn may_have_more(&self, agent: AgentId) -> bool {
        let calls = |(other, account): (&AgentId, &Account)| {
            *other != agent && !account.models.held.is_zero()
        };
        self.counts() || self.budget.accounts.iter().any(calls)
    }

    /// Whether it is still to be counted what was spent before there was a limit.
    pub fn counts(&self) -> bool {
        self.limits.bound_spending() && !self.budget.unknown.is_empty()
    }

    /// Whether nothing can begin any more in the period that `now` is in.
    pub fn is_spent(&self, now: Timestamp) -> bool {
        self.cost_left(now.day(), Pico::ZERO).is_some_and(|left| left < OF_NO_USE)
    }

    /// What `maxCost` leaves in the period that `day` is in, beside what is `held`; negative when
    /// it was lowered. `None` where there is no such limit.
    pub(super) fn cost_left(&self, day: Day, held: Pico) -> Option<Pico> {
        let max = self.limits.max_cost?;
        let spent = self.budget.spent_in(max.period, day);
        Some(Pico::from_cents(max.amount).minus(spent).minus(held))
    }
}

/// Each finds the session as those before it leave it.
pub(super) fn reserve_all(session: &Session, all: &[Reserve], ctx: Ctx) -> Vec<SessionEvent> {
    let (mut before, mut events) = (Cow::Borrowed(session), Vec::new());
    for (n, asked) in all.iter().enumerate() {
        let reserved = reserve(&before, asked, ctx);
        if n + 1 < all.len() {
            let then = before.into_owned();
            before = Cow::Owned(reserved.iter().fold(then, |now, event| now.after(event, ctx.now)));
        }
        events.extend(reserved);
    }
    events
}

fn reserve(session: &Session, reserve: &Reserve, ctx: Ctx) -> Vec<SessionEvent> {
    let Reserve { agent_id, spent, need } = reserve;
    let Some(account) = session.budget.accounts.get(agent_id) else { return vec![] };
    let spender = spent.spender();
    if matches!(spent, Spent::Models { run, .. } if *run < account.models.run) {
        return vec![];
    }
    // What it has used is no longer reserved, and counts.
    let used = told(account, spent);
    let mut after = session.clone();
    after.budget.take(*agent_id, spender, &used);
    let before = account.side(spender);
    let told = grant(&after, *agent_id, (need, before), used, ctx.now);
    after.budget.hold(*agent_id, spender, &told);
    let moved = (told.held, told.held_millis) != (before.held, before.held_millis)
        || !told.held.is_zero() && told.run != before.run;
    let counted = spender == Spender::Compute && session.budget.unknown.contains(agent_id);
    let refused = is_refused(need, &told);
    let tells = told.has_spent() || moved || counted;
    let mut events: Vec<_> =
        tells.then(|| reservation(*agent_id, spender, told)).into_iter().collect();
    events.extend(notices(session, &after, *agent_id, refused, ctx.now));
    events
}

/// The agent has ended. `run_open`: the costs of its last run are told later.
pub(super) fn release(
    session: &Session,
    agent_id: AgentId,
    spent: &[Spent],
    run_open: bool,
    ctx: Ctx,
) -> Vec<SessionEvent> {
    let Some(account) = session.budget.accounts.get(&agent_id) else { return vec![] };
    let (mut events, mut after) = (Vec::new(), session.clone());
    for spent in spent {
        let (spender, told) = (spent.spender(), told(account, spent));
        let side = account.side(spender);
        if told.has_spent() || !side.held.is_zero() || side.held_millis > 0 {
            after.budget.take(agent_id, spender, &told);
            events.push(reservation(agent_id, spender, told));
        }
    }
    events.extend(notices(session, &after, agent_id, false, ctx.now));
    events.push(SessionEvent::AgentReleased { agent_id, run_open });
    events
}

/// The first slice of a new agent's compute, beside all that is reserved already; nothing when
/// there is no room for it.
pub(super) fn first_slice(
    session: &Session,
    agent_id: AgentId,
    cost_cap: Option<Pico>,
    price: &ComputePrice,
    ctx: Ctx,
) -> Option<SessionEvent> {
    let mut after = session.clone();
    after.budget.open(agent_id, cost_cap);
    let need = Need::Compute { price: price.clone() };
    let told = grant(&after, agent_id, (&need, &Side::default()), Told::default(), ctx.now);
    (told.held_millis > 0).then(|| reservation(agent_id, Spender::Compute, told))
}

fn reservation(agent_id: AgentId, spender: Spender, told: Told) -> SessionEvent {
    SessionEvent::ReservationChanged { agent_id, spender, told }
}

/// What is new of what a spender has used; nothing reserved.
fn told(account: &Account, spent: &Spent) -> Told {
    match spent {
        Spent::Models { costs, run } => {
            Told { spent: costs.since(&account.models.spent), run: *run, ..Told::default() }
        }
        Spent::Compute { costs, millis } => Told {
            spent: costs.since(&account.compute.spent),
            millis: millis.saturating_sub(account.compute.millis),
            ..Told::default()
        },
    }
}

fn is_refused(need: &Need, told: &Told) -> bool {
    match need {
        Need::Nothing | Need::Rest => false,
        Need::Call { most, .. } => told.held.is_zero() && !most.is_zero(),
        Need::Compute { .. } => told.held_millis == 0,
    }
}

/// `told`, with what the spender gets, which had `before`.
fn grant(
    session: &Session,
    agent: AgentId,
    (need, before): (&Need, &Side),
    told: Told,
    now: Timestamp,
) -> Told {
    let rest = Told {
        held: before.held.minus(told.spent.total()).max(Pico::ZERO),
        held_millis: before.held_millis.saturating_sub(told.millis),
        ..told.clone()
    };
    let agents = i128::try_from(session.budget.accounts.len().max(1)).unwrap_or(i128::MAX);
    match need {
        Need::Rest => rest,
        Need::Nothing => told,
        _ if session.counts() => told,
        Need::Call { least, most } => {
            let left = session.room(agent, Spender::Models, now).left;
            let held = if left >= *most {
                let part = left.minus(*most).0 / PARTS.saturating_mul(agents);
                *most + Pico(part.min(most.0.saturating_mul(CALLS_AHEAD)))
            } else if left >= *least {
                left
            } else {
                Pico::ZERO
            };
            Told { held, ..told }
        }
        Need::Compute { price } => {
            let affordable = session.room(agent, Spender::Compute, now).affords(price);
            let share = u64::try_from(i128::from(affordable) / SLICES.saturating_mul(agents));
            let ran = session.budget.side(agent, Spender::Compute).map_or(0, |side| side.millis);
            let longest = ran.clamp(FIRST_SLICE_MS, LONGEST_SLICE_MS);
            let slice = share.unwrap_or(0).clamp(SHORTEST_SLICE_MS, longest);
            // The agent may be billed all that it was given already.
            let held_millis = slice.min(affordable).max(rest.held_millis);
            let held = price.cost(held_millis).max(rest.held);
            Told { held, held_millis, ..told }
        }
    }
}
