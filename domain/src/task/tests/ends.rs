//! How it ends: done, failed, cancelled, given up.

use super::*;
use crate::testing::at;

fn cancel_requested() -> E {
    E::CancelRequested { reason: "first".to_owned() }
}

#[test]
fn it_ends_with_what_the_attempt_says() {
    let artifacts = vec![Artifact { path: "/workspace/a".to_owned(), size: 3, content: None }];
    let output = payload();
    let (session_id, agent_id) = (session_id(), agent_id(1));

    let ending = Ending::Completed { output: output.clone(), artifacts: artifacts.clone() };
    let task = running()
        .when(&end(1, ending))
        .then([E::Completed {
            session_id,
            agent_id,
            attempt: 1,
            output: output.clone(),
            artifacts: artifacts.clone(),
        }])
        .state();
    assert_eq!((task.status, task.progress), (TaskStatus::Completed, 1_000));
    assert_eq!((task.output, task.artifacts), (Some(output.clone()), artifacts.clone()));
    assert_eq!((task.finished_at, task.worker), (Some(at(2)), None));

    let ending = Ending::Failed {
        failure: failure(),
        output: Some(output.clone()),
        artifacts: artifacts.clone(),
    };
    let task = running()
        .when(&end(1, ending))
        .then([E::Failed {
            session_id,
            agent_id,
            failure: failure(),
            output: Some(output.clone()),
            artifacts: artifacts.clone(),
        }])
        .state();
    assert_eq!((task.status, task.failure), (TaskStatus::Failed, Some(failure())));
    assert_eq!((task.output, task.artifacts), (Some(output), artifacts));

    let task = running()
        .when(&end(1, Ending::Cancelled { reason: "api".to_owned() }))
        .then([cancelled("api")])
        .state();
    assert_eq!((task.status, task.cancel.as_deref()), (TaskStatus::Cancelled, Some("api")));
    assert_eq!(task.finished_at, Some(at(2)));
}

#[test]
fn it_ends_once() {
    running().when(&complete(1)).then([completed(1)]).when(&complete(1)).then_conflict("completed");
}

#[test]
fn a_task_that_no_worker_has_is_cancelled_at_once() {
    queued().when(&cancel("api")).then([cancelled("api")]);
    waiting().when(&cancel("api")).then([cancelled("api")]);
    let back = given([submitted(), started(1), requeued(1, RequeueReason::WorkerLost)]);
    back.when(&cancel("api")).then([cancelled("api")]);
}

#[test]
fn a_running_task_is_cancelled_by_its_worker_and_asked_to_once() {
    let asked = running()
        .when(&cancel("first"))
        .then([cancel_requested()])
        .when(&cancel("second"))
        .then_nothing();
    assert_eq!(asked.clone().state().cancel.as_deref(), Some("first"));
    assert_eq!(asked.clone().state().status, TaskStatus::Running);
    asked
        .when(&end(1, Ending::Cancelled { reason: "first".to_owned() }))
        .then([cancelled("first")]);
    // It may have come to its end before it heard of it.
    given([submitted(), started(1), cancel_requested()]).when(&complete(1)).then([completed(1)]);
}

#[test]
fn a_cancellation_survives_its_worker() {
    let lost = requeued(1, RequeueReason::WorkerLost);
    let task = given([submitted(), started(1), cancel_requested(), lost, started(2)]);
    assert_eq!(task.clone().state().cancel.as_deref(), Some("first"), "the next worker sees it");
    task.when(&cancel("second")).then_nothing();
}

/// Nobody would end it while it waits: it does not go back into the queue, whatever took it from
/// its worker.
#[test]
fn a_task_that_is_to_be_cancelled_is_not_queued_again() {
    let asked = given([submitted(), started(1), cancel_requested()]);
    for reason in [RequeueReason::WorkerLost, RequeueReason::Shutdown, RequeueReason::AgentBusy] {
        let requeue = C::Requeue { attempt: 1, reason };
        asked.clone().when(&requeue).then([cancelled("first")]);
    }
}

/// What a lost worker had begun ends with the task: nobody comes back to it.
#[test]
fn the_end_of_a_task_is_the_end_of_its_steps() {
    let begun = [submitted(), started(1), model_started(1, 0), cancel_requested()];
    let lost = requeue(1, RequeueReason::WorkerLost);
    let ended = given(begun).when(&lost).then([cancelled("first")]).state();
    assert_eq!(ended.status, TaskStatus::Cancelled);
    assert_eq!(ended.unfinished().count(), 0);
    assert_eq!(ended.steps[0].as_model().unwrap().failure.as_ref().unwrap().code, "restart");
}

/// Nobody would end it while it waits.
#[test]
fn a_task_that_is_to_be_cancelled_does_not_wait() {
    given([submitted(), started(1), cancel_requested()])
        .when(&suspend(1))
        .then([cancelled("first")]);
}

#[test]
fn what_has_ended_cannot_be_cancelled() {
    for (over, word) in
        [(completed(1), "completed"), (failed(), "failed"), (cancelled("api"), "cancelled")]
    {
        given([submitted(), started(1), over]).when(&cancel("late")).then_conflict(word);
    }
}

#[test]
fn only_what_no_worker_has_is_given_up() {
    let abandon = C::Abandon { failure: failure() };
    for task in [queued(), waiting()] {
        let task = task.when(&abandon).then([failed()]).when(&abandon).then_nothing().state();
        assert_eq!((task.status, task.failure), (TaskStatus::Failed, Some(failure())));
    }
    running().when(&abandon).then_nothing();
    taken_over().when(&abandon).then_nothing();
    given([submitted(), cancelled("api")]).when(&abandon).then_nothing();
}
