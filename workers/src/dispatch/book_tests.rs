use theazo_domain::{Mode, OrgId};
use uuid::Uuid;

use super::*;

fn scope() -> Scope {
    Scope { org: OrgId::from_uuid(Uuid::from_u128(1)), mode: Mode::Live }
}

fn session(n: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(n))
}

fn agent(n: u128) -> AgentId {
    AgentId::from_uuid(Uuid::from_u128(n))
}

fn task(n: u128) -> TaskId {
    TaskId::from_uuid(Uuid::from_u128(n))
}

/// Submits task `order` for agent `of`.
fn submit(book: &mut Book, order: u64, of: u128, priority: Priority) {
    let waiting = Waiting {
        scope: scope(),
        session: session(1),
        task: task(u128::from(order)),
        priority,
        order,
    };
    let runs = TaskAgent::Existing { agent_id: agent(of) };
    book.submitted(waiting, &runs, Timestamp::from_millis(0));
}

fn next(book: &mut Book) -> Option<u64> {
    book.next(|_| true).map(|next| next.waiting.order)
}

#[test]
fn an_agent_has_one_task_at_a_time_in_their_order() {
    let mut book = Book::default();
    for order in 1..=3 {
        submit(&mut book, order, 1, Priority::Normal);
    }
    submit(&mut book, 4, 2, Priority::Normal);
    assert_eq!((next(&mut book), next(&mut book), next(&mut book)), (Some(1), Some(4), None));
    book.started(task(1), 1, Timestamp::from_millis(0));
    book.ended(task(1));
    assert_eq!(next(&mut book), None, "its end is not settled yet");
    book.agent_is_free(agent(1));
    assert_eq!((next(&mut book), next(&mut book)), (Some(2), None));
}

#[test]
fn a_higher_priority_overtakes_what_has_not_started() {
    let mut book = Book::default();
    submit(&mut book, 1, 1, Priority::Low);
    submit(&mut book, 2, 1, Priority::High);
    assert_eq!((next(&mut book), next(&mut book)), (Some(2), None));
    submit(&mut book, 3, 1, Priority::High);
    assert_eq!(next(&mut book), None, "the one that started stays");
    book.ended(task(2));
    book.agent_is_free(agent(1));
    assert_eq!(next(&mut book), Some(3));
}

#[test]
fn one_that_waits_in_the_line_can_end() {
    let mut book = Book::default();
    submit(&mut book, 1, 1, Priority::Normal);
    submit(&mut book, 2, 1, Priority::Normal);
    submit(&mut book, 3, 1, Priority::Normal);
    book.ended(task(2));
    book.agent_is_free(agent(1));
    assert_eq!((next(&mut book), next(&mut book)), (Some(1), None), "the first is still there");
    book.ended(task(1));
    book.agent_is_free(agent(1));
    assert_eq!(next(&mut book), Some(3));
    book.ended(task(3));
    book.agent_is_free(agent(1));
    assert!(book.tasks.is_empty() && book.lines.is_empty() && book.queue.len() == 0);
}

#[test]
fn a_session_without_room_is_waited_for() {
    let mut book = Book::default();
    submit(&mut book, 1, 1, Priority::Normal);
    assert_eq!(next(&mut book), Some(1));
    book.session_is_full(task(1));
    assert_eq!(next(&mut book), None);
    book.session_has_room(session(2));
    assert_eq!(next(&mut book), None);
    book.session_has_room(session(1));
    assert_eq!(next(&mut book), Some(1));
}

/// The place was given back before the claim that had found none came back.
#[test]
fn room_that_was_made_too_early_is_found() {
    let mut book = Book::default();
    submit(&mut book, 1, 1, Priority::Normal);
    assert_eq!(book.session_is_full(task(1)), None, "it has not been claimed");
    assert_eq!(next(&mut book), Some(1));
    book.session_has_room(session(1));
    assert!(book.session_is_full(task(1)).is_some());
    book.again(task(1));
    assert_eq!(next(&mut book), Some(1));
    book.session_has_room(session(1));
    assert_eq!(next(&mut book), None);
    assert!(book.for_room.is_empty());
}

#[test]
fn only_the_newest_attempt_comes_back() {
    let mut book = Book::default();
    submit(&mut book, 1, 1, Priority::Normal);
    assert_eq!(next(&mut book), Some(1));
    book.started(task(1), 2, Timestamp::from_millis(0));
    book.left(task(1));
    book.requeued(task(1), 1);
    assert_eq!(next(&mut book), None);
    book.requeued(task(1), 2);
    book.requeued(task(1), 2);
    assert_eq!((next(&mut book), next(&mut book)), (Some(1), None));
}

#[test]
fn a_silent_worker_is_noticed() {
    let mut book = Book::default();
    submit(&mut book, 1, 1, Priority::Normal);
    book.next(|_| true);
    book.started(task(1), 1, Timestamp::from_millis(1_000));
    let late = Timestamp::from_millis(1_000 + LEASE_MILLIS as i64);
    assert!(book.silent(late).is_empty(), "it is here");
    book.left(task(1));
    assert_eq!(book.silent(late), [(scope(), task(1), 1)]);
    book.alive(task(1), Timestamp::from_millis(2_000));
    assert!(book.silent(late).is_empty());
}

#[test]
fn a_suspended_task_keeps_its_agent() {
    let mut book = Book::default();
    submit(&mut book, 1, 1, Priority::Normal);
    submit(&mut book, 2, 1, Priority::Normal);
    book.next(|_| true);
    book.started(task(1), 1, Timestamp::from_millis(0));
    book.suspended(task(1), 1);
    book.left(task(1));
    assert_eq!(book.suspended_of(agent(1)), Some((task(1), 1)));
    assert_eq!(next(&mut book), None);
    book.requeued(task(1), 1);
    assert_eq!(next(&mut book), Some(1));
}

#[test]
fn a_host_without_room_is_waited_for_by_no_other() {
    let mut book = Book::default();
    submit(&mut book, 1, 1, Priority::Normal);
    submit(&mut book, 2, 2, Priority::Normal);
    assert_eq!(next(&mut book), Some(1));
    book.wait_for_host(task(1));
    assert_eq!((next(&mut book), next(&mut book)), (Some(2), None));
    book.host_has_room();
    assert_eq!(next(&mut book), Some(1));
    book.wait_for_host(task(1));
    submit(&mut book, 3, 1, Priority::High);
    book.host_has_room();
    assert_eq!((next(&mut book), next(&mut book)), (Some(3), None), "it has been overtaken");
    book.wait_for_host(task(3));
    book.ended(task(3));
    book.host_has_room();
    assert_eq!(next(&mut book), None);
}
