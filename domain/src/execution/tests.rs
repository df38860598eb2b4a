use uuid::Uuid;

use super::{Execution, ExecutionCommand as C, ExecutionEvent as E, Outcome};
use crate::testing::examples::{agent_id, failure, payload, session_id};
use crate::testing::{self, Given, at};
use crate::{Aggregate, ExecutionId};

fn given(events: impl IntoIterator<Item = E>) -> Given<Execution> {
    testing::given(events)
}

fn id() -> ExecutionId {
    ExecutionId::from_uuid(Uuid::from_u128(7))
}

fn request() -> C {
    C::Request {
        execution_id: id(),
        session_id: session_id(),
        agent_id: agent_id(1),
        lang: "python".to_owned(),
        code: payload(),
    }
}

fn requested() -> E {
    E::Requested {
        execution_id: id(),
        session_id: session_id(),
        agent_id: agent_id(1),
        lang: "python".to_owned(),
        code: payload(),
    }
}

fn complete() -> C {
    C::Complete {
        exit_code: 1,
        duration_ms: 12,
        stdout: payload(),
        stderr: payload(),
        truncated: false,
    }
}

fn completed() -> E {
    E::Completed {
        session_id: session_id(),
        agent_id: agent_id(1),
        exit_code: 1,
        duration_ms: 12,
        stdout: payload(),
        stderr: payload(),
        truncated: false,
    }
}

fn failed() -> E {
    E::Failed { session_id: session_id(), agent_id: agent_id(1), failure: failure() }
}

#[test]
fn the_intent_comes_first_and_once() {
    given([]).when(&request()).then([requested()]).when(&request()).then_conflict("already");
    given([]).when(&complete()).then_not_found();
    given([]).when(&C::Fail { failure: failure() }).then_not_found();
}

#[test]
fn the_first_outcome_stands() {
    let done = given([requested()]).when(&complete()).then([completed()]);
    assert_eq!(done.clone().state().finished_at, Some(at(1)));
    done.clone().when(&complete()).then_nothing();
    done.when(&C::Fail { failure: failure() }).then_nothing();
    given([requested()])
        .when(&C::Fail { failure: failure() })
        .then([failed()])
        .when(&complete())
        .then_nothing();
}

#[test]
fn not_even_an_event_changes_an_outcome() {
    let done = given([requested(), completed()]).state();
    assert!(matches!(done.outcome, Outcome::Completed { exit_code: 1, .. }));
    assert_eq!(Execution::evolve(Some(done.clone()), &failed(), at(9)), Some(done));
}
