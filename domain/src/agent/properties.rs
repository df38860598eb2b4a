//! What holds for any sequence of commands.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Agent, AgentCommand, AgentEvent, AgentState};
use crate::pricing::Costs;
use crate::testing::arb;
use crate::testing::{START, examples};
use crate::{Aggregate, Ctx, Day, Pico, Timestamp};

fn command() -> impl Strategy<Value = AgentCommand> {
    prop_oneof![
        (arb::agent_id(), arb::session_id()).prop_map(|(agent_id, session_id)| {
            AgentCommand::Create {
                agent_id,
                session_id,
                spec: examples::spec(),
                funded_millis: None,
            }
        }),
        arb::snapshot_id()
            .prop_map(|snapshot_id| AgentCommand::RequestPause { snapshot_id, by_limit: false }),
        prop::option::of(arb::snapshot_id())
            .prop_map(|snapshot_id| AgentCommand::RequestResume { snapshot_id }),
        "[a-z]{0,8}".prop_map(|reason| AgentCommand::RequestTerminate { reason }),
        any::<u16>().prop_map(|port| AgentCommand::ExposePort { port }),
        any::<u16>().prop_map(|port| AgentCommand::ClosePort { port }),
        Just(AgentCommand::Provisioned { host: "here".to_owned() }),
        (arb::snapshot_id(), any::<u64>())
            .prop_map(|(snapshot_id, size)| AgentCommand::Paused { snapshot_id, size }),
        any::<bool>().prop_map(|memory| AgentCommand::Resumed { host: "here".to_owned(), memory }),
        arb::failure().prop_map(|failure| AgentCommand::RequestFailed { failure }),
        Just(AgentCommand::Terminated),
        (arb::failure(), lost_at())
            .prop_map(|(failure, lost_at)| AgentCommand::Fail { failure, lost_at }),
        Just(AgentCommand::RequestComplete),
        Just(AgentCommand::Meter),
        Just(AgentCommand::Completed),
        (0..3u8, 0..3u8).prop_map(|(to, from)| AgentCommand::Place {
            host: ["here", "there", "elsewhere"][usize::from(to)].to_owned(),
            instead_of: [None, Some("here"), Some("there")][usize::from(from)].map(str::to_owned),
        }),
        lost_at().prop_map(|lost_at| AgentCommand::Recovered { host: "here".to_owned(), lost_at }),
        arb::task_id().prop_map(|task_id| AgentCommand::StartRun { task_id }),
        (arb::task_id(), any::<u32>()).prop_map(|(task_id, pico)| {
            AgentCommand::EndRun {
                task_id,
                model_costs: Costs::on(Day::default(), Pico(pico.into())),
            }
        }),
    ]
}

/// Some time in the first day, which may be before or after anything else.
fn lost_at() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::of(0i64..86_400_000)
        .prop_map(|ms| ms.map(|ms| Timestamp::from_millis(START.as_millis() + ms)))
}

/// Commands at the times they come, at most a day apart. Ends are rarer than in `command`, so that
/// agents live long enough to have several spans.
fn history() -> impl Strategy<Value = Vec<(AgentCommand, u32)>> {
    let ends = |c: &AgentCommand| {
        use AgentCommand::{Completed, Fail, Terminated};
        matches!(c, Terminated | Completed | Fail { .. })
    };
    let command = prop_oneof![
        9 => command().prop_filter("ends the agent", move |c| !ends(c)),
        1 => command(),
    ];
    vec((command, 0u32..86_400_000), 0..60)
}

/// Decides and evolves one command after the other; answers the states between, and the events.
fn run(history: &[(AgentCommand, u32)]) -> (Vec<Option<Agent>>, Vec<(AgentEvent, Timestamp)>) {
    let (mut now, mut states, mut events) = (START, vec![None], Vec::new());
    for (command, later) in history {
        now = Timestamp::from_millis(now.as_millis() + i64::from(*later));
        let mut state: Option<Agent> = states.last().cloned().flatten();
        let decided = Agent::decide(state.as_ref(), command, Ctx { now }).unwrap_or_default();
        for event in decided {
            state = Agent::evolve(state, &event, now);
            events.push((event, now));
        }
        states.push(state);
    }
    (states, events)
}

/// Without what the end of a run changes, which may come after the agent's.
fn without_run(agent: &Agent) -> Agent {
    let updated_at = agent.created_at;
    let model_costs = Costs::default();
    Agent { task: None, model_cost: Pico::ZERO, model_costs, updated_at, ..agent.clone() }
}

