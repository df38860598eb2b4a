//! What holds for any sequence of commands.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{
    Artifact, Ending, Entry, LEASE_MILLIS, RequeueReason, SubmitTask, SuspendReason, Task,
    TaskCommand, TaskEvent, TaskStatus,
};
use crate::pricing::{ModelUsage, TokenUsage};
use crate::testing::{START, arb, examples};
use crate::{Aggregate, Ctx, Pico, Rejection, Timestamp};

/// Stands for the newest attempt (of a start: the next one), or for the oldest unfinished step.
const AIMED: u32 = u32::MAX;

fn attempt() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(AIMED), 1 => 0u32..6]
}

fn step() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(AIMED), 1 => 0u32..12]
}

fn submit() -> TaskCommand {
    TaskCommand::Submit(Box::new(SubmitTask {
        task_id: examples::task_id(1),
        session_id: examples::session_id(),
        agent: super::TaskAgent::Existing { agent_id: examples::agent_id(1) },
        priority: super::Priority::Normal,
        max_steps: 100,
        input: examples::payload(),
        webhook: None,
        retry_of: None,
    }))
}

/// Costs and tokens as they may be: the sum of a run's does not come near the ends of the range.
fn usage() -> impl Strategy<Value = ModelUsage> {
    (any::<u64>(), any::<u32>(), any::<u32>()).prop_map(|(cost, input, output)| {
        let (input, output) = (input.into(), output.into());
        let tokens = TokenUsage { input, output, ..TokenUsage::default() };
        ModelUsage { tokens, ..examples::model_usage(cost.into()) }
    })
}

fn entry() -> BoxedStrategy<Entry> {
    let model_starts = arb::purpose().prop_map(|purpose| {
        let (vendor, model) = ("anthropic".to_owned(), "sonnet".to_owned());
        Entry::ModelCallStarted { purpose, vendor, model }
    });
    let model_ends = (step(), usage()).prop_map(|(step, usage)| {
        let (turn, finish) = (examples::payload(), "end".to_owned());
        Entry::ModelCallCompleted { step, turn, finish, usage, duration_ms: 1 }
    });
    let model_fails = (step(), arb::failure(), prop::option::of(usage()))
        .prop_map(|(step, failure, usage)| Entry::ModelCallFailed { step, failure, usage });
    let tool_starts =
        (0u32..6, arb::payload(), any::<bool>()).prop_map(|(of, input, repeatable)| {
            let (call_id, tool) = ("call".to_owned(), "tool".to_owned());
            Entry::ToolCallStarted { of, call_id, tool, input, repeatable }
        });
    let tool_ends = (step(), any::<bool>()).prop_map(|(step, is_error)| {
        let output = examples::payload();
        Entry::ToolCallCompleted { step, output, whole: None, is_error, duration_ms: 1 }
    });
    prop_oneof![
        3 => model_starts,
        3 => model_ends,
        1 => model_fails,
        3 => tool_starts,
        3 => tool_ends,
        1 => Just(Entry::Baseline { files: examples::payload() }),
        1 => prop::option::of(any::<u16>())
            .prop_map(|progress| Entry::Progress { progress, message: None }),
        1 => select(vec!["a", "b", "c"]).prop_map(|path| Entry::Artifact { path: path.to_owned() }),
    ]
    .boxed()
}

fn ending() -> impl Strategy<Value = Ending> {
    let artifacts = vec![Artifact { path: "/workspace/a".to_owned(), size: 1, content: None }];
    let (output, failure) = (examples::payload(), examples::failure());
    select(vec![
        Ending::Completed { output: output.clone(), artifacts: artifacts.clone() },
        Ending::Failed { failure, output: Some(output), artifacts },
        Ending::Cancelled { reason: "worker".to_owned() },
    ])
}

/// What the worker of an attempt asks for. Ends are rare, so that most tasks get somewhere.
fn of_worker(attempt: impl Strategy<Value = u32> + Clone + 'static) -> BoxedStrategy<TaskCommand> {
    let reason = SuspendReason::AgentPaused;
    let shutdown = RequeueReason::Shutdown;
    prop_oneof![
        10 => (attempt.clone(), vec(entry(), 0..5))
            .prop_map(|(attempt, entries)| TaskCommand::Report { attempt, entries }),
        1 => (attempt.clone(), vec(entry(), 0..3), ending()).prop_map(
            |(attempt, entries, ending)| TaskCommand::End { attempt, entries, ending }
        ),
        1 => attempt.clone().prop_map(|attempt| TaskCommand::Renew { attempt }),
        1 => attempt.clone().prop_map(move |attempt| TaskCommand::Suspend { attempt, reason }),
        1 => attempt
            .prop_map(move |attempt| TaskCommand::Requeue { attempt, reason: shutdown }),
    ]
    .boxed()
}

