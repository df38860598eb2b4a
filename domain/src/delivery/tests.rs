use super::{
    About, BACKOFF_S, Delivery, DeliveryCommand as C, DeliveryEvent as E, DeliveryStatus, accepted,
};
use crate::testing::examples::{payload, session_id, task_id};
use crate::testing::{self, Given, at};
use crate::{DeliveryId, Timestamp};
use uuid::Uuid;

fn given(events: impl IntoIterator<Item = E>) -> Given<Delivery> {
    testing::given(events)
}

fn id() -> DeliveryId {
    DeliveryId::from_uuid(Uuid::from_u128(1))
}

fn about() -> About {
    About::Task { task_id: task_id(1) }
}

fn request() -> C {
    C::Request { delivery_id: id(), session_id: session_id(), about: about(), url: payload() }
}

fn requested() -> E {
    E::Requested { delivery_id: id(), session_id: session_id(), about: about(), url: payload() }
}

fn report(number: u32, status: Option<u16>) -> C {
    C::Report { number, status, error: error(status), duration_ms: 8 }
}

fn attempted(number: u32, status: Option<u16>, next_at: Option<Timestamp>) -> E {
    E::Attempted { number, status, error: error(status), duration_ms: 8, next_at }
}

fn error(status: Option<u16>) -> Option<String> {
    status.is_none().then(|| "connection refused".to_owned())
}

#[test]
fn it_is_requested_once_and_due_at_once() {
    let delivery = given([]).when(&request()).then([requested()]).when(&request()).then_nothing();
    let delivery = delivery.state();
    assert_eq!((delivery.status, delivery.next_at), (DeliveryStatus::Pending, Some(at(0))));
    assert_eq!((delivery.id, delivery.about), (id(), about()));
}

#[test]
fn what_was_never_requested_is_not_found() {
    given([]).when(&report(1, Some(200))).then_not_found();
}

#[test]
fn a_receivers_yes_ends_it() {
    for status in [200, 204, 299] {
        let delivery = given([requested()]).when(&report(1, Some(status))).then([attempted(
            1,
            Some(status),
            None,
        )]);
        delivery.clone().when(&report(2, Some(500))).then_nothing();
        delivery.clone().when(&request()).then_nothing();
        let delivery = delivery.state();
        assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Delivered, 1));
        assert_eq!((delivery.next_at, delivery.last_status), (None, Some(status)));
    }
}

#[test]
fn anything_else_is_tried_again_later() {
    for status in [None, Some(199), Some(301), Some(404), Some(410), Some(500)] {
        let delivery = given([requested()])
            .when(&report(1, status))
            .then([attempted(1, status, Some(at(6)))])
            .when(&report(2, status))
            .then([attempted(2, status, Some(at(32)))])
            .state();
        assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Pending, 2));
        assert_eq!((delivery.last_status, delivery.last_error), (status, error(status)));
        assert!(!accepted(status));
    }
}

#[test]
fn a_try_counts_once() {
    let tried = || given([requested(), attempted(1, Some(500), Some(at(6)))]);
    tried().when(&report(1, Some(200))).then_nothing();
    tried().when(&report(3, Some(200))).then_nothing();
    tried().when(&report(0, Some(200))).then_nothing();
    tried().when(&report(2, Some(200))).then([attempted(2, Some(200), None)]);
}

#[test]
fn it_is_given_up_after_about_a_day() {
    let mut delivery = given([requested()]);
    let mut waited = 0;
    for (number, seconds) in (1..).zip(BACKOFF_S) {
        let next = at(number).as_millis() + i64::try_from(seconds * 1_000).unwrap();
        let next = Some(Timestamp::from_millis(next));
        delivery = delivery.when(&report(number, None)).then([attempted(number, None, next)]);
        waited += seconds;
    }
    assert!((20 * 3_600..28 * 3_600).contains(&waited), "{waited} s");
    assert!(BACKOFF_S.is_sorted(), "each wait is at least as long as the one before");
    let last = u32::try_from(BACKOFF_S.len()).unwrap() + 1;
    let delivery = delivery.when(&report(last, None)).then([attempted(last, None, None)]);
    delivery.clone().when(&report(last + 1, Some(200))).then_nothing();
    let delivery = delivery.state();
    assert_eq!((delivery.status, delivery.next_at), (DeliveryStatus::Failed, None));
    assert_eq!(delivery.attempts, last);
}

#[test]
fn the_last_try_may_be_the_one_that_succeeds() {
    let last = u32::try_from(BACKOFF_S.len()).unwrap() + 1;
    let tries = (1..last).map(|number| attempted(number, None, Some(at(number))));
    let delivery = given([requested()].into_iter().chain(tries))
        .when(&report(last, Some(200)))
        .then([attempted(last, Some(200), None)]);
    assert_eq!(delivery.state().status, DeliveryStatus::Delivered);
}

/// Not even an event that should not be there brings it back.
#[test]
fn what_has_ended_has_ended() {
    let over = [requested(), attempted(1, Some(200), None)];
    let before = given(over.clone()).state();
    let again = attempted(2, Some(500), Some(at(9)));
    assert_eq!(given(over.into_iter().chain([again])).state(), before);
}