proptest! {
    #[test]
    fn a_final_state_is_final(
        history in history(), after in vec(arb::agent_event(), 0..10), at in arb::timestamp(),
    ) {
        let (states, _) = run(&history);
        for pair in states.windows(2) {
            if let (Some(before), Some(now)) = (&pair[0], &pair[1])
                && before.state.is_final()
            {
                prop_assert_eq!(without_run(before), without_run(now));
            }
        }
        // Not even an event that should not be there brings it back.
        let last = states.into_iter().last().flatten().filter(|agent| agent.state.is_final());
        let folded = after.iter().fold(last.clone(), |state, e| Agent::evolve(state, e, at));
        if last.is_some() {
            prop_assert_eq!(folded.as_ref().map(without_run), last.as_ref().map(without_run));
        }
    }

    /// Every millisecond between a start and the end that follows it is billed, once.
    #[test]
    fn spans_never_overlap_and_are_billed_once(history in history()) {
        let (states, events) = run(&history);
        let mut spans = Vec::new();
        for (event, _) in &events {
            if let AgentEvent::UsageRecorded { usage, .. } = event {
                spans.push(usage.clone());
            }
        }
        for pair in spans.windows(2) {
            prop_assert!(pair[0].until <= pair[1].from, "{:?} overlaps {:?}", pair[0], pair[1]);
        }
        let mut ids: Vec<&str> = spans.iter().map(|u| u.id.as_str()).collect();
        ids.dedup();
        prop_assert_eq!(ids.len(), spans.len());

        let (mut running, mut ran, mut billed_of_span, mut metered) = (None, 0, 0, None);
        for (event, at) in &events {
            match event {
                AgentEvent::UsageRecorded { usage, .. } => {
                    billed_of_span += usage.compute_millis;
                    metered = Some(usage.until);
                }
                AgentEvent::Provisioned { .. } | AgentEvent::Resumed { .. } => {
                    prop_assert_eq!(running.replace(*at), None);
                    (billed_of_span, metered) = (0, None);
                }
                AgentEvent::Paused { .. }
                | AgentEvent::Terminated { .. }
                | AgentEvent::Completed { .. } => {
                    ran += running.take().map_or(0, |since| at.millis_since(since));
                }
                // It may have been lost earlier: billed until then, and never for longer.
                AgentEvent::Failed { .. } | AgentEvent::Recovered { .. } => {
                    let at_most = |since| billed_of_span.min(at.millis_since(since));
                    ran += running.take().map_or(0, at_most);
                    running = matches!(event, AgentEvent::Recovered { .. }).then_some(*at);
                    (billed_of_span, metered) = (0, None);
                }
                _ => {}
            }
        }
        let billed: u64 = spans.iter().map(|u| u.compute_millis).sum();
        let open = match (running, metered) {
            (Some(since), Some(until)) => until.millis_since(since),
            _ => 0,
        };
        prop_assert_eq!(billed, ran + open);
        if let Some(agent) = states.last().and_then(Option::as_ref) {
            prop_assert_eq!(agent.compute_millis, billed);
            prop_assert_eq!(agent.cost, spans.iter().map(|u| u.cost).sum::<Pico>());
            prop_assert_eq!(agent.running_since, running.map(|since| metered.unwrap_or(since)));
        }
    }

    /// An outcome that is reported again, or decided again after a lost answer, changes nothing.
    #[test]
    fn repeating_a_command_adds_no_usage(history in history()) {
        let (states, _) = run(&history);
        for ((command, _), state) in history.iter().zip(&states[1..]) {
            let again = Agent::decide(state.as_ref(), command, Ctx { now: START });
            let recovers = matches!(command, AgentCommand::Recovered { .. });
            for event in again.unwrap_or_default() {
                if let AgentEvent::UsageRecorded { usage, .. } = event {
                    // Made again once more: a span of no length lies between.
                    let nothing = recovers && usage.compute_millis == 0;
                    prop_assert!(nothing, "{command:?} bills again");
                }
            }
        }
    }

    #[test]
    fn running_compute_and_state_agree(history in history()) {
        for agent in run(&history).0.into_iter().flatten() {
            let live = matches!(agent.state, AgentState::Idle | AgentState::Running);
            prop_assert_eq!(agent.running_since.is_some(), live);
            prop_assert!(agent.pending.is_none() || !agent.state.is_final());
            prop_assert!(agent.ports.len() <= 20);
        }
    }

    #[test]
    fn it_works_on_one_task_at_a_time(history in history()) {
        let (states, events) = run(&history);
        let (mut task, mut model_cost) = (None, Pico::ZERO);
        for (event, _) in &events {
            match event {
                AgentEvent::RunStarted { task_id, .. } => {
                    prop_assert_eq!(task.replace(*task_id), None);
                }
                AgentEvent::RunEnded { task_id, model_cost: cost, .. } => {
                    prop_assert_eq!(task.take(), Some(*task_id));
                    model_cost += *cost;
                }
                _ => {}
            }
        }
        for agent in states.iter().flatten() {
            match agent.state {
                AgentState::Running => prop_assert!(agent.task.is_some()),
                AgentState::Idle => prop_assert_eq!(agent.task, None),
                _ => {}
            }
            prop_assert!(agent.task.is_none() || agent.task == agent.last_task);
        }
        if let Some(agent) = states.last().and_then(Option::as_ref) {
            prop_assert_eq!((agent.task, agent.model_cost), (task, model_cost));
        }
    }
}
