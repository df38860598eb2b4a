use theazo_commands::{Origin, Seed};
use theazo_domain::Mode;

use crate::scope;

#[test]
fn the_same_key_derives_the_same_ids_and_another_key_tenant_or_step_others() {
    let origin = |key: &str| Origin::cli(scope(1)).seeded(Seed::of_key(scope(1), key));
    let id = |origin: &Origin| origin.ids().uuid("session");
    assert_eq!(id(&origin("k")), id(&origin("k")));
    assert_ne!(id(&origin("k")), id(&origin("k2")));
    assert_ne!(id(&origin("k")), id(&origin("k").step("second")));
    assert_ne!(Seed::of_key(scope(1), "k"), Seed::of_key(scope(2), "k"));
    let test = theazo_domain::Scope { mode: Mode::Test, ..scope(1) };
    assert_ne!(Seed::of_key(scope(1), "k"), Seed::of_key(test, "k"));
}

#[test]
fn parts_do_not_run_into_each_other() {
    assert_ne!(Seed::of(&["ab", "c"]), Seed::of(&["a", "bc"]));
}

#[test]
fn ids_without_a_key_are_new_each_time() {
    let origin = Origin::cli(scope(1));
    assert_ne!(origin.ids().uuid("session"), origin.ids().uuid("session"));
}
