//! Steps, and what else an attempt reports.

use super::*;
use crate::Pico;
use crate::pricing::{ModelUsage, PriceBasis, TokenUsage};
use crate::task::MAX_ARTIFACTS;
use crate::testing::at;

fn artifact(path: &str) -> Entry {
    Entry::Artifact { path: path.to_owned() }
}

fn declared(path: &str) -> E {
    E::ArtifactDeclared { attempt: 1, path: path.to_owned() }
}

/// Step 0 was a model call; 1 and 2 are the tool calls that it asked for.
fn on_tools() -> Given<Task> {
    let turn = [model_ended(1, 0, 40), tool_started(1, 1, 0), tool_started(1, 2, 0)];
    given([submitted(), started(1), model_started(1, 0)].into_iter().chain(turn))
}

#[test]
fn an_outcome_and_the_intents_that_follow_from_it_are_one_commit() {
    let task = running()
        .when(&report(1, [model_starts()]))
        .then([model_started(1, 0)])
        .when(&report(1, [model_ends(0, 40), tool_starts(0), tool_starts(0)]))
        .then([model_ended(1, 0, 40), tool_started(1, 1, 0), tool_started(1, 2, 0)])
        .when(&report(1, [tool_ends(2)]))
        .then([tool_ended(1, 2)])
        .when(&report(1, [tool_ends(1), model_starts()]))
        .then([tool_ended(1, 1), model_started(1, 3)])
        .state();
    let numbers: Vec<u32> = task.steps.iter().map(|step| step.number).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
    assert_eq!((task.model_calls, task.tool_calls), (2, 2));
    assert_eq!(task.unfinished().map(|step| step.number).collect::<Vec<_>>(), [3]);
    let tool = &task.steps[1];
    assert_eq!((tool.started_at, tool.finished_at), (at(3), Some(at(5))));
    assert_eq!((tool.duration_ms, tool.as_tool().map(|t| t.of)), (7, Some(0)));
    let turn = task.steps[0].as_model().and_then(|m| m.turn.clone());
    assert_eq!(turn, Some((payload(), "tools".to_owned())));
}

#[test]
fn a_finished_step_is_never_finished_again() {
    on_tools().when(&report(1, [model_ends(0, 40)])).then_conflict("Step 0");
    on_tools()
        .when(&report(1, [tool_ends(1)]))
        .then([tool_ended(1, 1)])
        .when(&report(1, [tool_ends(1)]))
        .then_conflict("Step 1");
    // Nor by the same report, which is refused as a whole.
    on_tools().when(&report(1, [tool_ends(2), tool_ends(1), tool_ends(2)])).then_conflict("Step 2");
    let failed = Entry::ModelCallFailed { step: 0, failure: failure(), usage: None };
    let on_model = given([submitted(), started(1), model_started(1, 0)]);
    on_model.clone().when(&report(1, [model_ends(0, 1), failed.clone()])).then_conflict("Step 0");
    on_model.when(&report(1, [failed, model_ends(0, 1)])).then_conflict("Step 0");
}

#[test]
fn the_outcome_of_a_step_that_was_not_begun_is_refused() {
    on_tools().when(&report(1, [tool_ends(3)])).then_conflict("Step 3");
    on_tools().when(&report(1, [tool_ends(u32::MAX)])).then_conflict("waits for no such outcome");
    // An intent is in the log before its outcome is known: not in the same report.
    on_tools().when(&report(1, [model_starts(), model_ends(3, 1)])).then_conflict("Step 3");
    running().when(&report(1, [model_ends(0, 1)])).then_conflict("Step 0");
}

#[test]
fn an_outcome_is_of_its_steps_kind() {
    let on_model = given([submitted(), started(1), model_started(1, 0)]);
    on_model.when(&report(1, [tool_ends(0)])).then_conflict("Step 0");
    on_tools().when(&report(1, [model_ends(1, 1)])).then_conflict("Step 1");
    let failed = Entry::ModelCallFailed { step: 2, failure: failure(), usage: None };
    on_tools().when(&report(1, [failed])).then_conflict("Step 2");
}

#[test]
fn the_next_attempt_ends_what_the_last_one_began_and_numbers_on() {
    let task = taken_over()
        .when(&report(2, [model_ends(0, 3), tool_starts(0)]))
        .then([model_ended(2, 0, 3), tool_started(2, 1, 0)])
        .state();
    let begun_by: Vec<(u32, u32)> = task.steps.iter().map(|s| (s.number, s.attempt)).collect();
    assert_eq!(begun_by, [(0, 1), (1, 2)]);
}

#[test]
fn the_usage_of_every_model_call_counts_also_of_one_that_broke() {
    let breaks = |step, usage| Entry::ModelCallFailed { step, failure: failure(), usage };
    let broke = |step, usage| E::ModelCallFailed {
        session_id: session_id(),
        agent_id: agent_id(1),
        attempt: 1,
        step,
        failure: failure(),
        usage,
    };
    let begun = (0..3).map(|step| model_started(1, step));
    let entries = [model_ends(0, 40), breaks(1, Some(model_usage(9))), breaks(2, None)];
    let events = [model_ended(1, 0, 40), broke(1, Some(model_usage(9))), broke(2, None)];
    let task = given([submitted(), started(1)].into_iter().chain(begun))
        .when(&report(1, entries))
        .then(events)
        .state();
    assert_eq!(task.model_cost, Pico(49));
    assert_eq!(task.tokens, TokenUsage { input: 20, output: 2, ..TokenUsage::default() });
    assert!(!task.unpriced);
    let why = task.steps[1].as_model().and_then(|model| model.failure.clone());
    assert_eq!((why, task.steps[1].is_finished()), (Some(failure()), true));
}

