use uuid::Uuid;

use super::{ApiKey, ApiKeyCommand as C, ApiKeyEvent as E, KeyDigest};
use crate::testing::{self, Given, at};
use crate::{Aggregate, ApiKeyId};

fn given(events: impl IntoIterator<Item = E>) -> Given<ApiKey> {
    testing::given(events)
}

fn digest(of: &str) -> KeyDigest {
    KeyDigest { sha256: of.to_owned(), hint: "th_live_…wxyz".to_owned() }
}

fn id() -> ApiKeyId {
    ApiKeyId::from_uuid(Uuid::from_u128(9))
}

fn created() -> E {
    E::Created { key_id: id(), name: "backend".to_owned(), digest: digest("1") }
}

fn create(name: &str) -> C {
    C::Create { key_id: id(), name: name.to_owned(), digest: digest("1") }
}

#[test]
fn it_is_created_once_with_a_name() {
    given([]).when(&create("backend")).then([created()]).when(&create("x")).then_conflict("exists");
    given([]).when(&create("")).then_invalid(&["name"]);
    given([]).when(&C::Revoke).then_not_found();
    given([]).when(&C::Rotate { digest: digest("2") }).then_not_found();
}

#[test]
fn rotating_replaces_the_secret() {
    let key = given([created()])
        .when(&C::Rotate { digest: digest("2") })
        .then([E::Rotated { digest: digest("2") }])
        .state();
    assert_eq!((key.digest, key.rotated_at), (digest("2"), Some(at(1))));
}

#[test]
fn revoking_is_idempotent_and_for_ever() {
    let revoked = given([created()]).when(&C::Revoke).then([E::Revoked {}]);
    revoked.clone().when(&C::Revoke).then_nothing();
    revoked.clone().when(&C::Rotate { digest: digest("2") }).then_conflict("revoked");
    let key = revoked.state();
    for event in [E::Revoked {}, E::Rotated { digest: digest("2") }, created()] {
        assert_eq!(ApiKey::evolve(Some(key.clone()), &event, at(9)), Some(key.clone()));
    }
}
