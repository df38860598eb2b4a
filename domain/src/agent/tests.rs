//! Given events, when a command, then events or a rejection. What holds for any sequence of
//! commands is in `properties.rs`.

mod runs;

use super::{Agent, AgentCommand as C, AgentEvent as E, AgentSpec, AgentState, Guardrails};
use crate::pricing::{ComputePrice, ComputeUsage};
use crate::testing::examples::{agent_id, failure, session_id, snapshot_id, spec};
use crate::testing::{self, Given, at};
use crate::{Aggregate, Currency, Money, Pico};

fn given(events: impl IntoIterator<Item = E>) -> Given<Agent> {
    testing::given(events)
}

fn created() -> E {
    E::Created {
        agent_id: agent_id(1),
        session_id: session_id(),
        spec: spec(),
        funded_millis: None,
    }
}

fn provisioned() -> E {
    E::Provisioned { session_id: session_id(), host: "here".to_owned() }
}

fn pause_requested() -> E {
    E::PauseRequested { snapshot_id: snapshot_id(1), by_limit: false }
}

fn paused() -> E {
    E::Paused { session_id: session_id(), snapshot_id: snapshot_id(1), size: 10 }
}

fn resume_requested() -> E {
    E::ResumeRequested { snapshot_id: snapshot_id(1) }
}

fn terminate_requested() -> E {
    E::TerminateRequested { reason: "asked for".to_owned() }
}

fn terminated() -> E {
    E::Terminated { session_id: session_id() }
}

fn usage(span: u32, from: u32, until: u32) -> E {
    let price = ComputePrice::of("local");
    let usage =
        ComputeUsage::of(agent_id(1), span, at(from), at(until), &price, u64::MAX).remove(0);
    E::UsageRecorded { session_id: session_id(), usage }
}

fn create() -> C {
    C::Create { agent_id: agent_id(1), session_id: session_id(), spec: spec(), funded_millis: None }
}

fn report_paused() -> C {
    C::Paused { snapshot_id: snapshot_id(1), size: 10 }
}

fn report_resumed() -> C {
    C::Resumed { host: "here".to_owned(), memory: true }
}

fn idle() -> Given<Agent> {
    given([created(), provisioned()])
}

fn on_pause() -> Given<Agent> {
    given([created(), provisioned(), pause_requested(), usage(0, 1, 3), paused()])
}

fn over() -> Given<Agent> {
    given([created(), provisioned(), usage(0, 1, 2), terminated()])
}

#[test]
fn creating_it_is_once() {
    given([]).when(&create()).then([created()]).when(&create()).then_nothing();
    over().when(&create()).then_nothing();
}

#[test]
fn what_was_never_created_is_not_found() {
    given([])
        .when(&C::RequestPause { snapshot_id: snapshot_id(1), by_limit: false })
        .then_not_found();
    given([]).when(&C::Terminated).then_not_found();
}

#[test]
fn it_is_idle_once_provisioned_and_billed_from_there() {
    let agent = given([created()])
        .when(&C::Provisioned { host: "here".to_owned() })
        .then([provisioned()])
        .state();
    assert_eq!(agent.state, AgentState::Idle);
    assert_eq!(agent.started_at, Some(at(1)));
    assert_eq!(agent.compute_millis_at(at(31)), 30_000);
    assert_eq!(agent.cost_at(at(61)), ComputePrice::of("local").cost(60_000));
    assert_eq!(agent.cost_at(at(61)).to_cents(), 5, "5 cents a minute");
}

#[test]
fn a_pause_closes_the_span_in_the_same_commit() {
    let agent = given([created(), provisioned(), pause_requested()])
        .when(&report_paused())
        .then([usage(0, 1, 3), paused()])
        .state();
    assert_eq!((agent.state, agent.spans), (AgentState::Paused, 1));
    assert_eq!(agent.compute_millis_at(at(1_000)), 2_000, "nothing is billed while it is paused");
    assert_eq!(agent.snapshot.map(|s| s.size), Some(10));
}

#[test]
fn a_resume_opens_the_next_span() {
    on_pause()
        .when(&C::RequestResume { snapshot_id: None })
        .then([resume_requested()])
        .when(&report_resumed())
        .then([E::Resumed { session_id: session_id(), host: "here".to_owned(), memory: true }])
        .when(&C::RequestTerminate { reason: "asked for".to_owned() })
        .then([terminate_requested()])
        .when(&C::Terminated)
        .then([usage(1, 6, 8), terminated()]);
}

/// Also when the server dies between the request and the pause.
#[test]
fn a_pause_by_a_limit_stays_one() {
    let by_limit = E::PauseRequested { snapshot_id: snapshot_id(1), by_limit: true };
    let recovered = E::Recovered { session_id: session_id(), host: "here".to_owned() };
    let agent = given([created(), provisioned(), by_limit, recovered, paused()]).state();
    assert!(agent.paused_by_limit);
    let agent = given([created(), provisioned(), pause_requested(), paused()]).state();
    assert!(!agent.paused_by_limit);
}

#[test]
fn pause_and_resume_want_the_right_state() {
    let pause = C::RequestPause { snapshot_id: snapshot_id(2), by_limit: false };
    let resume = C::RequestResume { snapshot_id: None };
    given([created()]).when(&pause).then_conflict("provisioning");
    on_pause().when(&pause).then_conflict("paused");
    over().when(&pause).then_conflict("terminated");
    given([created(), provisioned(), pause_requested()]).when(&pause).then_conflict("being paused");
    idle().when(&resume).then_conflict("idle");
    over().when(&resume).then_conflict("terminated");
}

