use super::{ComputeChoice, Settings, SettingsEvent as E, SettingsPatch};
use crate::export::{Biller, BillerPatch, Exporter};
use crate::model::ModelConfig;
use crate::providers::ProviderKind;
use crate::testing::{self, Given, at};

fn given(events: impl IntoIterator<Item = E>) -> Given<Settings> {
    testing::given(events)
}

#[test]
fn only_what_changes_is_recorded() {
    let compute = ComputeChoice { provider: Some(ProviderKind::Local), credential_ref: None };
    let patch = SettingsPatch {
        model: Some(ModelConfig::Name("gpt-4o".to_owned())),
        compute: Some(compute.clone()),
        billing_day: Some(1),
        ..SettingsPatch::default()
    };
    let updated =
        E::Updated { model: patch.model.clone(), compute: Some(compute), billing_day: None };
    let settings = given([]).when(&patch).then([updated]).when(&patch).then_nothing().state();
    assert_eq!((settings.billing_day, settings.updated_at), (1, Some(at(0))));
}

#[test]
fn every_wrong_field_is_named() {
    let patch = SettingsPatch {
        model: Some(ModelConfig::Name(String::new())),
        compute: Some(ComputeChoice { provider: None, credential_ref: Some("/".to_owned()) }),
        billing_day: Some(29),
        ..SettingsPatch::default()
    };
    given([]).when(&patch).then_invalid(&["model", "compute.credentialRef", "billingDay"]);
}

fn customers(pairs: &[(&str, Option<&str>)]) -> SettingsPatch {
    let pair =
        |(user, customer): &(&str, Option<&str>)| ((*user).to_owned(), customer.map(str::to_owned));
    let patch =
        BillerPatch { customers: pairs.iter().map(pair).collect(), ..BillerPatch::default() };
    SettingsPatch { billing: [(Exporter::Stripe, patch)].into(), ..SettingsPatch::default() }
}

#[test]
fn customers_are_mapped_one_by_one() {
    let settings = given([])
        .when(&customers(&[("ann", Some("cus_1")), ("bob", Some("cus_2"))]))
        .then_accepted()
        .when(&customers(&[("ann", None), ("bob", Some("cus_2")), ("eve", None)]))
        .then([E::BillingUpdated {
            exporter: Exporter::Stripe,
            event_name: None,
            meter_id: None,
            customers: [("ann".to_owned(), None)].into(),
        }])
        .state();
    let stripe = settings.biller(Exporter::Stripe);
    assert_eq!(stripe.customers, [("bob".to_owned(), "cus_2".to_owned())].into());
    assert_eq!(settings.biller(Exporter::Metronome), Biller::default());
}

#[test]
fn a_mapping_has_an_end() {
    let names: Vec<String> = (0..1_001).map(|n| format!("u{n}")).collect();
    let pairs: Vec<_> = names.iter().map(|name| (name.as_str(), Some("cus"))).collect();
    given([]).when(&customers(&pairs[..251])).then_invalid(&["billing.stripe.customers"]);
    let mut full = given([]);
    for part in pairs[..1_000].chunks(250) {
        full = full.when(&customers(part)).then_accepted();
    }
    full.when(&customers(&pairs[1_000..])).then_invalid(&["billing.stripe.customers"]);
    let path = "billing.stripe.customers.ann";
    given([]).when(&customers(&[("ann", Some(""))])).then_invalid(&[path]);
}
