use super::{ProviderKind, Providers, ProvidersCommand as C, ProvidersEvent as E};
use crate::testing::examples::sealed;
use crate::testing::{self, Given, at};

fn given(events: impl IntoIterator<Item = E>) -> Given<Providers> {
    testing::given(events)
}

fn configured(provider: ProviderKind, is_default: bool) -> E {
    E::Configured { provider, credentials: sealed(), is_default }
}

fn configure(provider: ProviderKind, is_default: bool) -> C {
    C::Configure { provider, credentials: sealed(), is_default }
}

#[test]
fn there_is_one_default_and_configuring_again_keeps_the_age() {
    let both = [configured(ProviderKind::E2b, true), configured(ProviderKind::Fly, true)];
    let providers = given(both)
        .when(&configure(ProviderKind::E2b, false))
        .then([configured(ProviderKind::E2b, false)])
        .state();
    assert_eq!(providers.default, Some(ProviderKind::Fly));
    assert_eq!(providers.configured[&ProviderKind::E2b].created_at, at(0));
}

#[test]
fn one_with_active_agents_stays() {
    let remove = |active_agents| C::Remove { provider: ProviderKind::Fly, active_agents };
    given([configured(ProviderKind::Fly, true)]).when(&remove(2)).then_conflict("2 agents");
    let after = given([configured(ProviderKind::Fly, true)])
        .when(&remove(0))
        .then([E::Removed { provider: ProviderKind::Fly }]);
    assert_eq!(after.clone().state().default, None);
    after.when(&remove(0)).then_not_found();
    given([]).when(&remove(0)).then_not_found();
}

#[test]
fn names_are_read_as_they_are_written() {
    for kind in ["local", "docker", "e2b", "fly", "webhook", "mock"] {
        let parsed: ProviderKind = kind.parse().unwrap();
        assert_eq!(parsed.to_string(), kind);
        assert_eq!(serde_json::to_string(&parsed).unwrap(), format!("\"{kind}\""));
    }
    assert!("aws".parse::<ProviderKind>().is_err());
}
