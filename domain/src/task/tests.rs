//! Given events, when a command, then events or a rejection. What holds for any sequence of
//! commands is in `properties.rs`.

mod ends;
mod leases;
mod steps;

use super::{
    Artifact, Ending, Entry, MAX_STEPS_DEFAULT, MAX_STEPS_MAX, Priority, Purpose, RequeueReason,
    SubmitTask, SuspendReason, Task, TaskAgent, TaskCommand as C, TaskEvent as E, TaskStatus,
};
use crate::testing::examples::{
    agent_id, failure, model_usage, payload, session_id, spec, task_id,
};
use crate::testing::{self, Given};

fn given(events: impl IntoIterator<Item = E>) -> Given<Task> {
    testing::given(events)
}

fn submit_of(agent: TaskAgent, max_steps: u32) -> C {
    C::Submit(Box::new(SubmitTask {
        task_id: task_id(1),
        session_id: session_id(),
        agent,
        priority: Priority::Low,
        max_steps,
        input: payload(),
        webhook: Some(payload()),
        retry_of: Some(task_id(9)),
    }))
}

fn submit() -> C {
    submit_of(TaskAgent::Existing { agent_id: agent_id(1) }, MAX_STEPS_DEFAULT)
}

fn submitted() -> E {
    E::Submitted {
        task_id: task_id(1),
        session_id: session_id(),
        agent: TaskAgent::Existing { agent_id: agent_id(1) },
        priority: Priority::Low,
        max_steps: MAX_STEPS_DEFAULT,
        input: payload(),
        webhook: Some(payload()),
        retry_of: Some(task_id(9)),
    }
}

fn start(attempt: u32) -> C {
    C::Start { attempt, worker: format!("worker-{attempt}") }
}

fn started(attempt: u32) -> E {
    let (session_id, agent_id) = (session_id(), agent_id(1));
    E::Started { session_id, agent_id, attempt, worker: format!("worker-{attempt}") }
}

fn requeue(attempt: u32, reason: RequeueReason) -> C {
    C::Requeue { attempt, reason }
}

fn requeued(attempt: u32, reason: RequeueReason) -> E {
    E::Requeued { attempt, reason }
}

fn suspend(attempt: u32) -> C {
    C::Suspend { attempt, reason: SuspendReason::AgentPaused }
}

fn suspended(attempt: u32) -> E {
    E::Suspended { attempt, reason: SuspendReason::AgentPaused }
}

fn report(attempt: u32, entries: impl IntoIterator<Item = Entry>) -> C {
    C::Report { attempt, entries: entries.into_iter().collect() }
}

fn end(attempt: u32, ending: Ending) -> C {
    C::End { attempt, entries: vec![], ending }
}

fn complete(attempt: u32) -> C {
    end(attempt, Ending::Completed { output: payload(), artifacts: vec![] })
}

fn completed(attempt: u32) -> E {
    let (session_id, agent_id) = (session_id(), agent_id(1));
    E::Completed { session_id, agent_id, attempt, output: payload(), artifacts: vec![] }
}

fn failed() -> E {
    let (session_id, agent_id) = (session_id(), agent_id(1));
    E::Failed { session_id, agent_id, failure: failure(), output: None, artifacts: vec![] }
}

fn cancel(reason: &str) -> C {
    C::RequestCancel { reason: reason.to_owned() }
}

fn cancelled(reason: &str) -> E {
    let (session_id, agent_id) = (session_id(), agent_id(1));
    E::Cancelled { session_id, agent_id, reason: reason.to_owned() }
}

fn model_starts() -> Entry {
    let (vendor, model) = ("anthropic".to_owned(), "sonnet".to_owned());
    Entry::ModelCallStarted { purpose: Purpose::Turn, vendor, model }
}

fn model_started(attempt: u32, step: u32) -> E {
    let (vendor, model) = ("anthropic".to_owned(), "sonnet".to_owned());
    E::ModelCallStarted { attempt, step, purpose: Purpose::Turn, vendor, model }
}

fn model_ends(step: u32, cost: i128) -> Entry {
    Entry::ModelCallCompleted {
        step,
        turn: payload(),
        finish: "tools".to_owned(),
        usage: model_usage(cost),
        duration_ms: 5,
    }
}

fn model_ended(attempt: u32, step: u32, cost: i128) -> E {
    E::ModelCallCompleted {
        session_id: session_id(),
        agent_id: agent_id(1),
        attempt,
        step,
        turn: payload(),
        finish: "tools".to_owned(),
        usage: model_usage(cost),
        duration_ms: 5,
    }
}

fn tool_starts(of: u32) -> Entry {
    let (call_id, tool) = ("call-1".to_owned(), "read_file".to_owned());
    Entry::ToolCallStarted { of, call_id, tool, input: payload(), repeatable: true }
}

fn tool_started(attempt: u32, step: u32, of: u32) -> E {
    let (call_id, tool) = ("call-1".to_owned(), "read_file".to_owned());
    E::ToolCallStarted { attempt, step, of, call_id, tool, input: payload(), repeatable: true }
}

fn tool_ends(step: u32) -> Entry {
    let output = payload();
    Entry::ToolCallCompleted { step, output, whole: None, is_error: false, duration_ms: 7 }
}

