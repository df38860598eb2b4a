use uuid::Uuid;

use super::{
    FileChange, FileOperation, FileOperationCommand as C, FileOperationEvent as E, FileOutcome,
};
use crate::testing::examples::{agent_id, failure, session_id};
use crate::testing::{self, Given, at};
use crate::{Aggregate, FileOperationId};

fn given(events: impl IntoIterator<Item = E>) -> Given<FileOperation> {
    testing::given(events)
}

fn id() -> FileOperationId {
    FileOperationId::from_uuid(Uuid::from_u128(8))
}

fn request() -> C {
    C::Request {
        operation_id: id(),
        session_id: session_id(),
        agent_id: agent_id(1),
        path: "/workspace/a.txt".to_owned(),
        change: FileChange::Delete,
    }
}

fn requested() -> E {
    E::Requested {
        operation_id: id(),
        session_id: session_id(),
        agent_id: agent_id(1),
        path: "/workspace/a.txt".to_owned(),
        change: FileChange::Delete,
    }
}

fn completed() -> E {
    E::Completed { session_id: session_id(), agent_id: agent_id(1) }
}

fn failed() -> E {
    E::Failed { session_id: session_id(), agent_id: agent_id(1), failure: failure() }
}

#[test]
fn the_intent_comes_first_and_once() {
    given([]).when(&request()).then([requested()]).when(&request()).then_conflict("already");
    given([]).when(&C::Complete).then_not_found();
}

#[test]
fn the_first_outcome_stands() {
    let fail = C::Fail { failure: failure() };
    let done = given([requested()]).when(&C::Complete).then([completed()]);
    done.clone().when(&C::Complete).then_nothing();
    done.clone().when(&fail).then_nothing();
    given([requested()]).when(&fail).then([failed()]).when(&C::Complete).then_nothing();
    let done = done.state();
    assert_eq!(done.outcome, FileOutcome::Completed);
    assert_eq!(FileOperation::evolve(Some(done.clone()), &failed(), at(9)), Some(done));
}
