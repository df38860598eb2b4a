//! Reservations: who gets what of a limit, and what is said of it.

use super::*;
use crate::money::{Money, Pico};
use crate::pricing::{ComputePrice, Costs};
use crate::session::{LimitKind, Need, Notice, Reserve, RunNumber, Spender, Spent, Told};
use crate::{Day, Timestamp};

fn max_cost(amount: i64, period: Period) -> Limits {
    let max_cost = Some(MaxCost { amount, currency: Currency::Usd, period });
    Limits { max_cost, ..Limits::default() }
}

fn cents(cents: i64) -> Pico {
    Pico::from_cents(cents)
}

fn today() -> Day {
    at(0).day()
}

fn models(cost: Pico) -> Spent {
    Spent::Models { costs: Costs::on(today(), cost), run: RunNumber::default() }
}

fn call(agent: u128, spent: Pico, least: Pico, most: Pico) -> C {
    let spent = models(spent);
    C::Reserve(vec![Reserve { agent_id: agent_id(agent), spent, need: Need::Call { least, most } }])
}

fn run(agent: u128, cost: Pico, millis: u64) -> C {
    let need = Need::Compute { price: ComputePrice::of("local") };
    let spent = Spent::Compute { costs: Costs::on(today(), cost), millis };
    C::Reserve(vec![Reserve { agent_id: agent_id(agent), spent, need }])
}

fn changed(agent: u128, spender: Spender, told: Told) -> E {
    E::ReservationChanged { agent_id: agent_id(agent), spender, told }
}

fn held(agent: u128, held: Pico) -> E {
    changed(agent, Spender::Models, Told { held, ..Told::default() })
}

/// A session with two agents.
fn two(limits: Limits) -> Vec<E> {
    vec![created(limits), admitted(1), admitted(2)]
}

#[test]
fn a_call_gets_more_than_it_needs_while_much_is_left() {
    let session = given(two(max_cost(500, Period::Session)))
        .when(&call(1, Pico::ZERO, cents(1), cents(1)))
        // A part in eight of the 499 that are left is more than 31 calls.
        .then([held(1, cents(32))])
        .when(&call(2, Pico::ZERO, cents(1), cents(100)))
        .then([held(2, cents(100) + Pico((500 - 32 - 100) * cents(1).0 / 8))])
        .state();
    assert!(session.bounds(agent_id(1)) && session.may_have_more(agent_id(1)));
}

#[test]
fn near_the_limit_a_call_gets_what_is_left_or_nothing() {
    let near = || given(two(max_cost(10, Period::Session)));
    near()
        .when(&call(1, Pico::ZERO, cents(1), cents(8)))
        .then([held(1, cents(8) + Pico(2 * cents(1).0 / 8))])
        .when(&call(2, Pico::ZERO, cents(1), cents(8)))
        .then([held(2, Pico(10 * cents(1).0 - 8 * cents(1).0 - 2 * cents(1).0 / 8))]);
    let reached = Notice {
        limit: LimitKind::MaxCost,
        agent_id: None,
        since: Day::default(),
        max: 10,
        reached: true,
    };
    let refused = near()
        .when(&call(1, Pico::ZERO, cents(8), cents(8)))
        .then([held(1, cents(8) + Pico(2 * cents(1).0 / 8))])
        .when(&call(2, Pico::ZERO, cents(2), cents(8)))
        .then([E::LimitReached { notice: reached }]);
    // It is said once.
    refused.when(&call(2, Pico::ZERO, cents(2), cents(8))).then_nothing();
}

/// As told one by one: what the first gets, the second does not.
#[test]
fn those_that_reserve_together_get_what_the_ones_before_them_left() {
    let asked = |agent| Reserve {
        agent_id: agent_id(agent),
        spent: models(Pico::ZERO),
        need: Need::Call { least: cents(1), most: cents(8) },
    };
    let near = || given(two(max_cost(10, Period::Session)));
    let first = cents(8) + Pico(2 * cents(1).0 / 8);
    near()
        .when(&C::Reserve(vec![asked(1), asked(2)]))
        .then([held(1, first), held(2, cents(10).minus(first))]);
    near().when(&C::Reserve(vec![])).then_nothing();
}

