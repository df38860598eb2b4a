//! A subscription gives every matching commit after its start, once, in order.

use std::sync::Arc;

use futures::StreamExt;
use futures::future::join_all;
use parking_lot::Mutex;
use theazo_domain::Kind;
use tokio::task::JoinHandle;

use super::Subject;
use super::fixtures::*;
use crate::{Commit, EventLog, Filter, Glance, Kinds, Position};

/// `writers` tasks that append `each` commits, each on a stream of its own.
fn write(log: &Arc<dyn EventLog>, writers: usize, each: usize) -> Vec<JoinHandle<()>> {
    let writer = |n: usize| {
        let log = Arc::clone(log);
        async move {
            let stream = session(scope(n as u128 % 2), 1_000 + n as u128);
            let known = log.read_stream(&stream, Position::START).await.unwrap();
            let mut revision = known.last().map_or(Position::START, |last| last.position);
            for step in 0..each {
                let draft = draft(&stream, &format!("{n}/{step}"));
                revision = log.append(revision, draft).await.unwrap().commit.position;
            }
        }
    };
    (0..writers).map(|n| tokio::spawn(writer(n))).collect()
}

pub async fn the_past_and_the_present_meet_without_a_seam(subject: &dyn Subject) {
    const WRITERS: usize = 6;
    const EACH: usize = 150;
    let log = subject.open().await;
    let mut rng = Rng::seeded("the_past_and_the_present_meet_without_a_seam");
    join_all(write(&log, WRITERS, EACH)).await.into_iter().for_each(Result::unwrap);
    let writers = write(&log, WRITERS, EACH);

    // Subscribers join all the time, from all over the past, while the writers go on.
    let mut subscribers = Vec::new();
    for _ in 0..24 {
        let head = log.head().await.unwrap();
        let after = Position(rng.draw() % (head.0 + 1));
        let mut subscription = log.subscribe(Filter::all(), after);
        subscribers.push(tokio::spawn(async move {
            let mut seen: Vec<Arc<Commit>> = Vec::new();
            while seen.last().is_none_or(|last| *last.events != [last_event()]) {
                seen.extend(take(&mut subscription, 1).await);
            }
            (after, seen)
        }));
        tokio::task::yield_now().await;
    }
    join_all(writers).await.into_iter().for_each(Result::unwrap);
    append(&*log, &settings(scope(0)), LAST).await;

    let all = everything(&*log).await;
    assert_eq!(all.len(), 2 * WRITERS * EACH + 1);
    for subscriber in subscribers {
        let (after, seen) = subscriber.await.unwrap();
        let wanted: Vec<_> = all.iter().filter(|c| c.position > after).cloned().collect();
        assert_eq!(positions(&seen), positions(&wanted), "after {after}");
        assert_eq!(seen, wanted);
    }
}

const LAST: &str = "the last one";

fn last_event() -> theazo_domain::Event {
    event(&settings(scope(0)), LAST)
}

pub async fn a_filtered_subscription_gives_what_matches(subject: &dyn Subject) {
    let log = subject.open().await;
    let of_stream = session(scope(0), 1_002);
    let filters = [
        Filter::scope(scope(0)),
        Filter::scope(scope(1)),
        Filter::stream(of_stream.clone()),
        Filter { kinds: Kinds::of(&[Kind::Settings]), ..Filter::scope(scope(1)) },
        Filter::kind(Kind::Settings),
        Filter::kinds(&[Kind::Settings, Kind::Session]),
        Filter::kinds(&[Kind::Settings, Kind::Task]),
    ];
    join_all(write(&log, 4, 20)).await.into_iter().for_each(Result::unwrap);
    let mut subscriptions: Vec<_> =
        filters.iter().map(|filter| log.subscribe(filter.clone(), Position::START)).collect();
    append(&*log, &settings(scope(0)), "one").await;
    append(&*log, &settings(scope(1)), "two").await;
    join_all(write(&log, 4, 20)).await.into_iter().for_each(Result::unwrap);
    append(&*log, &settings(scope(1)), "three").await;

    let all = everything(&*log).await;
    for (filter, subscription) in filters.iter().zip(&mut subscriptions) {
        let wanted: Vec<_> = all.iter().filter(|c| filter.matches(c)).cloned().collect();
        assert_eq!(take(subscription, wanted.len()).await, wanted, "{filter:?}");
    }
    // Nothing else comes: the next one is the next that matches.
    let next = append(&*log, &of_stream, "next").await;
    assert_eq!(take(&mut subscriptions[2], 1).await, vec![next]);
}

