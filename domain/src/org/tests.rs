use super::{Org, OrgCommand as C, OrgEvent as E, Plan};
use crate::testing::examples::org_id;
use crate::testing::{self, Given};

fn given(events: impl IntoIterator<Item = E>) -> Given<Org> {
    testing::given(events)
}

fn created() -> E {
    E::Created { org_id: org_id(), name: "Acme".to_owned(), plan: Plan::Free }
}

fn create(name: &str) -> C {
    C::Create { org_id: org_id(), name: name.to_owned(), plan: Plan::Free }
}

#[test]
fn it_is_created_once_with_a_name() {
    given([]).when(&create("Acme")).then([created()]).when(&create("Acme")).then_conflict("exists");
    given([]).when(&create("")).then_invalid(&["name"]);
    given([]).when(&create("a\nb")).then_invalid(&["name"]);
}

#[test]
fn a_plan_changes_only_when_it_is_another() {
    let team = C::ChangePlan { plan: Plan::Team };
    given([]).when(&team).then_not_found();
    given([created()])
        .when(&team)
        .then([E::PlanChanged { plan: Plan::Team }])
        .when(&team)
        .then_nothing();
}

#[test]
fn plans_have_the_rates_of_the_api_reference() {
    let contract = Plan::Enterprise { requests_per_minute: 5_000 };
    let rates = [Plan::Free, Plan::Cloud, Plan::Team, contract].map(Plan::requests_per_minute);
    assert_eq!(rates, [60, 300, 1_000, 5_000]);
}