#[test]
fn what_was_not_used_goes_back() {
    let told = Told { spent: Costs::on(today(), cents(1)), ..Told::default() };
    let nothing = C::Reserve(vec![Reserve {
        agent_id: agent_id(1),
        spent: models(cents(1)),
        need: Need::Nothing,
    }]);
    let session = given(two(max_cost(500, Period::Day)))
        .when(&call(1, Pico::ZERO, cents(1), cents(1)))
        .then([held(1, cents(32))])
        .when(&nothing)
        .then([changed(1, Spender::Models, told)])
        .when(&nothing)
        .then_nothing()
        .state();
    assert_eq!(session.room(agent_id(2), Spender::Models, at(9)).left, cents(499));
    let tomorrow = Timestamp::from_millis(at(0).as_millis() + 86_400_000);
    assert_eq!(session.room(agent_id(2), Spender::Models, tomorrow).left, cents(500));
}

#[test]
fn four_fifths_are_said_once_and_again_after_a_change() {
    let warning = |max| E::LimitWarning {
        notice: Notice {
            limit: LimitKind::MaxCost,
            agent_id: None,
            since: today(),
            max,
            reached: false,
        },
    };
    let told = |cents_more, held| Told {
        spent: Costs::on(today(), cents(cents_more)),
        held,
        ..Told::default()
    };
    let patch = |amount| {
        let limits = Some(max_cost(amount, Period::Day));
        (SessionPatch { limits: limits.clone(), ..SessionPatch::default() }, limits)
    };
    let (patch, limits) = patch(101);
    let updated = E::Updated { limits, model: None, compute: None, metadata: None };
    given(two(max_cost(100, Period::Day)))
        .when(&call(1, cents(80), cents(20), cents(20)))
        .then([changed(1, Spender::Models, told(80, cents(20))), warning(100)])
        .when(&call(1, cents(81), cents(19), cents(19)))
        .then([changed(1, Spender::Models, told(1, cents(19)))])
        .when(&C::Update(patch))
        .then([updated])
        .when(&call(1, cents(82), cents(19), cents(19)))
        .then([changed(1, Spender::Models, told(1, cents(19))), warning(101)]);
}

#[test]
fn compute_is_reserved_in_slices_and_pauses_the_session_at_its_end() {
    let limits = Limits { max_compute_minutes: Some(1), ..Limits::default() };
    let slice = |millis| Told {
        held: ComputePrice::of("local").cost(millis),
        held_millis: millis,
        ..Told::default()
    };
    let used = ComputePrice::of("local").cost(60_000);
    let told = Told { spent: Costs::on(today(), used), millis: 60_000, ..Told::default() };
    let notice = Notice {
        limit: LimitKind::MaxComputeMinutes,
        agent_id: None,
        since: Day::default(),
        max: 1,
        reached: true,
    };
    let paused = given([created(limits.clone())])
        .when(&admit(1))
        .then([admitted(1), changed(1, Spender::Compute, slice(1_875))])
        .when(&run(1, used, 60_000))
        .then([
            changed(1, Spender::Compute, told),
            E::LimitReached { notice },
            E::Paused { by: LimitKind::MaxComputeMinutes },
        ]);
    assert_eq!(paused.state.as_ref().map(|s| s.status), Some(SessionStatus::Paused));
    paused.clone().when(&admit(2)).then_limit_exceeded("raise it");
    let more = Limits { max_compute_minutes: Some(2), ..Limits::default() };
    let patch = SessionPatch { limits: Some(more.clone()), ..SessionPatch::default() };
    let updated = E::Updated { limits: Some(more), model: None, compute: None, metadata: None };
    paused
        .when(&C::Update(patch))
        .then([updated, E::Resumed {}])
        .when(&admit(2))
        .then([admitted(2), changed(2, Spender::Compute, slice(1_000))]);
}

#[test]
fn a_session_that_has_spent_all_admits_nobody() {
    given([created(max_cost(0, Period::Day))]).when(&admit(1)).then_limit_exceeded("maxCost of 0");
}

#[test]
fn an_agents_own_cap_holds_where_the_session_has_none() {
    let mut spec = spec();
    spec.cost_cap = Some(Money { amount: 2, currency: Currency::Usd });
    let capped = C::AdmitAgent { agent_id: agent_id(1), spec: spec.clone() };
    let slice =
        Told { held: ComputePrice::of("local").cost(1_000), held_millis: 1_000, ..Told::default() };
    let session = given([created(Limits::default())])
        .when(&capped)
        .then([
            E::AgentAdmitted { agent_id: agent_id(1), spec },
            changed(1, Spender::Compute, slice),
        ])
        .when(&call(1, Pico::ZERO, cents(1), cents(2)))
        .then([held(1, cents(2).minus(ComputePrice::of("local").cost(1_000)))])
        .state();
    assert!(!session.bounds(agent_id(2)));
}