pub async fn a_slow_subscriber_misses_nothing(subject: &dyn Subject) {
    let log = subject.open().await;
    let stream = settings(scope(0));
    append(&*log, &stream, "first").await;
    let mut slow = log.subscribe(Filter::all(), Position::START);
    assert_eq!(take(&mut slow, 1).await.len(), 1);
    // More than any buffer holds, while it does not look.
    for _ in 0..3 {
        join_all(write(&log, 8, 250)).await.into_iter().for_each(Result::unwrap);
        assert_eq!(take(&mut slow, 10).await.len(), 10);
    }
    let all = everything(&*log).await;
    let rest = take(&mut slow, all.len() - 31).await;
    assert_eq!(positions(&rest), positions(&all[31..]));
    let live = append(&*log, &stream, "live again").await;
    assert_eq!(take(&mut slow, 1).await, vec![live]);
}

pub async fn a_subscription_goes_on_from_any_position(subject: &dyn Subject) {
    let log = subject.open().await;
    join_all(write(&log, 4, 25)).await.into_iter().for_each(Result::unwrap);
    let all = everything(&*log).await;
    // One that is cut after every few commits, and made anew from the last one seen.
    let mut seen: Vec<Arc<Commit>> = Vec::new();
    while seen.len() < all.len() {
        let after = seen.last().map_or(Position::START, |last| last.position);
        let mut subscription = log.subscribe(Filter::all(), after);
        let some = 7.min(all.len() - seen.len());
        seen.extend(take(&mut subscription, some).await);
    }
    assert_eq!(seen, all);

    // From the very end, and from a place that the log has not come to.
    let head = log.head().await.unwrap();
    let mut at_head = log.subscribe(Filter::all(), head);
    let mut ahead = log.subscribe(Filter::all(), Position(head.0 + 1));
    let first = append(&*log, &settings(scope(0)), "one").await;
    assert_eq!(take(&mut at_head, 1).await, vec![first.clone()]);
    let mut seen_ahead = Vec::new();
    while seen_ahead.is_empty() {
        let commit = append(&*log, &settings(scope(0)), "more").await;
        if commit.position.0 > head.0 + 1 {
            seen_ahead = take(&mut ahead, 1).await;
            assert!(seen_ahead[0].position > Position(head.0 + 1));
        }
    }
}

pub async fn an_answered_append_reaches_every_subscriber(subject: &dyn Subject) {
    let log = subject.open().await;
    let stream = session(scope(0), 1);
    let mut subscriptions: Vec<_> =
        (0..50).map(|_| log.subscribe(Filter::stream(stream.clone()), Position::START)).collect();
    for n in 0..20 {
        let appended = append(&*log, &stream, &n.to_string()).await;
        append(&*log, &session(scope(0), 2), "not theirs").await;
        for subscription in &mut subscriptions {
            assert_eq!(take(subscription, 1).await, vec![appended.clone()]);
        }
    }
    // A subscriber that goes away leaves the others alone.
    subscriptions.truncate(1);
    let appended = append(&*log, &stream, "last").await;
    let next = subscriptions[0].next().await.unwrap().unwrap();
    assert_eq!(next, appended);
}

pub async fn a_watch_glances_at_each_once_and_gives_what_passes(subject: &dyn Subject) {
    const WRITERS: usize = 4;
    const EACH: usize = 120;
    let log = subject.open().await;
    join_all(write(&log, WRITERS, EACH)).await.into_iter().for_each(Result::unwrap);
    let writers = write(&log, WRITERS, EACH);
    let (wanted, last) = (session(scope(1), 1_001), settings(scope(0)));
    let filter = Filter::kinds(&[Kind::Session, Kind::Settings]);
    let mut watchers = Vec::new();
    for after in [Position::START, Position(7), log.head().await.unwrap()] {
        let glanced = Arc::new(Mutex::new(Vec::new()));
        let (seen, passes) = (Arc::clone(&glanced), [wanted.clone(), last.clone()]);
        let glance: Glance = Arc::new(move |commit| {
            seen.lock().push(commit.position());
            passes.contains(commit.stream())
        });
        let mut watch = log.watch(filter.clone(), Some(glance), after);
        let given = tokio::spawn(async move {
            let mut given: Vec<Arc<Commit>> = Vec::new();
            while given.last().is_none_or(|last| *last.events != [last_event()]) {
                let next = tokio::time::timeout(PATIENCE, watch.next()).await.unwrap();
                given.push(next.unwrap().unwrap().commit().unwrap());
            }
            given
        });
        watchers.push((after, glanced, given));
    }
    join_all(writers).await.into_iter().for_each(Result::unwrap);
    append(&*log, &last, LAST).await;

    let all = everything(&*log).await;
    for (after, glanced, given) in watchers {
        let after_it: Vec<_> = all.iter().filter(|c| c.position > after).cloned().collect();
        let passes = |commit: &&Arc<Commit>| [&wanted, &last].contains(&&commit.stream);
        let passing: Vec<_> = after_it.iter().filter(passes).cloned().collect();
        assert_eq!(given.await.unwrap(), passing, "after {after}");
        assert_eq!(*glanced.lock(), positions(&after_it), "after {after}");
    }
}
