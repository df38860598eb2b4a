//! Given events, when a command, then events or a rejection.

mod budget;

use super::{
    CreateSession, Limits, MaxCost, Period, Session, SessionCommand as C, SessionEvent as E,
    SessionPatch, SessionStatus,
};
use crate::Currency;
use crate::model::{ModelConfig, ModelSettings};
use crate::settings::ComputeChoice;
use crate::testing::examples::{agent_id, payload, session_id, spec};
use crate::testing::{self, Given, at};
use crate::validate::Metadata;

fn given(events: impl IntoIterator<Item = E>) -> Given<Session> {
    testing::given(events)
}

fn max_agents(max: u32) -> Limits {
    Limits { max_agents: Some(max), ..Limits::default() }
}

fn created(limits: Limits) -> E {
    E::Created {
        session_id: session_id(),
        user_id: "user_123".to_owned(),
        limits,
        model: None,
        compute: None,
        metadata: Metadata::new(),
    }
}

fn create() -> CreateSession {
    CreateSession {
        session_id: session_id(),
        user_id: "user_123".to_owned(),
        limits: Limits::default(),
        model: None,
        compute: None,
        metadata: Metadata::new(),
        webhook: None,
    }
}

fn admitted(agent: u128) -> E {
    E::AgentAdmitted { agent_id: agent_id(agent), spec: spec() }
}

fn admit(agent: u128) -> C {
    C::AdmitAgent { agent_id: agent_id(agent), spec: spec() }
}

fn release(agent: u128) -> C {
    C::ReleaseAgent { agent_id: agent_id(agent), spent: vec![], run_open: false }
}

#[test]
fn creating_it_says_what_it_is() {
    let session = given([]).when(&C::Create(create())).then([created(Limits::default())]).state();
    assert_eq!((session.status, session.created_at), (SessionStatus::Active, at(0)));
    given([created(Limits::default())]).when(&C::Create(create())).then_conflict("exists already");
}

#[test]
fn what_was_never_created_is_not_found() {
    given([]).when(&C::End).then_not_found();
    given([]).when(&admit(1)).then_not_found();
    given([]).when(&C::Update(SessionPatch::default())).then_not_found();
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let max_cost = MaxCost { amount: -1, currency: Currency::Usd, period: Period::Day };
    let settings =
        ModelSettings { max_tokens: Some(0), temperature: Some(3.0), ..Default::default() };
    let wrong = CreateSession {
        user_id: String::new(),
        limits: Limits {
            max_cost: Some(max_cost),
            max_agents: Some(100_001),
            max_compute_minutes: Some(u64::MAX),
        },
        model: Some(ModelConfig::Settings(settings)),
        compute: Some(ComputeChoice { provider: None, credential_ref: Some("a b".to_owned()) }),
        metadata: [(String::new(), 1.into())].into(),
        ..create()
    };
    given([]).when(&C::Create(wrong)).then_invalid(&[
        "userId",
        "metadata.",
        "limits.maxCost.amount",
        "limits.maxAgents",
        "limits.maxComputeMinutes",
        "model.id",
        "model.maxTokens",
        "model.temperature",
        "compute.credentialRef",
    ]);
}

#[test]
fn an_update_records_only_what_changed() {
    let patch = SessionPatch {
        limits: Some(max_agents(2)),
        metadata: Some(Metadata::new()),
        ..SessionPatch::default()
    };
    let updated =
        E::Updated { limits: Some(max_agents(2)), model: None, compute: None, metadata: None };
    given([created(max_agents(1))])
        .when(&C::Update(patch.clone()))
        .then([updated])
        .when(&C::Update(patch))
        .then_nothing();
}

#[test]
fn who_is_told_of_limits_is_set_replaced_and_removed() {
    let set = |webhook| E::WebhookSet { webhook };
    let create = CreateSession { webhook: Some(payload()), ..create() };
    let change =
        |webhook| C::Update(SessionPatch { webhook: Some(webhook), ..SessionPatch::default() });
    let session = given([])
        .when(&C::Create(create))
        .then([created(Limits::default()), set(Some(payload()))])
        .when(&C::Update(SessionPatch::default()))
        .then_nothing()
        .when(&change(None))
        .then([set(None)])
        .when(&change(None))
        .then_nothing()
        .when(&change(Some(payload())))
        .then([set(Some(payload()))])
        .state();
    assert_eq!(session.webhook, Some(payload()));
}

#[test]
fn a_session_that_has_ended_takes_no_change_and_no_agent() {
    let ended = || given([created(Limits::default()), admitted(1), E::Ended {}]);
    ended().when(&C::Update(SessionPatch::default())).then_conflict("ended");
    ended().when(&admit(2)).then_conflict("ended");
    ended().when(&C::End).then_nothing();
    ended().when(&admit(1)).then_nothing();
    ended().when(&release(1)).then([E::AgentReleased { agent_id: agent_id(1), run_open: false }]);
}

#[test]
fn an_agent_is_admitted_once_and_released_once() {
    given([created(Limits::default())])
        .when(&admit(1))
        .then([admitted(1)])
        .when(&admit(1))
        .then_nothing()
        .when(&release(1))
        .then([E::AgentReleased { agent_id: agent_id(1), run_open: false }])
        .when(&release(1))
        .then_nothing();
}

#[test]
fn max_agents_holds_and_a_release_makes_room() {
    given([created(max_agents(2)), admitted(1), admitted(2)])
        .when(&admit(3))
        .then_limit_exceeded("2 of 2 agents");
    given([created(max_agents(0))]).when(&admit(1)).then_limit_exceeded("0 of 0");
    given([
        created(max_agents(1)),
        admitted(1),
        E::AgentReleased { agent_id: agent_id(1), run_open: false },
    ])
    .when(&admit(2))
    .then([admitted(2)]);
}

#[test]
fn an_agent_with_a_wrong_spec_is_not_admitted() {
    let mut wrong = spec();
    wrong.timeout = 0;
    given([created(Limits::default())])
        .when(&C::AdmitAgent { agent_id: agent_id(1), spec: wrong })
        .then_invalid(&["timeout"]);
}
