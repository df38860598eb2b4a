//! Bills, on each database: what is summed, whom it is for, and what a gateway cannot break.

use theazo_domain::agent::AgentEvent;
use theazo_domain::pricing::{ComputePrice, ComputeUsage, ModelUsage, PriceBasis, TokenUsage};
use theazo_domain::session::{Session, SessionCommand};
use theazo_domain::task::TaskCommand;
use theazo_domain::{AgentId, Day, Mode, Pico, Scope, SessionId, StreamId, TaskId, Timestamp};
use theazo_log::{EventLog, Position};
use theazo_projections::{Billed, BilledSums, BilledUser, BilledWhat, rebuild};

use crate::place::{Store, on_both};
use crate::runs::{failure, model_answer, model_call, own_agent, usage};
use crate::support::{World, live, replayed, scope};

pub fn day(text: &str) -> Day {
    text.parse().unwrap()
}

pub fn noon(day: Day) -> Timestamp {
    Timestamp::from_millis(day.start().as_millis() + 43_200_000)
}

impl World {
    /// Records that `agent` ran from `from` until `until`.
    pub async fn record_compute(
        &mut self,
        scope: Scope,
        (session_id, agent): (SessionId, AgentId),
        (from, until): (Timestamp, Timestamp),
        price: &ComputePrice,
    ) {
        let stream = StreamId::agent(scope, agent);
        let past = self.log.read_stream(&stream, Position::START).await.unwrap();
        let expected = past.last().unwrap().position;
        let spans = ComputeUsage::of(agent, 0, from, until, price, u64::MAX);
        let recorded = |usage| AgentEvent::UsageRecorded { session_id, usage }.into();
        self.append(stream, expected, spans.into_iter().map(recorded).collect()).await;
    }

    /// A task of `session` that waits for the answer of its first model call.
    pub async fn calling_task(&mut self, scope: Scope, session: SessionId) -> TaskId {
        let own = own_agent(AgentId::from_uuid(self.fresh()));
        let task = self.submit(scope, session, own).await;
        let start = TaskCommand::Start { attempt: 1, worker: "w1".to_owned() };
        self.tell_task(scope, task, start).await;
        self.report(scope, task, vec![model_call()]).await;
        task
    }

    /// Records the model call `step` of `task`, and begins the next.
    pub async fn record_call(&mut self, scope: Scope, task: TaskId, step: u32, usage: ModelUsage) {
        self.report(scope, task, vec![model_answer(step, usage), model_call()]).await;
    }

    pub async fn record_storage(&mut self, scope: Scope, session: SessionId, day: Day, bytes: u64) {
        let byte_seconds = bytes.saturating_mul(86_400);
        let record = SessionCommand::RecordStorage { day, byte_seconds };
        self.command::<Session>(StreamId::session(scope, session), record).await.unwrap();
    }
}

fn of(rows: &[Billed], what: &BilledWhat) -> BilledSums {
    rows.iter().find(|row| row.what == *what).map(|row| row.sums).unwrap_or_default()
}

fn model(name: &str) -> BilledWhat {
    BilledWhat::Model(name.to_owned())
}

