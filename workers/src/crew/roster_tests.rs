use theazo_domain::{Mode, OrgId};

use super::*;

const LEASE: Duration = Duration::from_secs(10);

fn scope() -> Scope {
    Scope { org: OrgId::from_uuid(Uuid::from_u128(1)), mode: Mode::Live }
}

fn task(n: u128) -> TaskId {
    TaskId::from_uuid(Uuid::from_u128(n))
}

fn beat(host: &str, slots: usize, running: &[u128]) -> Beat {
    Beat {
        host: host.to_owned(),
        instance: Uuid::from_u128(1),
        slots,
        running: running.iter().map(|n| task(*n)).collect(),
        providers: vec![ProviderKind::Mock],
        leaving: false,
    }
}

fn hear(roster: &mut Roster, beat: Beat) -> Seen {
    roster.heard(beat, Instant::now(), Timestamp::default())
}

#[test]
fn work_goes_to_the_host_with_the_most_room() {
    let mut roster = Roster::default();
    assert!(hear(&mut roster, beat("a", 3, &[])).new);
    hear(&mut roster, beat("b", 4, &[7, 8]));
    assert_eq!(roster.roomiest(ProviderKind::Mock), Some("a"));
    assert_eq!(roster.roomiest(ProviderKind::Local), None);
    roster.give(scope(), task(1), 1, "a");
    roster.give(scope(), task(2), 2, "a");
    assert_eq!((roster.free("a"), roster.free("b"), roster.slots()), (1, 2, 7));
    assert_eq!(roster.roomiest(ProviderKind::Mock), Some("b"));
    // What a beat has told of counts once.
    hear(&mut roster, beat("a", 3, &[1, 2]));
    assert_eq!(roster.free("a"), 1);
}

#[test]
fn a_slot_is_free_when_its_claim_is_over_and_no_other() {
    let mut roster = Roster::default();
    hear(&mut roster, beat("a", 1, &[]));
    roster.give(scope(), task(1), 5, "a");
    assert!(!roster.has_room());
    assert_eq!(roster.back(task(1), 4), None, "an earlier claim of it");
    assert_eq!(roster.back(task(1), 5), Some((scope(), "a".to_owned())));
    assert!(roster.has_room() && !roster.is_given(task(1)));
}

#[test]
fn an_assignment_that_was_lost_is_missed() {
    let mut roster = Roster::default();
    hear(&mut roster, beat("a", 2, &[]));
    roster.give(scope(), task(1), 1, "a");
    for _ in 1..MISSED_BEATS {
        assert_eq!(hear(&mut roster, beat("a", 2, &[])), Seen::default());
    }
    assert_eq!(hear(&mut roster, beat("b", 2, &[])).lost, [], "another host's beat says nothing");
    assert_eq!(hear(&mut roster, beat("a", 2, &[])).lost, [(task(1), 1)]);
}

#[test]
fn a_host_that_leaves_or_is_silent_gets_nothing() {
    let mut roster = Roster::default();
    hear(&mut roster, beat("a", 2, &[]));
    hear(&mut roster, Beat { leaving: true, ..beat("b", 9, &[]) });
    assert_eq!(roster.home(ProviderKind::Mock, |_| 0), Some("a"));
    let later = Instant::now() + 2 * LEASE;
    assert!(roster.is_alive("a", Instant::now(), LEASE) && !roster.is_alive("a", later, LEASE));
    let mut silent = roster.silent(later, LEASE);
    silent.sort();
    assert_eq!(silent, ["a", "b"]);
    roster.hear_anew(later);
    assert!(roster.silent(later, LEASE).is_empty());
    roster.strike("a");
    assert!(!roster.has_room());
}

#[test]
fn a_host_that_was_started_anew_is_new() {
    let mut roster = Roster::default();
    hear(&mut roster, beat("a", 2, &[]));
    assert!(!hear(&mut roster, beat("a", 2, &[])).new);
    let again = Beat { instance: Uuid::from_u128(2), ..beat("a", 2, &[]) };
    assert!(hear(&mut roster, again).new);
}
