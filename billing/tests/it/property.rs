//! Random histories against a fold that is written otherwise: over the whole history at once.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use theazo_billing::{Period, Place};
use theazo_domain::{Pico, Timestamp};

use crate::support::{World, at, scope};

#[derive(Debug, Clone)]
struct Call {
    tenant: u128,
    session: u128,
    /// Minutes since the middle of April.
    used: i64,
    late: i64,
    cost: i128,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let late = prop_oneof![4 => 0i64..3, 1 => 0i64..20_000];
    let call = (1u128..3, 1u128..4, 0i64..60 * 24 * 60, late, 0i128..1_000_000_000_000);
    let call = call.prop_map(|(tenant, session, used, late, cost)| Call {
        tenant,
        session,
        used,
        late,
        cost,
    });
    prop::collection::vec(call, 0..60)
}

fn minute(n: i64) -> Timestamp {
    Timestamp::from_millis(at("2026-04-15T00:00:00Z").as_millis() + n * 60_000)
}

async fn check(mut calls: Vec<Call>, from: i64, length: i64) -> Result<(), TestCaseError> {
    // The log is in the order of recording.
    calls.sort_by_key(|call| call.used + call.late);
    let mut world = World::new().await;
    for tenant in 1..3 {
        for n in 1..4 {
            world.session(scope(tenant), n, &format!("user {}", n % 2), None).await;
        }
    }
    for (call, step) in calls.iter().zip(0..) {
        let (used, recorded) = (minute(call.used), minute(call.used + call.late));
        let of = (call.session, step);
        world.call(scope(call.tenant), of, used, recorded, Pico(call.cost)).await;
    }
    let period = Period { from: minute(from), until: minute(from + length) };
    for tenant in 1..3 {
        let records = world.records(scope(tenant), Place::START, period).await;
        let mine =
            |call: &&Call| call.tenant == tenant && (from..from + length).contains(&call.used);
        let wanted: Vec<(String, i128, bool)> = calls
            .iter()
            .filter(mine)
            .map(|call| {
                let late = call.used + call.late > from + length + 60;
                (format!("user {}", call.session % 2), call.cost, late)
            })
            .collect();
        let got: Vec<(String, i128, bool)> = records
            .iter()
            .map(|r| (r.user_id().to_owned(), r.record().cost().0, r.adjustment))
            .collect();
        prop_assert_eq!(got, wanted);
    }
    Ok(())
}

#[test]
fn a_replay_is_an_independent_fold() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 40, ..Config::default() });
    let cases = (calls(), 0i64..60 * 24 * 60, 0i64..30 * 24 * 60);
    let checked =
        runner.run(&cases, |(calls, from, length)| runtime.block_on(check(calls, from, length)));
    checked.unwrap();
}