fn command() -> BoxedStrategy<TaskCommand> {
    prop_oneof![
        1 => Just(submit()),
        8 => attempt()
            .prop_map(|attempt| TaskCommand::Start { attempt, worker: format!("w{attempt}") }),
        3 => (attempt(), arb::requeue_reason())
            .prop_map(|(attempt, reason)| TaskCommand::Requeue { attempt, reason }),
        16 => of_worker(Just(AIMED)),
        4 => of_worker(0u32..6),
        1 => Just(TaskCommand::RequestCancel { reason: "api".to_owned() }),
        1 => Just(TaskCommand::Abandon { failure: examples::failure() }),
    ]
    .boxed()
}

/// Commands at the times they come: mostly soon after one another, sometimes after a lease.
fn history() -> impl Strategy<Value = Vec<(TaskCommand, u64)>> {
    let later = prop_oneof![9 => 0u64..5_000, 1 => LEASE_MILLIS..2 * LEASE_MILLIS];
    vec((command(), later), 0..80).prop_map(|mut commands| {
        commands.insert(0, (submit(), 0));
        commands
    })
}

/// `command`, with what is [`AIMED`] as `task` has it.
fn aim(mut command: TaskCommand, task: Option<&Task>) -> TaskCommand {
    let newest = task.map_or(0, |task| task.attempt);
    match &mut command {
        TaskCommand::Start { attempt, .. } if *attempt == AIMED => *attempt = newest + 1,
        TaskCommand::Renew { attempt }
        | TaskCommand::Report { attempt, .. }
        | TaskCommand::End { attempt, .. }
        | TaskCommand::Suspend { attempt, .. }
        | TaskCommand::Requeue { attempt, .. }
            if *attempt == AIMED =>
        {
            *attempt = newest;
        }
        _ => {}
    }
    if let TaskCommand::Report { entries, .. } | TaskCommand::End { entries, .. } = &mut command {
        let mut open: Vec<(u32, bool)> = task.map_or_else(Vec::new, |task| {
            task.unfinished().map(|s| (s.number, s.as_model().is_some())).collect()
        });
        for entry in entries {
            aim_at_step(entry, &mut open);
        }
    }
    command
}

fn aim_at_step(entry: &mut Entry, open: &mut Vec<(u32, bool)>) {
    let (step, of_model) = match entry {
        Entry::ModelCallCompleted { step, .. } | Entry::ModelCallFailed { step, .. } => {
            (step, true)
        }
        Entry::ToolCallCompleted { step, .. } => (step, false),
        _ => return,
    };
    if *step != AIMED {
        return;
    }
    match open.iter().position(|(_, model)| *model == of_model) {
        Some(found) => *step = open.remove(found).0,
        // Nothing waits for it: an entry that says nothing, so that the rest of the report counts.
        None => *entry = Entry::Progress { progress: None, message: None },
    }
}

/// One command of a history: the state before, what it came to, the state after.
struct Turn {
    command: TaskCommand,
    before: Option<Task>,
    decided: Result<Vec<TaskEvent>, Rejection>,
    after: Option<Task>,
    now: Timestamp,
}

fn later(now: Timestamp, millis: u64) -> Timestamp {
    Timestamp::from_millis(now.as_millis() + i64::try_from(millis).unwrap())
}

/// Decides and evolves one command after the other.
fn run(history: &[(TaskCommand, u64)]) -> Vec<Turn> {
    let (mut now, mut state) = (START, None);
    let mut turns = Vec::new();
    for (command, wait) in history {
        now = later(now, *wait);
        let before: Option<Task> = state.clone();
        let command = aim(command.clone(), before.as_ref());
        let decided = Task::decide(before.as_ref(), &command, Ctx { now });
        for event in decided.iter().flatten() {
            state = Task::evolve(state, event, now);
        }
        turns.push(Turn { command, before, decided, after: state.clone(), now });
    }
    turns
}

fn events(turns: &[Turn]) -> impl Iterator<Item = &TaskEvent> {
    turns.iter().flat_map(|turn| turn.decided.iter().flatten())
}

