use std::collections::HashMap;

use proptest::prelude::*;
use theazo_domain::{Mode, OrgId};
use uuid::Uuid;

use super::*;

fn waiting(org: u128, session: u128, priority: Priority, order: u64) -> Waiting {
    let scope = Scope { org: OrgId::from_uuid(Uuid::from_u128(org)), mode: Mode::Live };
    Waiting {
        scope,
        session: SessionId::from_uuid(Uuid::from_u128(org << 32 | session)),
        task: TaskId::from_uuid(Uuid::from_u128(u128::from(order))),
        priority,
        order,
    }
}

fn drained(queue: &mut Queue) -> Vec<u64> {
    std::iter::from_fn(|| queue.pop(|_| true)).map(|waiting| waiting.order).collect()
}

#[test]
fn high_goes_before_normal_before_low() {
    let mut queue = Queue::default();
    for (order, priority) in
        [(1, Priority::Low), (2, Priority::Normal), (3, Priority::High), (4, Priority::Normal)]
    {
        queue.push(waiting(1, 1, priority, order));
    }
    assert_eq!(drained(&mut queue), [3, 2, 4, 1]);
}

#[test]
fn ten_thousand_of_one_do_not_delay_one_of_another() {
    let mut queue = Queue::default();
    for order in 1..=10_000 {
        queue.push(waiting(1, 1, Priority::Normal, order));
    }
    queue.push(waiting(2, 1, Priority::Normal, 10_001));
    assert_eq!(queue.pop(|_| true).map(|w| w.order), Some(1));
    assert_eq!(queue.pop(|_| true).map(|w| w.order), Some(10_001));
    assert_eq!(queue.pop(|_| true).map(|w| w.order), Some(2));
}

#[test]
fn one_that_comes_back_keeps_its_place() {
    let mut queue = Queue::default();
    queue.push(waiting(1, 1, Priority::Normal, 5));
    queue.push(waiting(1, 1, Priority::Normal, 2));
    queue.push(waiting(1, 1, Priority::Normal, 2));
    assert_eq!(drained(&mut queue), [2, 5]);
}

#[test]
fn a_tenant_that_may_not_is_passed_over_and_keeps_its_turn() {
    let mut queue = Queue::default();
    queue.push(waiting(1, 1, Priority::High, 1));
    queue.push(waiting(2, 1, Priority::Normal, 2));
    queue.push(waiting(3, 1, Priority::Normal, 3));
    let barred = waiting(1, 1, Priority::High, 0).scope;
    assert_eq!(queue.pop(|scope| *scope != barred).map(|w| w.order), Some(2));
    assert_eq!(queue.pop(|scope| *scope != barred).map(|w| w.order), Some(3));
    assert!(queue.pop(|scope| *scope != barred).is_none());
    assert_eq!(drained(&mut queue), [1]);
}

#[derive(Debug, Clone)]
enum Op {
    Push { org: u128, session: u128, priority: usize },
    Pop,
    Remove { nth: prop::sample::Index },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => (0u128..4, 0u128..4, 0usize..3)
            .prop_map(|(org, session, priority)| Op::Push { org, session, priority }),
        3 => Just(Op::Pop),
        1 => any::<prop::sample::Index>().prop_map(|nth| Op::Remove { nth }),
    ]
}

proptest! {
    /// Against a model that looks at all that waits.
    #[test]
    fn the_order_holds_for_any_history(ops in prop::collection::vec(op(), 0..300)) {
        let mut queue = Queue::default();
        let mut model: Vec<Waiting> = Vec::new();
        let mut order = 0;
        for op in ops {
            match op {
                Op::Push { org, session, priority } => {
                    order += 1;
                    let pushed = waiting(org, session, Priority::ALL[priority], order);
                    queue.push(pushed);
                    model.push(pushed);
                }
                Op::Remove { nth } if !model.is_empty() => {
                    let gone = model.remove(nth.index(model.len()));
                    prop_assert!(queue.remove(gone.task));
                }
                Op::Remove { .. } => {}
                Op::Pop => {
                    let popped = queue.pop(|_| true);
                    prop_assert_eq!(popped.is_none(), model.is_empty());
                    let Some(popped) = popped else { continue };
                    let best = model.iter().map(|w| w.priority).min();
                    prop_assert_eq!(Some(popped.priority), best, "a higher priority waits");
                    let first = model
                        .iter()
                        .filter(|w| w.session == popped.session && w.priority == popped.priority)
                        .map(|w| w.order)
                        .min();
                    prop_assert_eq!(Some(popped.order), first, "an earlier one of it waits");
                    model.retain(|w| w.task != popped.task);
                }
            }
            prop_assert_eq!(queue.len(), model.len());
        }
    }

    /// While several wait, none gets two turns before another gets one.
    #[test]
    fn turns_are_fair(sizes in prop::collection::vec(1u64..20, 2..6)) {
        let mut queue = Queue::default();
        let mut order = 0;
        for (org, size) in sizes.iter().enumerate() {
            for _ in 0..*size {
                order += 1;
                queue.push(waiting(org as u128 + 1, 1, Priority::Normal, order));
            }
        }
        let mut served: HashMap<Scope, u64> = HashMap::new();
        let mut left: HashMap<Scope, u64> = HashMap::new();
        for (org, size) in sizes.iter().enumerate() {
            left.insert(waiting(org as u128 + 1, 1, Priority::Normal, 0).scope, *size);
        }
        while let Some(popped) = queue.pop(|_| true) {
            *served.entry(popped.scope).or_default() += 1;
            *left.entry(popped.scope).or_default() -= 1;
            let turns = served[&popped.scope];
            for (scope, left) in &left {
                let others = served.get(scope).copied().unwrap_or(0);
                prop_assert!(*left == 0 || others + 1 >= turns, "one waits too long");
            }
        }
    }
}