#[test]
fn a_call_without_a_price_says_that_the_cost_is_too_low() {
    let usage = Some(ModelUsage { basis: PriceBasis::Unpriced, ..model_usage(0) });
    let (session_id, agent_id, failure) = (session_id(), agent_id(1), failure());
    let broke = E::ModelCallFailed { session_id, agent_id, attempt: 1, step: 0, failure, usage };
    let events = [submitted(), started(1), model_started(1, 0), broke, model_started(1, 1)];
    let task = given(events.into_iter().chain([model_ended(1, 1, 5)])).state();
    assert_eq!((task.model_cost, task.unpriced), (Pico(5), true));
}

#[test]
fn all_of_a_report_counts_or_none() {
    let wrong = [artifact("/workspace/a"), tool_ends(1), tool_starts(0), tool_ends(7)];
    on_tools().when(&report(1, wrong)).then_conflict("Step 7");
    on_tools().when(&report(1, [])).then_nothing();
}

#[test]
fn a_report_that_ends_the_task_says_the_rest_too() {
    let ending = Ending::Completed { output: payload(), artifacts: vec![] };
    let entries = vec![tool_ends(1), tool_ends(2)];
    on_tools()
        .when(&C::End { attempt: 1, entries: entries.clone(), ending: ending.clone() })
        .then([tool_ended(1, 1), tool_ended(1, 2), completed(1)]);
    let wrong = C::End { attempt: 1, entries: vec![tool_ends(3)], ending: ending.clone() };
    on_tools().when(&wrong).then_conflict("Step 3");
    taken_over().when(&C::End { attempt: 1, entries, ending }).then_conflict("newest attempt is 2");
}

#[test]
fn progress_stays_as_it_was_where_nothing_is_said() {
    let say = |progress, message| report(1, [Entry::Progress { progress, message }]);
    let said = |progress, message| E::ProgressReported { attempt: 1, progress, message };
    let task = running()
        .when(&say(Some(400), Some(payload())))
        .then([said(Some(400), Some(payload()))])
        .when(&say(None, None))
        .then([said(None, None)])
        .state();
    assert_eq!((task.progress, task.message), (400, Some(payload())));
    running().when(&say(Some(1_001), None)).then([said(Some(1_000), None)]);
}

#[test]
fn the_first_baseline_holds() {
    let files = |data: &str| {
        let sealed = crate::Sealed { key: "org#1".to_owned(), data: data.to_owned() };
        crate::Payload::Inline { sealed }
    };
    let say = |data: &str| Entry::Baseline { files: files(data) };
    let first = || E::BaselineRecorded { attempt: 1, files: files("first") };
    let task = running()
        .when(&report(1, [say("first"), say("second")]))
        .then([first()])
        .when(&report(1, [say("third")]))
        .then_nothing()
        .when(&requeue(1, RequeueReason::Shutdown))
        .then([requeued(1, RequeueReason::Shutdown)])
        .when(&start(2))
        .then([started(2)])
        .when(&report(2, [say("of the next attempt")]))
        .then_nothing()
        .state();
    assert_eq!(task.baseline, Some(files("first")));
}

#[test]
fn an_artifact_is_declared_once() {
    let (a, b) = ("/workspace/a", "/workspace/b");
    running()
        .when(&report(1, [artifact(a), artifact(b), artifact(a)]))
        .then([declared(a), declared(b)])
        .when(&report(1, [artifact(b)]))
        .then_nothing();
}

#[test]
fn artifacts_are_not_without_end() {
    let path = |n: usize| format!("/workspace/{n}");
    let most = (0..MAX_ARTIFACTS).map(|n| declared(&path(n)));
    let full = || given([submitted(), started(1)].into_iter().chain(most.clone()));
    full().when(&report(1, [artifact(&path(MAX_ARTIFACTS))])).then_nothing();
    full().when(&report(1, [artifact(&path(0))])).then_nothing();
    let too_many = (0..=MAX_ARTIFACTS).map(|n| artifact(&path(n)));
    running().when(&report(1, too_many)).then(most.clone());

    // A task always comes to its end: what is too much is left out.
    let made = |n| Artifact { path: path(n), size: 1, content: None };
    let artifacts: Vec<Artifact> = (0..MAX_ARTIFACTS + 2).map(made).collect();
    let kept = artifacts[..MAX_ARTIFACTS].to_vec();
    let task = running()
        .when(&end(1, Ending::Completed { output: payload(), artifacts: artifacts.clone() }))
        .then([E::Completed {
            session_id: session_id(),
            agent_id: agent_id(1),
            attempt: 1,
            output: payload(),
            artifacts: kept.clone(),
        }]);
    assert_eq!(task.state().artifacts, kept);
    running().when(&end(1, Ending::Failed { failure: failure(), output: None, artifacts })).then([
        E::Failed {
            session_id: session_id(),
            agent_id: agent_id(1),
            failure: failure(),
            output: None,
            artifacts: kept,
        },
    ]);
}