fn tool_ended(attempt: u32, step: u32) -> E {
    let output = payload();
    E::ToolCallCompleted { attempt, step, output, whole: None, is_error: false, duration_ms: 7 }
}

fn queued() -> Given<Task> {
    given([submitted()])
}

fn running() -> Given<Task> {
    given([submitted(), started(1)])
}

fn waiting() -> Given<Task> {
    given([submitted(), started(1), suspended(1)])
}

/// Attempt 1 was lost, attempt 2 runs.
fn taken_over() -> Given<Task> {
    let lost = requeued(1, RequeueReason::WorkerLost);
    given([submitted(), started(1), model_started(1, 0), lost, started(2)])
}

#[test]
fn submitting_it_is_once() {
    let task = given([]).when(&submit()).then([submitted()]).when(&submit()).then_nothing();
    let task = task.state();
    assert_eq!((task.status, task.attempt), (TaskStatus::Queued, 0));
    assert_eq!((task.priority, task.max_steps), (Priority::Low, MAX_STEPS_DEFAULT));
    assert_eq!((task.id, task.retry_of), (task_id(1), Some(task_id(9))));
    let over = given([submitted(), started(1), completed(1)]);
    over.when(&submit()).then_nothing();
}

#[test]
fn it_may_make_from_one_to_a_thousand_model_calls() {
    let own = || TaskAgent::Own { agent_id: agent_id(1), spec: spec() };
    for wrong in [0, MAX_STEPS_MAX + 1] {
        given([]).when(&submit_of(own(), wrong)).then_invalid(&["maxSteps"]);
    }
    let expected = E::Submitted {
        task_id: task_id(1),
        session_id: session_id(),
        agent: own(),
        priority: Priority::Low,
        max_steps: MAX_STEPS_MAX,
        input: payload(),
        webhook: Some(payload()),
        retry_of: Some(task_id(9)),
    };
    given([]).when(&submit_of(own(), MAX_STEPS_MAX)).then([expected]);
}

#[test]
fn what_was_never_submitted_is_not_found() {
    let reason = RequeueReason::LeaseExpired;
    let commands = [
        start(1),
        C::Renew { attempt: 1 },
        report(1, [model_starts()]),
        complete(1),
        suspend(1),
        requeue(1, reason),
        cancel("api"),
        C::Abandon { failure: failure() },
    ];
    for command in commands {
        given([]).when(&command).then_not_found();
    }
}

#[test]
fn of_two_workers_that_claim_it_one_wins() {
    queued().when(&start(1)).then([started(1)]).when(&start(1)).then_conflict("Another worker");
}

#[test]
fn only_a_queued_task_is_started_and_only_with_the_next_number() {
    for (task, next) in [(running(), 2), (waiting(), 2), (taken_over(), 3)] {
        task.when(&start(next)).then_conflict("Another worker");
    }
    for wrong in [0, 2, u32::MAX] {
        queued().when(&start(wrong)).then_conflict("Another worker");
    }
    let again = given([submitted(), started(1), requeued(1, RequeueReason::Shutdown)]);
    again.clone().when(&start(1)).then_conflict("Another worker");
    let task = again.when(&start(2)).then([started(2)]).state();
    assert_eq!((task.attempt, task.worker.as_deref()), (2, Some("worker-2")));
    assert_eq!(task.started_at, Some(testing::at(1)), "when it was first begun");
    for over in [completed(1), failed(), cancelled("api")] {
        given([submitted(), started(1), over]).when(&start(2)).then_conflict("Another worker");
    }
}

/// A worker that was taken for dead comes back.
#[test]
fn an_overtaken_attempt_is_refused_whatever_it_reports() {
    let everything = [
        C::Renew { attempt: 1 },
        report(1, []),
        report(1, [model_starts()]),
        report(1, [model_ends(0, 5)]),
        report(1, [Entry::Progress { progress: Some(1), message: None }]),
        report(1, [Entry::Artifact { path: "/workspace/a".to_owned() }]),
        complete(1),
        end(1, Ending::Failed { failure: failure(), output: None, artifacts: vec![] }),
        end(1, Ending::Cancelled { reason: "api".to_owned() }),
        suspend(1),
    ];
    let lost = [submitted(), started(1), requeued(1, RequeueReason::WorkerLost)];
    for command in &everything {
        taken_over().when(command).then_conflict("its newest attempt is 2");
        waiting().when(command).then_conflict("it is suspended");
        given(lost.clone()).when(command).then_conflict("it is queued");
        given([submitted(), started(1), completed(1)]).when(command).then_conflict("completed");
        given([submitted(), started(1), failed()]).when(command).then_conflict("failed");
    }
    // What it asks of the queue is not its own any more either: nothing happens.
    for reason in [RequeueReason::Shutdown, RequeueReason::WorkerLost, RequeueReason::AgentBusy] {
        taken_over().when(&requeue(1, reason)).then_nothing();
    }
}

#[test]
fn an_attempt_that_is_yet_to_come_reports_nothing() {
    running().when(&report(2, [model_starts()])).then_conflict("its newest attempt is 1");
    queued().when(&report(0, [model_starts()])).then_conflict("it is queued");
    queued().when(&complete(0)).then_conflict("it is queued");
}
