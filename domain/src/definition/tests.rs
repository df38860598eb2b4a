use super::{
    Definition, DefinitionCommand as C, DefinitionContent, DefinitionEvent as E, MAX_VERSIONS,
};
use crate::agent::{Approvals, Guardrails};
use crate::model::{ModelConfig, ModelSettings};
use crate::settings::ComputeChoice;
use crate::testing::{self, Given, at};
use crate::{Currency, DefinitionId, Money};
use uuid::Uuid;

fn given(events: impl IntoIterator<Item = E>) -> Given<Definition> {
    testing::given(events)
}

fn id() -> DefinitionId {
    DefinitionId::from_uuid(Uuid::from_u128(1))
}

fn content(instructions: &str) -> Box<DefinitionContent> {
    let instructions = Some(instructions.to_owned());
    Box::new(DefinitionContent { instructions, ..DefinitionContent::default() })
}

fn create(name: &str, content: Box<DefinitionContent>) -> C {
    C::Create { definition_id: id(), name: name.to_owned(), content }
}

fn created() -> E {
    E::Created { definition_id: id(), name: "analyst".to_owned(), content: content("first") }
}

fn update(content: Box<DefinitionContent>) -> C {
    C::Update { content }
}

fn updated(version: u32, content: Box<DefinitionContent>) -> E {
    E::Updated { version, content }
}

/// Everything said, all of it different from [`DefinitionContent::default`].
fn full() -> DefinitionContent {
    DefinitionContent {
        instructions: Some("full".to_owned()),
        tools: Some(vec!["run_code".to_owned()]),
        model: Some(ModelConfig::Name("gpt-4o".to_owned())),
        compute: Some(ComputeChoice::default()),
        browser: Some(true),
        timeout: Some(60),
        cost_cap: Some(Money { amount: 100, currency: Currency::Usd }),
        approvals: Some(Approvals { tools: vec!["http_request".to_owned()] }),
        knowledge: Some(vec!["kb_docs".to_owned()]),
        guardrails: Some(Guardrails::default()),
        secrets: Some(vec!["OPENAI_API_KEY".to_owned()]),
        metadata: Some([("plan".to_owned(), serde_json::json!("pro"))].into()),
    }
}

#[test]
fn it_begins_at_version_1_and_a_name_is_taken_once() {
    let definition = given([]).when(&create("analyst", content("first"))).then([created()]);
    definition.clone().when(&create("analyst", content("first"))).then_conflict("`analyst`");
    let definition = definition.state();
    let latest = definition.latest().unwrap();
    assert_eq!((latest.version, &latest.content), (1, &*content("first")));
    assert_eq!((definition.id, definition.name.as_str()), (id(), "analyst"));
}

#[test]
fn what_was_never_created_is_not_found() {
    given([]).when(&update(content("x"))).then_not_found();
    given([]).when(&C::Archive).then_not_found();
}

#[test]
fn an_update_is_a_version_whole_and_the_old_ones_stay() {
    let timeout = || Box::new(DefinitionContent { timeout: Some(60), ..Default::default() });
    let merged = || Box::new(DefinitionContent { timeout: Some(60), ..*content("first") });
    let definition = given([created()])
        .when(&update(timeout()))
        .then([updated(2, merged())])
        .when(&update(content("third")))
        .then([updated(3, Box::new(DefinitionContent { timeout: Some(60), ..*content("third") }))])
        .state();
    let versions: Vec<u32> = definition.versions.iter().map(|v| v.version).collect();
    assert_eq!(versions, [1, 2, 3]);
    assert_eq!(definition.versions[0].content, *content("first"));
    assert_eq!(definition.versions[1].content, *merged());
    assert_eq!((definition.versions[2].created_at, definition.updated_at), (at(2), at(2)));
}

#[test]
fn an_update_that_says_nothing_new_makes_no_version() {
    let both = given([created()]);
    both.clone().when(&update(content("first"))).then_nothing();
    both.when(&update(Box::default())).then_nothing();
}