/// The attempt that an event is of, where it is a worker's word.
fn said_by(event: &TaskEvent) -> Option<u32> {
    match event {
        TaskEvent::LeaseRenewed { attempt }
        | TaskEvent::Suspended { attempt, .. }
        | TaskEvent::BaselineRecorded { attempt, .. }
        | TaskEvent::ModelCallStarted { attempt, .. }
        | TaskEvent::ModelCallCompleted { attempt, .. }
        | TaskEvent::ModelCallFailed { attempt, .. }
        | TaskEvent::ToolCallStarted { attempt, .. }
        | TaskEvent::ToolCallCompleted { attempt, .. }
        | TaskEvent::ProgressReported { attempt, .. }
        | TaskEvent::ArtifactDeclared { attempt, .. }
        | TaskEvent::Completed { attempt, .. } => Some(*attempt),
        TaskEvent::Submitted { .. }
        | TaskEvent::Started { .. }
        | TaskEvent::Requeued { .. }
        | TaskEvent::CancelRequested { .. }
        | TaskEvent::Failed { .. }
        | TaskEvent::Cancelled { .. } => None,
    }
}

proptest! {
    #[test]
    fn steps_are_numbered_without_a_gap_and_finished_once(history in history()) {
        let turns = run(&history);
        let (mut begun, mut finished) = (0, BTreeSet::new());
        for event in events(&turns) {
            match event {
                TaskEvent::ModelCallStarted { step, .. }
                | TaskEvent::ToolCallStarted { step, .. } => {
                    prop_assert_eq!(*step, begun);
                    begun += 1;
                }
                TaskEvent::ModelCallCompleted { step, .. }
                | TaskEvent::ModelCallFailed { step, .. }
                | TaskEvent::ToolCallCompleted { step, .. } => {
                    prop_assert!(*step < begun, "step {} was not begun", step);
                    prop_assert!(finished.insert(*step), "step {} was finished twice", step);
                }
                _ => {}
            }
        }
        for task in turns.iter().filter_map(|turn| turn.after.as_ref()) {
            for (number, step) in (0u32..).zip(&task.steps) {
                prop_assert_eq!(step.number, number);
            }
            prop_assert_eq!(task.steps.len(), (task.model_calls + task.tool_calls) as usize);
        }
        if let Some(task) = turns.last().and_then(|turn| turn.after.as_ref()) {
            let done = task.steps.iter().filter(|step| step.is_finished()).map(|step| step.number);
            // What was under way at the end ends with it.
            let wanted = if task.status.is_final() { (0..begun).collect() } else { finished };
            prop_assert_eq!(done.collect::<BTreeSet<u32>>(), wanted);
        }
    }

    /// Attempts follow one another: each begins when none is under way, and only it is heard.
    #[test]
    fn at_most_one_attempt_is_active(history in history()) {
        let mut active: Option<u32> = None;
        let mut newest = 0;
        let turns = run(&history);
        for event in events(&turns) {
            prop_assert!(said_by(event).is_none_or(|by| active == Some(by)), "{:?}", event);
            match event {
                TaskEvent::Started { attempt, .. } => {
                    prop_assert_eq!((active, *attempt), (None, newest + 1));
                    (active, newest) = (Some(*attempt), *attempt);
                }
                TaskEvent::Requeued { .. }
                | TaskEvent::Suspended { .. }
                | TaskEvent::Completed { .. }
                | TaskEvent::Failed { .. }
                | TaskEvent::Cancelled { .. } => active = None,
                _ => {}
            }
        }
        for task in turns.iter().filter_map(|turn| turn.after.as_ref()) {
            let running = task.status == TaskStatus::Running;
            prop_assert_eq!(task.worker.is_some(), running);
            prop_assert_eq!(task.active_since.is_some(), running);
            prop_assert_eq!(task.finished_at.is_some(), task.status.is_final());
        }
    }

    #[test]
    fn a_final_task_is_final(
        history in history(), after in vec(arb::task_event(), 0..10), at in arb::timestamp(),
    ) {
        let turns = run(&history);
        for turn in &turns {
            if let Some(before) = turn.before.as_ref().filter(|task| task.status.is_final()) {
                prop_assert_eq!(Some(before), turn.after.as_ref());
                prop_assert_eq!(turn.decided.as_deref().unwrap_or_default(), &[]);
            }
        }
        // Not even an event that should not be there brings it back.
        let last = turns.into_iter().next_back().and_then(|turn| turn.after);
        let last = last.filter(|task| task.status.is_final());
        if last.is_some() {
            let folded = after.iter().fold(last.clone(), |state, e| Task::evolve(state, e, at));
            prop_assert_eq!(folded, last);
        }
    }

    /// What a task says that it cost is what its model calls cost, each once.
    #[test]
    fn the_cost_is_the_sum_of_the_usages(history in history()) {
        let turns = run(&history);
        let usages: Vec<&ModelUsage> = events(&turns)
            .filter_map(|event| match event {
                TaskEvent::ModelCallCompleted { usage, .. } => Some(usage),
                TaskEvent::ModelCallFailed { usage, .. } => usage.as_ref(),
                _ => None,
            })
            .collect();
        let Some(task) = turns.last().and_then(|turn| turn.after.as_ref()) else { return Ok(()) };
        prop_assert_eq!(task.model_cost, usages.iter().map(|usage| usage.cost).sum::<Pico>());
        let tokens = usages.iter().fold(TokenUsage::default(), |sum, u| sum.plus(u.tokens));
        prop_assert_eq!(task.tokens, tokens);
        let of_steps = task.steps.iter().filter_map(|s| s.as_model()?.usage.as_ref());
        prop_assert_eq!(of_steps.map(|usage| usage.cost).sum::<Pico>(), task.model_cost);
    }

    /// A command whose answer was lost and that is decided again ends no step and bills nothing.
    #[test]
    fn repeating_a_command_is_harmless(history in history()) {
        for turn in run(&history) {
            let accepted = turn.decided.as_ref().is_ok_and(|events| !events.is_empty());
            let again = Task::decide(turn.after.as_ref(), &turn.command, Ctx { now: turn.now });
            for event in again.unwrap_or_default().iter().filter(|_| accepted) {
                let harmless = matches!(
                    event,
                    TaskEvent::LeaseRenewed { .. }
                        | TaskEvent::ProgressReported { .. }
                        | TaskEvent::ModelCallStarted { .. }
                        | TaskEvent::ToolCallStarted { .. }
                );
                // What was begun twice is one intent too many, never one effect too many.
                prop_assert!(harmless, "{:?} is decided again: {:?}", turn.command, event);
            }
        }
    }

    #[test]
    fn time_is_counted_at_most_once(history in history()) {
        let turns = run(&history);
        let mut before = 0;
        for turn in &turns {
            let Some(task) = &turn.after else { continue };
            prop_assert!(task.active_millis >= before);
            before = task.active_millis;
            let begun = task.started_at.unwrap_or(turn.now);
            prop_assert!(task.active_millis_at(turn.now) <= turn.now.millis_since(begun));
        }
    }

    /// A worker that was taken for dead goes on while the next one works.
    #[test]
    fn nothing_of_an_overtaken_worker_is_accepted(
        before in vec(of_worker(Just(1)), 0..8),
        lost in prop_oneof![Just(RequeueReason::LeaseExpired), Just(RequeueReason::WorkerLost)],
        race in vec((any::<bool>(), of_worker(Just(AIMED))), 1..40),
    ) {
        let reports = |c: &TaskCommand| matches!(c, TaskCommand::Report { .. });
        let start = |attempt| TaskCommand::Start { attempt, worker: format!("w{attempt}") };
        let lose = TaskCommand::Requeue { attempt: 1, reason: lost };
        let mut history = vec![(submit(), 0), (start(1), 0)];
        history.extend(before.into_iter().filter(reports).map(|command| (command, 10)));
        history.extend([(lose, LEASE_MILLIS), (start(2), 0)]);
        let taken_over = history.len();
        history.extend(race.into_iter().map(|(old, command)| match (old, command) {
            (false, command) => (command, 10),
            (true, command) => (by_attempt(command, 1), 10),
        }));
        let turns = run(&history);
        let first = turns[taken_over - 1].after.as_ref().map(|task| (task.attempt, task.status));
        prop_assert_eq!(first, Some((2, TaskStatus::Running)));
        for turn in &turns[taken_over..] {
            match &turn.command {
                TaskCommand::Requeue { attempt: 1, .. } => {
                    prop_assert_eq!(turn.decided.as_deref(), Ok([].as_slice()));
                }
                TaskCommand::Renew { attempt: 1 }
                | TaskCommand::Report { attempt: 1, .. }
                | TaskCommand::End { attempt: 1, .. }
                | TaskCommand::Suspend { attempt: 1, .. } => {
                    prop_assert!(matches!(turn.decided, Err(Rejection::Conflict(_))));
                }
                _ => {}
            }
        }
    }

    /// Whatever was folded, also what could never be: deciding on it does not panic.
    #[test]
    fn deciding_is_total(
        events in vec((arb::task_event(), arb::timestamp()), 0..24),
        commands in vec(command(), 1..12),
        now in arb::timestamp(),
    ) {
        let state = events.iter().fold(None, |state, (e, at)| Task::evolve(state, e, *at));
        for command in commands {
            let _ = Task::decide(state.as_ref(), &command, Ctx { now });
        }
    }
}

fn by_attempt(mut command: TaskCommand, by: u32) -> TaskCommand {
    match &mut command {
        TaskCommand::Renew { attempt }
        | TaskCommand::Report { attempt, .. }
        | TaskCommand::End { attempt, .. }
        | TaskCommand::Suspend { attempt, .. }
        | TaskCommand::Requeue { attempt, .. } => *attempt = by,
        _ => {}
    }
    command
}
