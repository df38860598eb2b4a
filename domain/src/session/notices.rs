//! What is said of limits: once when one is near, and once when it is reached.

use crate::{AgentId, Day, Pico, Timestamp};

use super::budget::{Notice, Spender, period_start};
use super::reserve::MILLIS_PER_MINUTE;
use super::{LimitKind, Period, Session, SessionEvent, SessionStatus};

/// Thousandths of a limit at which it is said that it is near.
const NEAR: u128 = 800;

/// What is to be said of limits that are near now, or reached. `refused`: there was not enough.
pub(super) fn notices(
    before: &Session,
    after: &Session,
    agent: AgentId,
    refused: bool,
    now: Timestamp,
) -> Vec<SessionEvent> {
    let mut events = Vec::new();
    for level in levels(after, agent, now) {
        let reached = level.used >= level.max
            || refused && !after.counts() && limits(after, agent, now, level.limit);
        let near = u128::from(level.used).saturating_mul(1_000)
            >= u128::from(level.max).saturating_mul(NEAR);
        let notice = level.notice(reached);
        let known = |old: &Notice| {
            let same = Notice { reached: old.reached, ..notice.clone() } == *old;
            same && (old.reached || !reached)
        };
        if !(near || reached) || before.budget.notices.iter().any(known) {
            continue;
        }
        events.push(match reached {
            true => SessionEvent::LimitReached { notice },
            false => SessionEvent::LimitWarning { notice },
        });
        let pauses = reached && level.limit == LimitKind::MaxComputeMinutes;
        if pauses && after.status == SessionStatus::Active {
            events.push(SessionEvent::Paused { by: level.limit });
        }
    }
    events
}

/// Whether it is this limit that leaves nothing.
fn limits(session: &Session, agent: AgentId, now: Timestamp, limit: LimitKind) -> bool {
    let room = session.room(agent, Spender::Compute, now);
    match limit {
        LimitKind::MaxComputeMinutes => room.millis == 0,
        cost => room.by == Some(cost) && room.millis > 0,
    }
}

/// How far a limit is used up: picodollars would not fit, so costs are in hundredths of a cent.
struct Level {
    limit: LimitKind,
    agent: Option<AgentId>,
    since: Day,
    shown: u64,
    used: u64,
    max: u64,
}

impl Level {
    fn notice(&self, reached: bool) -> Notice {
        Notice {
            limit: self.limit,
            agent_id: self.agent,
            since: self.since,
            max: self.shown,
            reached,
        }
    }
}

fn levels(session: &Session, agent: AgentId, now: Timestamp) -> Vec<Level> {
    const PICO_PER_UNIT: i128 = 100_000_000;
    let units = |cost: Pico| u64::try_from(cost.0 / PICO_PER_UNIT).unwrap_or(0);
    let cents = |cost: Pico| u64::try_from(cost.to_cents()).unwrap_or(0);
    let mut levels = Vec::new();
    if let Some(max) = session.limits.max_cost {
        let spent = session.budget.spent_in(max.period, now.day());
        let limit = Pico::from_cents(max.amount);
        levels.push(Level {
            limit: LimitKind::MaxCost,
            agent: None,
            since: period_start(max.period, now),
            shown: cents(limit),
            used: units(spent),
            max: units(limit),
        });
    }
    if let Some(minutes) = session.limits.max_compute_minutes {
        levels.push(Level {
            limit: LimitKind::MaxComputeMinutes,
            agent: None,
            since: period_start(Period::Session, now),
            shown: minutes,
            used: session.budget.compute_millis,
            max: minutes.saturating_mul(MILLIS_PER_MINUTE),
        });
    }
    let account = session.budget.accounts.get(&agent);
    if let Some((account, cap)) = account.and_then(|account| Some((account, account.cost_cap?))) {
        levels.push(Level {
            limit: LimitKind::CostCap,
            agent: Some(agent),
            since: period_start(Period::Session, now),
            shown: cents(cap),
            used: units(account.spent()),
            max: units(cap),
        });
    }
    levels
}
