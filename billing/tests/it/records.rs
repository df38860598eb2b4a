use theazo_billing::{Period, Place};
use theazo_domain::{Pico, StreamId};

use crate::support::{World, at, call, ids, may, scope, session, task};

#[tokio::test]
async fn a_period_has_what_was_used_in_it() {
    let mut world = World::new().await;
    let ours = scope(1);
    world.session(ours, 1, "ann", None).await;
    world.session(scope(2), 1, "eve", None).await;
    let days = ["2026-04-30T23:59:59.999Z", "2026-05-01T00:00:00Z", "2026-05-31T23:59:59.999Z"];
    for (time, step) in days.into_iter().zip(0..) {
        world.call(ours, (1, step), at(time), at(time), Pico(5)).await;
        world.call(scope(2), (1, step), at(time), at(time), Pico(7)).await;
    }
    world.call(ours, (1, 3), at("2026-06-01T00:00:00Z"), at("2026-06-01T00:00:00Z"), Pico(5)).await;
    let records = world.records(ours, Place::START, may()).await;
    let steps: Vec<_> = ids(&records).iter().map(|id| id.rsplit('/').next().unwrap()).collect();
    assert_eq!(steps, ["1", "2"]);
    assert!(records.iter().all(|record| record.user_id() == "ann" && !record.adjustment));
    assert!(records.iter().all(|record| record.record().session == session(1)));
    assert_eq!(world.records(scope(3), Place::START, Period::EVER).await.len(), 0);
    assert_eq!(world.records(ours, Place::START, Period::EVER).await.len(), 4);
}

#[tokio::test]
async fn what_is_recorded_late_is_an_adjustment_of_its_own_period() {
    let mut world = World::new().await;
    let (ours, used) = (scope(1), at("2026-05-31T23:00:00Z"));
    world.session(ours, 1, "ann", None).await;
    world.call(ours, (1, 0), used, at("2026-06-01T00:59:00Z"), Pico(5)).await;
    world.call(ours, (1, 1), used, at("2026-06-02T00:00:00Z"), Pico(5)).await;
    world.storage(ours, 1, at("2026-05-31T00:00:00Z").day(), at("2026-06-01T00:10:00Z")).await;
    let records = world.records(ours, Place::START, may()).await;
    let late: Vec<bool> = records.iter().map(|record| record.adjustment).collect();
    assert_eq!(late, [false, true, false]);
    assert_eq!(records[1].recorded, at("2026-06-02T00:00:00Z"));
    assert_eq!(records[1].record().at(), used);
}

/// The clocks of several processes differ, so times are not in the order of positions.
#[tokio::test]
async fn a_clock_that_is_behind_hides_nothing() {
    let mut world = World::new().await;
    let ours = scope(1);
    world.session(ours, 1, "ann", None).await;
    for step in 0..200u32 {
        let minute = i64::from(step) - 100;
        let skew = if step % 2 == 0 { 0 } else { -20 };
        let time = at("2026-05-01T00:00:00Z").as_millis() + (minute + skew) * 60_000;
        let time = theazo_domain::Timestamp::from_millis(time);
        world.call(ours, (1, step), time, time, Pico(1)).await;
    }
    let all = world.records(ours, Place::START, Period::EVER).await;
    let wanted = all.iter().filter(|record| may().contains(record.record().at())).count();
    assert_eq!(world.records(ours, Place::START, may()).await.len(), wanted);
    assert_eq!(wanted, 90);
}

#[tokio::test]
async fn after_each_record_come_exactly_the_rest() {
    let mut world = World::new().await;
    let ours = scope(1);
    world.session(ours, 1, "ann", None).await;
    world.session(ours, 2, "bob", None).await;
    let (from, until) = (at("2026-05-03T12:00:00Z"), at("2026-05-06T12:00:00Z"));
    world.compute(ours, 1, (from, until), until).await;
    for step in 0..3 {
        world.call(ours, (2, step), until, until, Pico(9)).await;
    }
    let all = world.records(ours, Place::START, may()).await;
    assert_eq!(all.len(), 7, "four days, in one commit, and three calls");
    for (n, record) in all.iter().enumerate() {
        let rest = world.records(ours, record.place, may()).await;
        assert_eq!(ids(&rest), ids(&all[n + 1..]), "after {}", record.place);
        let text = record.place.to_string();
        assert_eq!(text.parse::<Place>().unwrap(), record.place);
    }
    let whole_commit = Place::from(all[0].place.position);
    assert_eq!(world.records(ours, whole_commit, may()).await.len(), 3);
    assert_eq!(whole_commit.to_string().parse::<Place>().unwrap(), whole_commit);
    for text in ["", "x", "1~", "~1", "1~x", "+1", "-1", "1.0", "99999999999999999999"] {
        assert!(text.parse::<Place>().is_err(), "{text}");
    }
}

#[tokio::test]
async fn a_user_is_as_the_session_says_now() {
    let mut world = World::new().await;
    let (ours, time) = (scope(1), at("2026-05-02T00:00:00Z"));
    world.session(ours, 1, "ann", None).await;
    world.call(ours, (1, 0), time, time, Pico(1)).await;
    world.set_customer(ours, 1, "cus_1", time).await;
    let records = world.records(ours, Place::START, may()).await;
    let customer = records[0].billed.customer(&theazo_billing::NoCustomers).unwrap().into_owned();
    assert_eq!(customer, "cus_1");
}

/// More sessions than are remembered, and more commits than are read at once.
#[tokio::test]
async fn many_pages_are_one_stream() {
    let mut world = World::new().await;
    let (ours, time) = (scope(1), at("2026-05-02T00:00:00Z"));
    world.session(ours, 1, "ann", None).await;
    for step in 0..1_300u32 {
        let task = task(u128::from(step));
        let event = call(session(1), task, 0, time, Pico(1));
        let stream = StreamId::task(ours, task);
        world.commit(stream, time, vec![event]).await;
    }
    let records = world.records(ours, Place::START, may()).await;
    assert_eq!(records.len(), 1_300);
    assert!(records.is_sorted_by(|a, b| a.place < b.place));
}
