use super::{ComputeChoice, Settings, SettingsEvent as E, SettingsPatch};
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
    };
    given([]).when(&patch).then_invalid(&["model", "compute.credentialRef", "billingDay"]);
}
