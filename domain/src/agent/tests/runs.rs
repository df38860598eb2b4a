//! Runs of tasks, and what becomes of them when the agent is paused, recovered or over.

use super::*;
use crate::Day;
use crate::TaskId;
use crate::agent::Pending;
use crate::pricing::Costs;
use crate::testing::examples::task_id;

fn start_run(n: u128) -> C {
    C::StartRun { task_id: task_id(n) }
}

fn run_started(n: u128) -> E {
    E::RunStarted { session_id: session_id(), task_id: task_id(n) }
}

fn end_run(n: u128, cost: i128) -> C {
    C::EndRun { task_id: task_id(n), model_costs: Costs::on(Day::default(), Pico(cost)) }
}

fn run_ended(n: u128, cost: i128) -> E {
    E::RunEnded {
        session_id: session_id(),
        task_id: task_id(n),
        model_cost: Pico(cost),
        model_costs: Costs::on(Day::default(), Pico(cost)),
    }
}

fn resumed() -> E {
    E::Resumed { session_id: session_id(), host: "here".to_owned(), memory: true }
}

fn recover(lost_at: Option<crate::Timestamp>) -> C {
    C::Recovered { host: "here".to_owned(), lost_at }
}

fn recovered() -> E {
    E::Recovered { session_id: session_id(), host: "here".to_owned() }
}

fn completed() -> E {
    E::Completed { session_id: session_id() }
}

fn busy() -> Given<Agent> {
    given([created(), provisioned(), run_started(1)])
}

fn paused_on_task() -> Given<Agent> {
    given([created(), provisioned(), run_started(1), pause_requested(), usage(0, 1, 4), paused()])
}

fn work(agent: &Agent) -> (AgentState, Option<TaskId>) {
    (agent.state, agent.task)
}

#[test]
fn a_run_begins_once_and_makes_it_running() {
    let agent = idle()
        .when(&start_run(1))
        .then([run_started(1)])
        .when(&start_run(1))
        .then_nothing()
        .state();
    assert_eq!(work(&agent), (AgentState::Running, Some(task_id(1))));
    assert_eq!(agent.running_since, Some(at(1)), "compute is billed as before");
}

#[test]
fn a_run_may_begin_while_the_sandbox_is_being_made() {
    let agent = given([created()]).when(&start_run(1)).then([run_started(1)]);
    agent.clone().when(&start_run(2)).then_conflict("works on another task");
    assert_eq!(work(&agent.clone().state()), (AgentState::Provisioning, Some(task_id(1))));
    let made = agent
        .clone()
        .when(&C::Provisioned { host: "here".to_owned() })
        .then([provisioned()])
        .state();
    assert_eq!(work(&made), (AgentState::Running, Some(task_id(1))));
    let over = agent.when(&end_run(1, 30)).then([run_ended(1, 30)]).state();
    assert_eq!(work(&over), (AgentState::Provisioning, None));
}

#[test]
fn a_second_task_waits_behind_the_first() {
    busy().when(&start_run(2)).then_conflict("works on another task");
    let agent = busy()
        .when(&end_run(1, 30))
        .then([run_ended(1, 30)])
        .when(&start_run(2))
        .then([run_started(2)])
        .when(&end_run(2, 12))
        .then([run_ended(2, 12)])
        .state();
    assert_eq!(work(&agent), (AgentState::Idle, None));
    assert_eq!((agent.last_task, agent.model_cost), (Some(task_id(2)), Pico(42)));
}

#[test]
fn only_an_idle_agent_begins_a_task() {
    on_pause().when(&start_run(1)).then_conflict("paused");
    over().when(&start_run(1)).then_conflict("terminated");
    given([created(), provisioned(), pause_requested()])
        .when(&start_run(1))
        .then_conflict("being paused");
    given([created(), provisioned(), terminate_requested()])
        .when(&start_run(1))
        .then_conflict("being terminated");
    given([created(), provisioned(), E::CompleteRequested {}])
        .when(&start_run(1))
        .then_conflict("done");
    let both = given([created(), provisioned(), run_started(1), pause_requested()]);
    both.when(&start_run(2)).then_conflict("being paused");
}

