//! Whatever is used in whatever order, every bill is what a plain walk over the log gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use theazo_domain::agent::AgentEvent;
use theazo_domain::pricing::{
    CallFee, ComputePrice, LongPrompt, ModelPrice, ModelUsage, PriceBasis, Rates, TokenUsage,
};
use theazo_domain::session::SessionEvent;
use theazo_domain::task::TaskEvent;
use theazo_domain::{AgentId, Day, Event, Mode, Pico, Scope, SessionId, TaskId, Timestamp};
use theazo_log::Commit;
use theazo_projections::{BilledUser, BilledWhat};

use crate::billing::day;
use crate::place::Store;
use crate::support::{World, live, scope};

/// The day before a leap day.
const FIRST: &str = "2028-02-28";

/// One thing that happens.
#[derive(Debug, Clone)]
enum Act {
    /// A session of one of a few users begins, in one of two tenants.
    Session {
        user: u8,
        test: bool,
    },
    Agent {
        session: usize,
    },
    /// An agent ran, on a provider, for so long from a moment on.
    Compute {
        agent: usize,
        provider: u8,
        from: u32,
        millis: u32,
    },
    Call {
        session: usize,
        at: u32,
        model: u8,
        basis: u8,
        tokens: [u32; 5],
    },
    /// Bytes were kept all day.
    Storage {
        session: usize,
        bytes: u64,
    },
    /// Time goes on.
    Wait {
        minutes: u32,
    },
    /// The read models take in what there is; then they are opened anew.
    Project {
        reopen: bool,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let which = || 0usize..1_000;
    // Moments in the half year from the first day on.
    let moment = || prop_oneof![0u32..3 * 86_400, 0u32..180 * 86_400];
    let tokens = prop::array::uniform5(0u32..400_000);
    prop_oneof![
        2 => (0u8..4, any::<bool>()).prop_map(|(user, test)| Act::Session { user, test }),
        2 => which().prop_map(|session| Act::Agent { session }),
        3 => (which(), 0u8..3, moment(), prop_oneof![0u32..100_000, 0u32..300_000_000]).prop_map(
            |(agent, provider, from, millis)| Act::Compute { agent, provider, from, millis }
        ),
        6 => (which(), moment(), 0u8..3, 0u8..5, tokens).prop_map(
            |(session, at, model, basis, tokens)| Act::Call { session, at, model, basis, tokens }
        ),
        2 => (which(), 0u64..1 << 42).prop_map(|(session, bytes)| Act::Storage { session, bytes }),
        2 => (1u32..100_000).prop_map(|minutes| Act::Wait { minutes }),
        1 => any::<bool>().prop_map(|reopen| Act::Project { reopen }),
    ]
}

/// What there is to act on.
#[derive(Default)]
struct Things {
    sessions: Vec<(Scope, SessionId)>,
    agents: Vec<(Scope, SessionId, AgentId)>,
    tasks: BTreeMap<SessionId, (TaskId, u32)>,
    stored: BTreeMap<SessionId, Day>,
    /// Raised with each call, so that a price changes in the middle of a run.
    rate: i128,
}

fn at(seconds: u32) -> Timestamp {
    Timestamp::from_millis(day(FIRST).start().as_millis() + i64::from(seconds) * 1_000)
}

async fn happen(world: &mut World, things: &mut Things, act: Act) {
    let session_of = |things: &Things, n: usize| {
        (!things.sessions.is_empty()).then(|| things.sessions[n % things.sessions.len()])
    };
    match act {
        Act::Session { user, test } => {
            let tenant = scope(1, if test { Mode::Test } else { Mode::Live });
            let session = world.session(tenant, &format!("user {user}")).await;
            things.sessions.push((tenant, session));
        }
        Act::Agent { session } => {
            let Some((tenant, session)) = session_of(things, session) else { return };
            let agent = world.agent(tenant, session).await;
            things.agents.push((tenant, session, agent));
        }
        Act::Compute { agent, provider, from, millis } => {
            if things.agents.is_empty() {
                return;
            }
            let (tenant, session, agent) = things.agents[agent % things.agents.len()];
            let price = ComputePrice::of(["local", "e2b", "mock"][usize::from(provider)]);
            let from = at(from);
            let until = Timestamp::from_millis(from.as_millis() + i64::from(millis));
            world.record_compute(tenant, (session, agent), (from, until), &price).await;
        }
        Act::Call { session, at: moment, model, basis, tokens } => {
            let Some((tenant, session)) = session_of(things, session) else { return };
            let (task, step) = match things.tasks.get(&session) {
                Some((task, step)) if *step < 90 => (*task, *step),
                _ => (world.calling_task(tenant, session).await, 0),
            };
            things.tasks.insert(session, (task, step + 1));
            things.rate += 1_234_567;
            let used = call(at(moment), model, basis, tokens, things.rate);
            world.record_call(tenant, task, step, used).await;
        }
        Act::Storage { session, bytes } => {
            let Some((tenant, session)) = session_of(things, session) else { return };
            let next = things.stored.get(&session).map_or(day(FIRST), |day| day.next());
            things.stored.insert(session, next);
            world.record_storage(tenant, session, next, bytes + 1).await;
        }
        Act::Wait { minutes } => world.pass_time(i64::from(minutes) * 60_000),
        Act::Project { reopen } => {
            world.project().await;
            if reopen {
                world.reopen().await;
            }
        }
    }
}

fn call(at: Timestamp, model: u8, basis: u8, tokens: [u32; 5], rate: i128) -> ModelUsage {
    let [input, cache_read, cache_write_short, cache_write_long, output] = tokens.map(u64::from);
    let tokens = TokenUsage {
        input,
        cache_read,
        cache_write_short,
        cache_write_long,
        output,
        reasoning: output / 2,
        estimated: false,
    };
    let rates = |each: i128| Rates {
        input: Pico(each),
        cache_read: Pico(each / 10),
        cache_write_short: Pico(each * 5 / 4),
        cache_write_long: Pico(each * 2),
        output: Pico(each * 5),
    };
    let long_prompt = Some(LongPrompt { over: 400_000, rates: rates(rate * 2) });
    let id = format!("own/{model}@{rate}");
    let price = ModelPrice { id, rates: rates(rate), long_prompt };
    let fee = CallFee::now();
    let (basis, cost, price, fee) = match basis {
        0 | 1 => (PriceBasis::Table, price.cost(&tokens), Some(price), None),
        2 => (PriceBasis::Byoi, fee.pico_per_call, None, Some(fee)),
        3 => (PriceBasis::Reported, Pico(rate * 7_919), None, None),
        _ => (PriceBasis::Unpriced, Pico::ZERO, None, None),
    };
    ModelUsage {
        id: format!("model/{rate}"),
        model: format!("model {model}"),
        at,
        tokens,
        basis,
        price,
        fee,
        cost,
        waived: Pico::ZERO,
    }
}

/// One line of the bill, as the walk over the log makes it.
#[derive(Debug, Clone)]
struct Line {
    scope: Scope,
    user: String,
    /// Milliseconds since the epoch.
    at: i64,
    what: &'static str,
    model: String,
    cost: i128,
    /// Milliseconds, or byte-seconds.
    amount: u128,
    prompt: u64,
    output: u64,
    unpriced: bool,
}

/// A rounded quotient, by hand.
fn rounded(n: i128, d: i128) -> i128 {
    let (whole, rest) = (n / d, n % d);
    match (2 * rest).cmp(&d) {
        std::cmp::Ordering::Less => whole,
        std::cmp::Ordering::Equal => whole + whole % 2,
        std::cmp::Ordering::Greater => whole + 1,
    }
}

/// What a call costs, by the price in its record.
fn priced(usage: &ModelUsage) -> i128 {
    let t = &usage.tokens;
    let Some(price) = &usage.price else { return usage.cost.0 };
    let prompt = t.input + t.cache_read + t.cache_write_short + t.cache_write_long;
    let rates = match &price.long_prompt {
        Some(long) if prompt > long.over => long.rates,
        _ => price.rates,
    };
    [
        (t.input, rates.input),
        (t.cache_read, rates.cache_read),
        (t.cache_write_short, rates.cache_write_short),
        (t.cache_write_long, rates.cache_write_long),
        (t.output, rates.output),
    ]
    .iter()
    .map(|(count, rate)| i128::from(*count) * rate.0)
    .sum()
}

fn lines(history: &[Arc<Commit>]) -> Vec<Line> {
    let events = || history.iter().flat_map(|c| c.events.iter().map(move |event| (c, event)));
    let user_of = |session: SessionId| {
        let mut created = events().filter_map(|(_, event)| match event {
            Event::Session(SessionEvent::Created { session_id, user_id, .. })
                if *session_id == session =>
            {
                Some(user_id.clone())
            }
            _ => None,
        });
        created.next().unwrap()
    };
    let line = |commit: &Commit, session, what| Line {
        scope: commit.stream.scope,
        user: user_of(session),
        at: commit.time.as_millis(),
        what,
        model: String::new(),
        cost: 0,
        amount: 0,
        prompt: 0,
        output: 0,
        unpriced: false,
    };
    let of_event = |(commit, event): (&Arc<Commit>, &Event)| match event {
        Event::Session(SessionEvent::Created { session_id, .. }) => {
            Some(line(commit, *session_id, "sessions"))
        }
        Event::Session(SessionEvent::AgentAdmitted { .. }) => {
            Some(line(commit, commit.stream.key().parse().unwrap(), "agents"))
        }
        Event::Session(SessionEvent::StorageRecorded { usage }) => Some(Line {
            at: usage.day.start().as_millis(),
            cost: rounded(
                i128::from(usage.byte_seconds) * usage.price.pico_per_gib_hour.0,
                3_600 << 30,
            ),
            amount: usage.byte_seconds.into(),
            ..line(commit, commit.stream.key().parse().unwrap(), "storage")
        }),
        Event::Agent(AgentEvent::UsageRecorded { session_id, usage }) => Some(Line {
            at: usage.from.as_millis(),
            // Rounded down: what is reserved for a time is enough for its parts.
            cost: i128::from(usage.compute_millis) * usage.price.pico_per_hour.0 / 3_600_000,
            amount: usage.compute_millis.into(),
            ..line(commit, *session_id, "compute")
        }),
        Event::Task(TaskEvent::ModelCallCompleted { session_id, usage, .. }) => Some(Line {
            at: usage.at.as_millis(),
            model: usage.model.clone(),
            cost: priced(usage),
            prompt: usage.tokens.prompt(),
            output: usage.tokens.output,
            unpriced: usage.basis == PriceBasis::Unpriced,
            ..line(commit, *session_id, "model")
        }),
        _ => None,
    };
    events().filter_map(of_event).collect()
}

/// Holds each answer for `days` of `tenant` against the lines of the bill.
async fn check(world: &World, lines: &[Line], tenant: Scope, days: std::ops::Range<Day>) {
    let (from, until) = (days.start.start().as_millis(), days.end.start().as_millis());
    let within = |line: &&Line| line.scope == tenant && line.at >= from && line.at < until;
    let lines: Vec<&Line> = lines.iter().filter(within).collect();
    let cost = |lines: &[&Line]| Pico(lines.iter().map(|line| line.cost).sum());

    let rows = world.reads.billed(tenant, days.clone()).await.unwrap();
    let mut seen = 0;
    for row in &rows {
        let (what, model) = match &row.what {
            BilledWhat::Compute => ("compute", ""),
            BilledWhat::Model(model) => ("model", model.as_str()),
            BilledWhat::Storage => ("storage", ""),
            BilledWhat::Sessions => ("sessions", ""),
            BilledWhat::Agents => ("agents", ""),
        };
        let these: Vec<&Line> =
            lines.iter().filter(|l| l.what == what && l.model == model).copied().collect();
        let amount: u128 = these.iter().map(|line| line.amount).sum();
        let kept = if what == "storage" { row.sums.byte_seconds } else { row.sums.millis.into() };
        let tokens = (row.sums.tokens.prompt(), row.sums.tokens.output);
        assert_eq!((row.sums.cost, kept), (cost(&these), amount), "{days:?} {row:?}");
        assert_eq!(tokens.0, these.iter().map(|line| line.prompt).sum::<u64>(), "{row:?}");
        assert_eq!(tokens.1, these.iter().map(|line| line.output).sum::<u64>(), "{row:?}");
        let unpriced = these.iter().filter(|line| line.unpriced).count();
        assert_eq!((row.sums.number, row.sums.unpriced), (these.len() as u64, unpriced as u64));
        seen += these.len();
    }
    assert_eq!(seen, lines.len(), "{days:?}: lines are in no row of {rows:?}");

    let mut by_day = BTreeMap::<i64, Vec<&Line>>::new();
    for line in &lines {
        by_day.entry(line.at / 86_400_000).or_default().push(line);
    }
    let by_day: Vec<_> = by_day.iter().map(|(day, lines)| (*day, cost(lines))).collect();
    let answer = world.reads.billed_days(tenant, days.clone()).await.unwrap();
    let answer: Vec<_> =
        answer.iter().map(|(day, cost)| (i64::from(day.number()), *cost)).collect();
    assert_eq!(answer, by_day, "{days:?}");

    let mut users = Vec::new();
    for name in (0..4).map(|n| format!("user {n}")) {
        let of: Vec<&Line> = lines.iter().filter(|line| line.user == name).copied().collect();
        let count = |what| of.iter().filter(|line| line.what == what).count() as u64;
        let (sessions, agents) = (count("sessions"), count("agents"));
        let records = of.len() as u64 - sessions - agents;
        if !of.is_empty() {
            users.push(BilledUser { user_id: name, cost: cost(&of), records, sessions, agents });
        }
    }
    users.sort_by_key(|user| (-user.cost.0, user.user_id.clone()));
    assert_eq!(world.reads.billed_users(tenant, days.clone()).await.unwrap(), users, "{days:?}");
}

async fn the_bills_are_the_log(on: Store, acts: Vec<Act>, ranges: Vec<(i32, i32)>) {
    let mut world = World::new(on).await;
    let mut things = Things::default();
    let since = day(FIRST).start().as_millis() - world.now().as_millis();
    world.pass_time(since);
    for act in acts {
        happen(&mut world, &mut things, act).await;
    }
    world.project().await;
    let lines = lines(&world.history().await);
    let first = day(FIRST);
    for tenant in [live(1), scope(1, Mode::Test)] {
        check(&world, &lines, tenant, first.plus(-1)..first.plus(365)).await;
        // The leap day.
        check(&world, &lines, tenant, first.next()..first.plus(2)).await;
        for (from, length) in &ranges {
            check(&world, &lines, tenant, first.plus(*from)..first.plus(from + length)).await;
        }
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_bill_is_a_walk_over_the_log(
        acts in vec(act(), 1..80), ranges in vec((-5i32..190, 0i32..190), 8),
    ) {
        block_on(the_bills_are_the_log(Store::Sqlite, acts, ranges));
    }
}

proptest! {
    // Each makes a database.
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn every_bill_is_a_walk_over_the_log_on_postgres(
        acts in vec(act(), 1..80), ranges in vec((-5i32..190, 0i32..190), 8),
    ) {
        block_on(the_bills_are_the_log(Store::Postgres, acts, ranges));
    }
}