on_both!(usage_counts_on_its_day_for_the_user_of_its_session);
async fn usage_counts_on_its_day_for_the_user_of_its_session(on: Store) {
    let mut world = World::new(on).await;
    let (tenant, today) = (live(1), world.now().day());
    let ann = world.session(tenant, "ann").await;
    let agent = world.agent(tenant, ann).await;
    let ben = world.session(tenant, "ben").await;
    let task = world.calling_task(tenant, ben).await;
    world.project().await;
    // With nothing at hand, so that owners are read from the rows.
    world.reopen().await;

    // An hour over the midnight that a leap day begins with.
    let leap = day("2028-02-29");
    let (from, until) =
        (leap.start().as_millis() - 1_800_000, leap.start().as_millis() + 1_800_000);
    let span = (Timestamp::from_millis(from), Timestamp::from_millis(until));
    let price = ComputePrice::of("local");
    world.record_compute(tenant, (ann, agent), span, &price).await;
    let (call, broken) = (usage(30, noon(leap)), usage(0, noon(leap)));
    world.record_call(tenant, task, 0, call).await;
    let failed = theazo_domain::task::Entry::ModelCallFailed {
        step: 1,
        failure: failure(),
        usage: Some(broken),
    };
    world.report(tenant, task, vec![failed]).await;
    world.record_storage(tenant, ann, leap, 3 << 30).await;
    world.project().await;

    let billed = async |from: &str, until: &str| {
        world.reads.billed(tenant, day(from)..day(until)).await.unwrap()
    };
    let rows = billed("2028-02-29", "2028-03-01").await;
    let half_an_hour = price.cost(1_800_000);
    let compute = of(&rows, &BilledWhat::Compute);
    assert_eq!((compute.number, compute.millis, compute.cost), (1, 1_800_000, half_an_hour));
    let calls = of(&rows, &model("claude"));
    assert_eq!((calls.number, calls.unpriced, calls.cost), (2, 1, Pico(30)));
    assert_eq!((calls.tokens.input, calls.tokens.output), (200, 14));
    let storage = of(&rows, &BilledWhat::Storage);
    assert_eq!((storage.number, storage.byte_seconds), (1, (3 << 30) * 86_400));
    assert_eq!(rows.len(), 3, "nothing began that day: {rows:?}");
    let before = billed("2028-02-28", "2028-02-29").await;
    assert_eq!(before.len(), 1);
    assert_eq!(of(&before, &BilledWhat::Compute).cost, half_an_hour);
    assert_eq!(billed("2028-02-29", "2028-02-29").await, []);
    assert_eq!(billed("2028-03-01", "2028-12-31").await, []);

    // What began counts on the day that it began.
    let rows = world.reads.billed(tenant, today..today.next()).await.unwrap();
    let number = |what| of(&rows, &what).number;
    assert_eq!((number(BilledWhat::Sessions), number(BilledWhat::Agents)), (2, 1));

    let user = |user_id: &str, cost, records, (sessions, agents)| {
        let user_id = user_id.to_owned();
        BilledUser { user_id, cost, records, sessions, agents }
    };
    let leap_day = world.reads.billed_users(tenant, leap..leap.next()).await.unwrap();
    let of_ann = half_an_hour + storage.cost;
    let used = [user("ann", of_ann, 2, (0, 0)), user("ben", Pico(30), 2, (0, 0))];
    assert_eq!(leap_day, used);
    let all = world.reads.billed_users(tenant, today..leap.next()).await.unwrap();
    let whole = [
        user("ann", half_an_hour + half_an_hour + storage.cost, 3, (1, 1)),
        user("ben", Pico(30), 2, (1, 0)),
    ];
    assert_eq!(all, whole);
    let days = world.reads.billed_days(tenant, today..day("2029-01-01")).await.unwrap();
    let leap_cost = of_ann + Pico(30);
    let costs = [(today, Pico::ZERO), (leap.plus(-1), half_an_hour), (leap, leap_cost)];
    assert_eq!(days, costs);
    for stranger in [scope(1, Mode::Test), live(2)] {
        let reads = &world.reads;
        assert_eq!(reads.billed(stranger, today..leap.next()).await.unwrap(), []);
        assert_eq!(reads.billed_days(stranger, today..leap.next()).await.unwrap(), []);
        assert_eq!(reads.billed_users(stranger, today..leap.next()).await.unwrap(), []);
    }
}

on_both!(whatever_a_gateway_claims_the_bills_go_on);
/// Counts and costs beyond all measure stay at the end of the range, and a name is cut to what an
/// index can hold.
async fn whatever_a_gateway_claims_the_bills_go_on(on: Store) {
    let mut world = World::new(on).await;
    let (tenant, today) = (live(1), world.now().day());
    let session = world.session(tenant, "ann").await;
    let task = world.calling_task(tenant, session).await;
    let endless = TokenUsage {
        input: u64::MAX,
        cache_read: u64::MAX,
        cache_write_short: u64::MAX,
        cache_write_long: u64::MAX,
        output: u64::MAX,
        ..TokenUsage::default()
    };
    let mut step = 0;
    for _ in 0..3 {
        for (name, cost) in [("a\0b".to_owned(), i128::MAX), ("x".repeat(10_000), i128::MIN)] {
            let basis = PriceBasis::Reported;
            let claimed =
                ModelUsage { model: name, tokens: endless, basis, ..usage(1, world.now()) };
            let claimed = ModelUsage { cost: Pico(cost), ..claimed };
            world.record_call(tenant, task, step, claimed).await;
            step += 1;
        }
        world.project().await;
    }
    let most = 1_000_000_000_000_000;
    let rows = world.reads.billed(tenant, today..today.next()).await.unwrap();
    let calls = of(&rows, &model("a\u{fffd}b"));
    assert_eq!((calls.number, calls.tokens.input, calls.tokens.output), (3, most, most));
    assert!(calls.cost > Pico::ZERO);
    assert!(of(&rows, &model(&"x".repeat(256))).cost < Pico::ZERO);
    let users = world.reads.billed_users(tenant, today..today.next()).await.unwrap();
    assert_eq!((users.len(), users[0].records), (1, 6));
    let list = world.reads.list(&*world.log).await.unwrap();
    assert!(list.iter().all(|projection| projection.error.is_none()), "{list:?}");
}

on_both!(a_rebuild_gives_the_same_bill);
async fn a_rebuild_gives_the_same_bill(on: Store) {
    let mut world = World::new(on).await;
    let tenant = live(1);
    for n in 0..40 {
        let session = world.session(tenant, &format!("user-{}", n % 7)).await;
        let task = world.calling_task(tenant, session).await;
        let at = noon(world.now().day().plus(n % 5));
        world.record_call(tenant, task, 0, usage(i128::from(n) * 3_333_333_333, at)).await;
        world.record_storage(tenant, session, at.day(), 1 << n).await;
        if n % 10 == 0 {
            world.project().await;
        }
    }
    world.project().await;
    let before = world.dump().await;
    assert!(before["billing"].len() > 10 && before["billing_users"].len() > 10);
    world.place.meddle("DELETE FROM billing_users; UPDATE billing SET cents = cents + 1").await;
    rebuild(world.log(), &world.reads, Some(&["billing"]), |_, _| {}).await.unwrap();
    assert_eq!(world.dump().await, before);
    assert_eq!(replayed(&world, "replayed.db").await, before);
}