/// A worker that takes the task up after a crash must hear that the agent cannot go on.
#[test]
fn a_run_does_not_begin_again_while_its_agent_cannot_work() {
    paused_on_task().when(&start_run(1)).then_conflict("paused");
    let asked = given([created(), provisioned(), run_started(1), pause_requested()]);
    asked.when(&start_run(1)).then_conflict("being paused");
    let ends = given([created(), provisioned(), run_started(1), terminate_requested()]);
    ends.when(&start_run(1)).then_conflict("being terminated");
}

#[test]
fn a_run_ends_once() {
    busy().when(&end_run(1, 30)).then([run_ended(1, 30)]).when(&end_run(1, 30)).then_nothing();
    busy().when(&end_run(2, 30)).then_nothing();
    idle().when(&end_run(1, 30)).then_nothing();
    // Nor does an event that should not be there count.
    let agent = given([created(), provisioned(), run_started(1), run_ended(2, 30)]).state();
    assert_eq!(
        (work(&agent), agent.model_cost),
        ((AgentState::Running, Some(task_id(1))), Pico(0))
    );
}

#[test]
fn the_cost_is_of_compute_and_of_models() {
    let agent = given([created(), provisioned(), run_started(1), run_ended(1, 30)]).state();
    assert_eq!(agent.cost_at(at(61)), ComputePrice::of("local").cost(60_000) + Pico(30));
}

#[test]
fn a_pause_and_a_resume_keep_the_task() {
    let agent = busy()
        .when(&C::RequestPause { snapshot_id: snapshot_id(1), by_limit: false })
        .then([pause_requested()])
        .when(&report_paused())
        .then([usage(0, 1, 4), paused()]);
    assert_eq!(work(&agent.clone().state()), (AgentState::Paused, Some(task_id(1))));
    let agent = agent
        .when(&C::RequestResume { snapshot_id: None })
        .then([resume_requested()])
        .when(&report_resumed())
        .then([resumed()])
        .state();
    assert_eq!(work(&agent), (AgentState::Running, Some(task_id(1))));
}

#[test]
fn a_run_that_ends_while_it_is_paused_leaves_it_paused() {
    let agent = paused_on_task()
        .when(&end_run(1, 30))
        .then([run_ended(1, 30)])
        .when(&C::RequestResume { snapshot_id: None })
        .then([resume_requested()])
        .when(&report_resumed())
        .then([resumed()])
        .state();
    assert_eq!(work(&agent), (AgentState::Idle, None));
    let agent = paused_on_task().when(&end_run(1, 30)).then([run_ended(1, 30)]).state();
    assert_eq!(work(&agent), (AgentState::Paused, None));
}

#[test]
fn a_pause_that_failed_leaves_it_at_work() {
    let agent = given([created(), provisioned(), run_started(1), pause_requested()])
        .when(&C::RequestFailed { failure: failure() })
        .then([E::RequestFailed { failure: failure() }])
        .state();
    assert_eq!(work(&agent), (AgentState::Running, Some(task_id(1))));
}

#[test]
fn the_last_runs_cost_counts_after_the_end() {
    let ends =
        [terminated(), completed(), E::Failed { session_id: session_id(), failure: failure() }];
    for end in ends {
        let events = [created(), provisioned(), run_started(1), usage(0, 1, 4), end];
        let agent = given(events)
            .when(&end_run(1, 30))
            .then([run_ended(1, 30)])
            .when(&end_run(1, 30))
            .then_nothing()
            .state();
        assert!(agent.state.is_final());
        assert_eq!((agent.task, agent.model_cost), (None, Pico(30)));
    }
}

#[test]
fn it_completes_when_its_task_is_done() {
    let agent = busy()
        .when(&end_run(1, 30))
        .then([run_ended(1, 30)])
        .when(&C::RequestComplete)
        .then([E::CompleteRequested {}])
        .when(&C::RequestComplete)
        .then_nothing();
    assert_eq!(agent.clone().state().pending, Some(Pending::Complete));
    let agent = agent
        .when(&C::Completed)
        .then([usage(0, 1, 6), completed()])
        .when(&C::Completed)
        .then_nothing();
    agent.clone().when(&C::RequestComplete).then_nothing();
    let agent = agent.state();
    assert_eq!((agent.state, agent.pending, agent.host), (AgentState::Completed, None, None));
    assert_eq!(agent.running_since, None);
}