#[test]
fn merging_goes_field_by_field() {
    assert_eq!(DefinitionContent::default().merged(full()), full());
    assert_eq!(full().merged(DefinitionContent::default()), full());
    let over =
        DefinitionContent { tools: Some(vec![]), browser: Some(false), ..Default::default() };
    let expected = DefinitionContent { tools: Some(vec![]), browser: Some(false), ..full() };
    assert_eq!(full().merged(over), expected);
}

#[test]
fn archiving_is_once_and_ends_it() {
    let archived = given([created()]).when(&C::Archive).then([E::Archived {}]);
    archived.clone().when(&C::Archive).then_nothing();
    archived.clone().when(&update(content("late"))).then_conflict("archived");
    let definition = archived.state();
    assert_eq!(definition.archived_at, Some(at(1)));
    assert_eq!(definition.latest().map(|v| v.version), Some(1), "agents that exist keep it");
}

#[test]
fn versions_are_not_without_end() {
    let most = (2..=u32::try_from(MAX_VERSIONS).unwrap()).map(|n| updated(n, content("again")));
    given([created()].into_iter().chain(most))
        .when(&update(content("one more")))
        .then_conflict("1000 versions");
}

#[test]
fn versions_are_not_without_measure() {
    let large = |n: u32| content(&n.to_string().repeat(100_000));
    let some = (2..=9).map(|n| updated(n, large(n)));
    let definition = given([created()].into_iter().chain(some));
    definition.clone().when(&update(content("one more"))).then([updated(10, content("one more"))]);
    let more = (10..=30).map(|n| updated(n, large(n)));
    given([created()].into_iter().chain(more))
        .when(&update(content("one more")))
        .then_conflict("larger than");
}

#[test]
fn it_names_every_wrong_field() {
    let settings = ModelSettings { id: Some("gpt-4o".to_owned()), ..ModelSettings::default() };
    let wrong = Box::new(DefinitionContent {
        instructions: Some("x".repeat(100_001)),
        tools: Some(vec!["ok".to_owned(), String::new()]),
        model: Some(ModelConfig::Settings(ModelSettings { max_tokens: Some(0), ..settings })),
        compute: Some(ComputeChoice { provider: None, credential_ref: Some("a b".to_owned()) }),
        browser: None,
        timeout: Some(0),
        cost_cap: Some(Money { amount: -1, currency: Currency::Usd }),
        approvals: Some(Approvals { tools: vec![String::new()] }),
        knowledge: Some(vec![String::new()]),
        guardrails: Some(Guardrails {
            block_pii: false,
            allowed_domains: Some(vec!["https://x".to_owned()]),
        }),
        secrets: Some(vec!["no spaces".to_owned()]),
        metadata: Some([(String::new(), serde_json::json!(1))].into()),
    });
    let paths = [
        "model.maxTokens",
        "compute.credentialRef",
        "instructions",
        "timeout",
        "costCap.amount",
        "tools[1]",
        "knowledge[0]",
        "approvals.tools[0]",
        "secrets[0]",
        "guardrails.allowedDomains[0]",
        "metadata.",
    ];
    given([created()]).when(&update(wrong.clone())).then_invalid(&paths);
    let with_name: Vec<&str> = ["name"].into_iter().chain(paths).collect();
    given([]).when(&create("", wrong)).then_invalid(&with_name);
    given([]).when(&create("analyst", Box::new(full()))).then([E::Created {
        definition_id: id(),
        name: "analyst".to_owned(),
        content: Box::new(full()),
    }]);
}

#[test]
fn a_field_that_does_not_exist_is_refused() {
    assert!(serde_json::from_str::<DefinitionContent>(r#"{"timeout":60}"#).is_ok());
    assert!(serde_json::from_str::<DefinitionContent>(r#"{"timeOut":60}"#).is_err());
}