#[test]
fn an_outcome_that_is_reported_twice_is_recorded_once() {
    on_pause().when(&report_paused()).then_nothing();
    on_pause().when(&report_resumed()).then_nothing();
    idle().when(&C::Provisioned { host: "there".to_owned() }).then_nothing();
    idle().when(&C::RequestFailed { failure: failure() }).then_nothing();
    over().when(&C::Terminated).then_nothing();
    over().when(&C::Fail { failure: failure(), lost_at: None }).then_nothing();
    let resumed = E::Resumed { session_id: session_id(), host: "here".to_owned(), memory: true };
    let events = [created(), provisioned(), pause_requested(), usage(0, 1, 3), paused()];
    given(events.into_iter().chain([resume_requested(), resumed]))
        .when(&report_paused())
        .then_nothing();
}

#[test]
fn a_pause_that_failed_leaves_it_running() {
    let agent = given([created(), provisioned(), pause_requested()])
        .when(&C::RequestFailed { failure: failure() })
        .then([E::RequestFailed { failure: failure() }])
        .state();
    assert_eq!((agent.state, agent.pending), (AgentState::Idle, None));
    assert_eq!(agent.running_since, Some(at(1)));
}

#[test]
fn a_termination_overtakes_a_pause_and_is_not_lost() {
    let both = [created(), provisioned(), pause_requested(), terminate_requested()];
    given(both.clone()).when(&C::RequestFailed { failure: failure() }).then_nothing();
    let agent = given(both).when(&report_paused()).then([usage(0, 1, 4), paused()]);
    assert!(agent.clone().state().pending.is_some());
    agent.when(&C::Terminated).then([terminated()]);
}

#[test]
fn terminating_is_idempotent_and_works_in_every_state() {
    let terminate = C::RequestTerminate { reason: "asked for".to_owned() };
    given([created()]).when(&terminate).then([terminate_requested()]);
    on_pause().when(&terminate).then([terminate_requested()]).when(&terminate).then_nothing();
    over().when(&terminate).then_nothing();
}

#[test]
fn a_failure_ends_it_and_says_why() {
    let failed = E::Failed { session_id: session_id(), failure: failure() };
    let agent = idle()
        .when(&C::Fail { failure: failure(), lost_at: None })
        .then([usage(0, 1, 2), failed])
        .state();
    assert_eq!((agent.state, agent.failure), (AgentState::Failed, Some(failure())));
    assert_eq!((agent.host, agent.running_since), (None, None));
}

#[test]
fn a_lost_agent_is_billed_until_it_was_last_seen() {
    let fail = |lost_at| C::Fail { failure: failure(), lost_at: Some(lost_at) };
    let failed = || E::Failed { session_id: session_id(), failure: failure() };
    let running = || given([created(), provisioned(), E::PortExposed { port: 1 }]);
    running().when(&fail(at(2))).then([usage(0, 1, 2), failed()]);
    running().when(&fail(at(60))).then([usage(0, 1, 3), failed()]);
    running().when(&fail(at(0))).then([usage(0, 1, 1), failed()]);
}

#[test]
fn a_clock_that_went_backwards_bills_nothing() {
    let agent = idle().state();
    let ctx = crate::Ctx { now: crate::testing::START };
    let events = Agent::decide(Some(&agent), &C::Terminated, ctx).unwrap();
    let E::UsageRecorded { usage, .. } = &events[0] else { panic!("no usage in {events:?}") };
    assert_eq!((usage.compute_millis, usage.cost), (0, Pico::ZERO));
}

#[test]
fn ports_are_exposed_once_closed_once_and_not_without_end() {
    let open = C::ExposePort { port: 8080 };
    let close = C::ClosePort { port: 8080 };
    idle()
        .when(&open)
        .then([E::PortExposed { port: 8080 }])
        .when(&open)
        .then_nothing()
        .when(&close)
        .then([E::PortClosed { port: 8080 }])
        .when(&close)
        .then_not_found();
    idle().when(&C::ExposePort { port: 0 }).then_invalid(&["port"]);
    on_pause().when(&open).then_conflict("paused");
    let many = (1..=20).map(|port| E::PortExposed { port });
    given([created(), provisioned()].into_iter().chain(many)).when(&open).then_conflict("20 ports");
}

#[test]
fn a_spec_names_every_wrong_field() {
    let paths = |spec: &AgentSpec| -> Vec<String> {
        spec.check().into_iter().map(|field| field.path).collect()
    };
    assert_eq!(paths(&spec()), Vec::<String>::new());
    let mut wrong = spec();
    wrong.timeout = 0;
    wrong.instructions = Some("x".repeat(100_001));
    wrong.cost_cap = Some(Money { amount: -1, currency: Currency::Usd });
    wrong.tools = vec!["ok".to_owned(), String::new()];
    wrong.secrets = vec!["no spaces".to_owned()];
    wrong.guardrails = Some(Guardrails {
        block_pii: false,
        allowed_domains: Some(vec!["*.github.com".to_owned(), "https://x".to_owned()]),
    });
    let expected = [
        "instructions",
        "timeout",
        "costCap.amount",
        "tools[1]",
        "secrets[0]",
        "guardrails.allowedDomains[1]",
    ];
    assert_eq!(paths(&wrong), expected);
}
