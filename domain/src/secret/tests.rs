use super::{Secret, SecretCommand as C, SecretEvent as E};
use crate::testing::examples::{org_id, sealed, session_id};
use crate::testing::{self, Given, at};
use crate::{Mode, Scope};

fn given(events: impl IntoIterator<Item = E>) -> Given<Secret> {
    testing::given(events)
}

fn set(version: u32) -> E {
    E::Set { name: "API_KEY".to_owned(), session_id: None, version, value: sealed() }
}

fn put(name: &str, version: u32) -> C {
    C::Set { name: name.to_owned(), session_id: None, version, value: sealed() }
}

fn deleted() -> E {
    E::Deleted { name: "API_KEY".to_owned(), session_id: None }
}

#[test]
fn a_value_is_sealed_for_the_version_it_becomes() {
    given([]).when(&put("API_KEY", 1)).then([set(1)]).when(&put("API_KEY", 2)).then([set(2)]);
    given([set(1)]).when(&put("API_KEY", 1)).then_conflict("at the same time");
    given([]).when(&put("API_KEY", 2)).then_conflict("at the same time");
}

#[test]
fn a_name_is_letters_digits_underscores_and_hyphens() {
    for name in ["", "a b", "a.b", "é", &"x".repeat(101)] {
        given([]).when(&put(name, 1)).then_invalid(&["name"]);
    }
}

#[test]
fn deleting_is_once_and_a_new_one_of_the_name_has_the_next_version() {
    given([]).when(&C::Delete).then_not_found();
    let gone = given([set(1)]).when(&C::Delete).then([deleted()]);
    assert_eq!(gone.clone().state().value, None);
    gone.clone().when(&C::Delete).then_not_found();
    let again = gone.when(&put("API_KEY", 2)).then([set(2)]).state();
    assert_eq!(again.created_at, at(2), "it is a new one to its readers");
}

#[test]
fn an_orgs_and_a_sessions_secret_of_one_name_are_two() {
    let scope = Scope { org: org_id(), mode: Mode::Live };
    let org = Secret::stream(scope, None, "API_KEY").unwrap();
    let own = Secret::stream(scope, Some(session_id()), "API_KEY").unwrap();
    assert_ne!(org, own);
    assert_eq!(Secret::stream(scope, None, "a.b"), None, "not a name");
}
