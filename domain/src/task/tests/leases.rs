//! Leases, the way back into the queue, waiting, and the time that is counted.

use super::*;
use crate::task::LEASE_MILLIS;
use crate::testing::at;

const EVERY_REASON: [RequeueReason; 5] = [
    RequeueReason::LeaseExpired,
    RequeueReason::WorkerLost,
    RequeueReason::Shutdown,
    RequeueReason::Resumed,
    RequeueReason::AgentBusy,
];

fn expire(attempt: u32) -> C {
    requeue(attempt, RequeueReason::LeaseExpired)
}

/// `events`, the last of which was a sign of life, `millis` after it.
fn silent_for(millis: u64, events: impl IntoIterator<Item = E>) -> Given<Task> {
    // The next command comes a second after the last event.
    given(events).later(millis - 1_000)
}

#[test]
fn a_lease_that_ran_out_puts_it_back() {
    let begun = || [submitted(), started(1)];
    silent_for(LEASE_MILLIS - 1, begun()).when(&expire(1)).then_nothing();
    silent_for(LEASE_MILLIS, begun())
        .when(&expire(1))
        .then([requeued(1, RequeueReason::LeaseExpired)])
        .when(&expire(1))
        .then_nothing();
}

#[test]
fn every_report_renews_the_lease() {
    let signs = [
        E::LeaseRenewed { attempt: 1 },
        model_started(1, 0),
        E::ProgressReported { attempt: 1, progress: None, message: None },
        E::BaselineRecorded { attempt: 1, files: payload() },
        E::ArtifactDeclared { attempt: 1, path: "/workspace/a".to_owned() },
    ];
    for sign in signs {
        let events = || [submitted(), started(1), sign.clone()];
        assert_eq!(given(events()).state().alive_at, at(2), "{sign:?}");
        silent_for(LEASE_MILLIS - 1, events()).when(&expire(1)).then_nothing();
        silent_for(LEASE_MILLIS, events())
            .when(&expire(1))
            .then([requeued(1, RequeueReason::LeaseExpired)]);
    }
    running().when(&C::Renew { attempt: 1 }).then([E::LeaseRenewed { attempt: 1 }]);
}

/// It is for the worker to keep the lease: a caller's word is no sign of its life.
#[test]
fn a_cancellation_renews_no_lease() {
    let asked = E::CancelRequested { reason: "api".to_owned() };
    assert_eq!(given([submitted(), started(1), asked]).state().alive_at, at(1));
}

#[test]
fn a_lease_of_an_older_attempt_says_nothing_about_the_newest() {
    silent_for(
        LEASE_MILLIS,
        [submitted(), started(1), requeued(1, RequeueReason::Shutdown), started(2)],
    )
    .when(&expire(1))
    .then_nothing();
}

#[test]
fn going_back_is_once_and_only_from_a_worker_or_from_waiting() {
    for reason in EVERY_REASON {
        let over = given([submitted(), started(1), completed(1)]).later(LEASE_MILLIS);
        over.when(&requeue(1, reason)).then_nothing();
        queued().later(LEASE_MILLIS).when(&requeue(0, reason)).then_nothing();
        running().later(LEASE_MILLIS).when(&requeue(2, reason)).then_nothing();
        match reason {
            RequeueReason::Resumed => {
                running().when(&requeue(1, reason)).then_nothing();
                waiting()
                    .when(&requeue(1, reason))
                    .then([requeued(1, reason)])
                    .when(&requeue(1, reason))
                    .then_nothing();
            }
            _ => {
                waiting().later(LEASE_MILLIS).when(&requeue(1, reason)).then_nothing();
                running()
                    .later(LEASE_MILLIS)
                    .when(&requeue(1, reason))
                    .then([requeued(1, reason)])
                    .when(&requeue(1, reason))
                    .then_nothing();
            }
        }
    }
}

#[test]
fn waiting_holds_no_worker_and_shows_as_running() {
    let task = running().when(&suspend(1)).then([suspended(1)]).state();
    assert_eq!((task.status, task.worker.as_deref()), (TaskStatus::Suspended, None));
    assert_eq!(task.status.as_str(), "running");
    assert_eq!(task.active_since, None);
    waiting().when(&suspend(1)).then_conflict("it is suspended");
    queued().when(&suspend(0)).then_conflict("it is queued");
}

#[test]
fn only_time_with_a_worker_is_counted() {
    let resumed = || requeued(1, RequeueReason::Resumed);
    // Queued 0–1, worked on 1–2, waits 2–3, queued 3–4, worked on 4–6.
    let events =
        [submitted(), started(1), suspended(1), resumed(), started(2), model_started(2, 0)];
    let task = given(events.clone()).state();
    assert_eq!((task.active_millis, task.active_since), (1_000, Some(at(4))));
    assert_eq!(task.active_millis_at(at(6)), 3_000);
    let task = given(events.into_iter().chain([completed(2)])).state();
    assert_eq!((task.active_millis, task.active_since), (3_000, None));
    assert_eq!(task.active_millis_at(at(1_000)), 3_000);
    assert_eq!((task.started_at, task.finished_at), (Some(at(1)), Some(at(6))));
}

#[test]
fn time_in_which_it_was_lost_is_not_counted() {
    let begun = || [submitted(), started(1), model_started(1, 0)];
    for reason in [RequeueReason::LeaseExpired, RequeueReason::WorkerLost] {
        let task =
            silent_for(90_000, begun()).when(&requeue(1, reason)).then([requeued(1, reason)]);
        assert_eq!(
            task.state().active_millis,
            1_000,
            "{reason:?}: from the start to the last sign"
        );
    }
    for reason in [RequeueReason::Shutdown, RequeueReason::AgentBusy] {
        let task =
            silent_for(90_000, begun()).when(&requeue(1, reason)).then([requeued(1, reason)]);
        assert_eq!(task.state().active_millis, 91_000, "{reason:?}: its worker was there");
    }
}
