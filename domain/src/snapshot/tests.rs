use super::{Snapshot, SnapshotCommand as C, SnapshotEvent as E};
use crate::Aggregate;
use crate::providers::ProviderKind;
use crate::testing::examples::{agent_id, session_id, snapshot_id};
use crate::testing::{self, Given, at};

fn given(events: impl IntoIterator<Item = E>) -> Given<Snapshot> {
    testing::given(events)
}

fn create() -> C {
    C::Create {
        snapshot_id: snapshot_id(1),
        session_id: session_id(),
        agent_id: agent_id(1),
        provider: ProviderKind::Local,
        size: 10,
    }
}

fn created() -> E {
    E::Created {
        snapshot_id: snapshot_id(1),
        session_id: session_id(),
        agent_id: agent_id(1),
        provider: ProviderKind::Local,
        size: 10,
    }
}

fn deleted() -> E {
    E::Deleted { session_id: Some(session_id()), size: Some(10) }
}

#[test]
fn a_pause_that_is_repeated_makes_one() {
    given([]).when(&create()).then([created()]).when(&create()).then_nothing();
}

#[test]
fn it_is_deleted_once_and_stays_deleted() {
    given([]).when(&C::Delete).then_not_found();
    let gone = given([created()]).when(&C::Delete).then([deleted()]);
    gone.clone().when(&C::Delete).then_not_found();
    gone.clone().when(&create()).then_nothing();
    let gone = gone.state();
    assert_eq!(gone.deleted_at, Some(at(1)));
    assert_eq!(Snapshot::evolve(Some(gone.clone()), &deleted(), at(9)), Some(gone));
}