/// What ran before there was a limit is counted before anybody gets anything.
#[test]
fn a_limit_that_comes_later_counts_what_was_before() {
    let limits = max_cost(10, Period::Session);
    let updated = E::Updated { limits: Some(limits), model: None, compute: None, metadata: None };
    let mut events = two(Limits::default());
    events.push(updated);
    let counting = given(events).when(&call(1, cents(3), cents(1), cents(1))).then([changed(
        1,
        Spender::Models,
        Told { spent: Costs::on(today(), cents(3)), ..Told::default() },
    )]);
    assert!(counting.state.as_ref().is_some_and(Session::counts));
    counting.clone().when(&admit(3)).then_limit_exceeded("being counted");
    let tell = |agent| {
        let spent = Spent::Compute { costs: Costs::on(today(), cents(1)), millis: 9 };
        C::Reserve(vec![Reserve { agent_id: agent_id(agent), spent, need: Need::Nothing }])
    };
    let told = Told { spent: Costs::on(today(), cents(1)), millis: 9, ..Told::default() };
    let session = counting
        .when(&tell(1))
        .then([changed(1, Spender::Compute, told.clone())])
        .when(&tell(2))
        .then([changed(2, Spender::Compute, told)])
        .state();
    assert!(!session.counts());
    assert_eq!(session.room(agent_id(1), Spender::Models, at(9)).left, cents(5));
}

#[test]
fn the_costs_of_a_run_that_outlives_its_agent_are_counted() {
    let release = C::ReleaseAgent { agent_id: agent_id(1), spent: vec![], run_open: true };
    let tell = |need| {
        let spent = models(cents(3));
        C::Reserve(vec![Reserve { agent_id: agent_id(1), spent, need }])
    };
    let told = Told { spent: Costs::on(today(), cents(3)), ..Told::default() };
    let session = given(two(max_cost(10, Period::Session)))
        .when(&release)
        .then([E::AgentReleased { agent_id: agent_id(1), run_open: true }])
        .when(&tell(Need::Nothing))
        .then([changed(1, Spender::Models, told)])
        .when(&tell(Need::Nothing))
        .then_nothing()
        .state();
    assert_eq!(session.budget.spent.total(), cents(3));
    assert!(!session.budget.accounts.contains_key(&agent_id(1)));
}

#[test]
fn storage_is_billed_by_day_and_never_over_the_cap() {
    let record = |day: Day| C::RecordStorage { day, byte_seconds: 86_400 << 40 };
    let session = given(two(max_cost(1, Period::Day)))
        .when(&record(today()))
        .then([E::StorageRecorded {
            usage: crate::pricing::StorageUsage::of(session_id(), today(), 86_400 << 40, cents(1)),
        }])
        .when(&record(today()))
        .then_nothing()
        .state();
    assert_eq!(session.budget.spent.of(today()), cents(1));
}

#[test]
fn an_attempt_that_was_overtaken_is_not_listened_to() {
    let of = |attempt, cost, need| {
        let run = RunNumber { run: 1, attempt };
        let spent = Spent::Models { costs: Costs::on(today(), cost), run };
        C::Reserve(vec![Reserve { agent_id: agent_id(1), spent, need }])
    };
    let need = || Need::Call { least: cents(1), most: cents(1) };
    let held = |attempt, spent: Pico, held| Told {
        spent: Costs::on(today(), spent),
        held,
        run: RunNumber { run: 1, attempt },
        ..Told::default()
    };
    given(two(max_cost(500, Period::Session)))
        .when(&of(1, Pico::ZERO, need()))
        .then([changed(1, Spender::Models, held(1, Pico::ZERO, cents(32)))])
        .when(&of(2, cents(2), need()))
        .then([changed(1, Spender::Models, held(2, cents(2), cents(32)))])
        .when(&of(1, Pico::ZERO, Need::Nothing))
        .then_nothing()
        .when(&of(1, cents(3), need()))
        .then_nothing()
        // What is told in passing takes nothing away but what was used.
        .when(&of(2, cents(5), Need::Rest))
        .then([changed(1, Spender::Models, held(2, cents(3), cents(29)))]);
}