#[test]
fn completing_stands_when_something_else_was_under_way() {
    // A pause that a worker has begun is still recorded, and the end follows.
    let agent = given([created(), provisioned(), pause_requested(), E::CompleteRequested {}])
        .when(&report_paused())
        .then([usage(0, 1, 4), paused()]);
    assert_eq!(agent.clone().state().pending, Some(Pending::Complete));
    agent.when(&C::Completed).then([completed()]);
    let complete = || [created(), provisioned(), E::CompleteRequested {}];
    given(complete()).when(&C::RequestFailed { failure: failure() }).then_nothing();
    given(complete())
        .when(&C::RequestPause { snapshot_id: snapshot_id(1), by_limit: false })
        .then_conflict("done");
    // An end is an end: a termination goes before it, and it not before a termination.
    let terminate = C::RequestTerminate { reason: "asked for".to_owned() };
    given(complete()).when(&terminate).then([terminate_requested()]);
    given([created(), provisioned(), terminate_requested()])
        .when(&C::RequestComplete)
        .then_nothing();
}

#[test]
fn recovering_closes_the_span_where_it_was_lost_and_begins_a_new_one() {
    let agent = busy()
        .later(600_000)
        .when(&recover(Some(at(2))))
        .then([usage(0, 1, 2), recovered()])
        .state();
    assert_eq!(work(&agent), (AgentState::Running, Some(task_id(1))));
    assert_eq!((agent.spans, agent.running_since), (1, Some(at(603))));
    assert_eq!(agent.compute_millis_at(at(605)), 3_000, "what it was gone for is not billed");

    let agent = idle().when(&recover(None)).then([usage(0, 1, 2), recovered()]).state();
    assert_eq!(work(&agent), (AgentState::Idle, None));
    // Never for longer than it can have been, nor for less than nothing.
    idle().when(&recover(Some(at(60)))).then([usage(0, 1, 2), recovered()]);
    idle().when(&recover(Some(at(0)))).then([usage(0, 1, 1), recovered()]);
}

#[test]
fn recovering_again_bills_nothing() {
    let agent = idle()
        .when(&recover(Some(at(2))))
        .then([usage(0, 1, 2), recovered()])
        .when(&recover(Some(at(2))))
        .then([usage(1, 2, 2), recovered()])
        .state();
    assert_eq!((agent.compute_millis, agent.running_since), (1_000, Some(at(3))));
}

#[test]
fn only_what_ran_is_recovered() {
    given([created()]).when(&recover(None)).then_nothing();
    on_pause().when(&recover(None)).then_nothing();
    over().when(&recover(None)).then_nothing();
}

/// What was asked for before the crash is in the log and has no outcome: it is still to be done.
#[test]
fn recovering_forgets_no_request() {
    let pause = Pending::Pause { snapshot_id: snapshot_id(1) };
    let terminate = Pending::Terminate { reason: "asked for".to_owned() };
    let requests = [
        (pause_requested(), pause),
        (terminate_requested(), terminate),
        (E::CompleteRequested {}, Pending::Complete),
    ];
    for (request, pending) in requests {
        let agent = given([created(), provisioned(), request])
            .when(&recover(Some(at(2))))
            .then([usage(0, 1, 2), recovered()])
            .state();
        assert_eq!(agent.pending, Some(pending));
    }
}

fn place(host: &str, instead_of: Option<&str>) -> C {
    C::Place { host: host.to_owned(), instead_of: instead_of.map(str::to_owned) }
}

fn placed(host: &str) -> E {
    E::Placed { session_id: session_id(), host: host.to_owned() }
}

#[test]
fn an_agent_is_given_to_one_host_and_only_that_one_reports() {
    let given = given([created()])
        .when(&place("here", None))
        .then([placed("here")])
        .when(&place("there", None))
        .then_nothing()
        .when(&C::Provisioned { host: "there".to_owned() })
        .then_nothing();
    given
        .when(&place("there", Some("here")))
        .then([placed("there")])
        .when(&C::Provisioned { host: "here".to_owned() })
        .then_nothing();
}

#[test]
fn only_an_agent_without_a_sandbox_moves() {
    idle().when(&place("there", Some("here"))).then_nothing();
    paused_on_task().when(&place("there", Some("here"))).then([placed("there")]);
}
