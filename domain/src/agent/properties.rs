//! What holds for any sequence of commands.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Agent, AgentCommand, AgentEvent};
use crate::testing::arb;
use crate::testing::{START, examples};
use crate::{Aggregate, Ctx, Pico, Timestamp};

fn command() -> impl Strategy<Value = AgentCommand> {
    prop_oneof![
        (arb::agent_id(), arb::session_id()).prop_map(|(agent_id, session_id)| {
            AgentCommand::Create { agent_id, session_id, spec: examples::spec() }
        }),
        arb::snapshot_id().prop_map(|snapshot_id| AgentCommand::RequestPause { snapshot_id }),
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
        (arb::failure(), prop::option::of(0i64..86_400_000)).prop_map(|(failure, since_start)| {
            let lost_at = since_start.map(|ms| Timestamp::from_millis(START.as_millis() + ms));
            AgentCommand::Fail { failure, lost_at }
        }),
    ]
}

/// Commands at the times they come, at most a day apart. Ends are rarer than in `command`, so that
/// agents live long enough to have several spans.
fn history() -> impl Strategy<Value = Vec<(AgentCommand, u32)>> {
    let ends = |c: &AgentCommand| matches!(c, AgentCommand::Terminated | AgentCommand::Fail { .. });
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
                prop_assert_eq!(before, now);
            }
        }
        // Not even an event that should not be there brings it back.
        let last = states.into_iter().last().flatten().filter(|agent| agent.state.is_final());
        let folded = after.iter().fold(last.clone(), |state, e| Agent::evolve(state, e, at));
        if last.is_some() {
            prop_assert_eq!(folded, last);
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

        let (mut running, mut ran) = (None, 0);
        for (event, at) in &events {
            match event {
                AgentEvent::Provisioned { .. } | AgentEvent::Resumed { .. } => {
                    prop_assert_eq!(running.replace(*at), None);
                }
                AgentEvent::Paused { .. } | AgentEvent::Terminated { .. } => {
                    ran += running.take().map_or(0, |since| at.millis_since(since));
                }
                // It may have been lost earlier: billed until then, and never for longer.
                AgentEvent::Failed { .. } => {
                    let most = running.take().map_or(0, |since| at.millis_since(since));
                    let last = spans.last().map_or(0, |u| u.compute_millis).min(most);
                    ran += last;
                }
                _ => {}
            }
        }
        let billed: u64 = spans.iter().map(|u| u.compute_millis).sum();
        prop_assert_eq!(billed, ran);
        if let Some(agent) = states.last().and_then(Option::as_ref) {
            prop_assert_eq!(agent.compute_millis, billed);
            prop_assert_eq!(agent.cost, spans.iter().map(|u| u.cost).sum::<Pico>());
            prop_assert_eq!(agent.running_since, running);
        }
    }

    /// An outcome that is reported again, or decided again after a lost answer, changes nothing.
    #[test]
    fn repeating_a_command_adds_no_usage(history in history()) {
        let (states, _) = run(&history);
        for ((command, _), state) in history.iter().zip(&states[1..]) {
            let again = Agent::decide(state.as_ref(), command, Ctx { now: START });
            for event in again.unwrap_or_default() {
                let usage = matches!(event, AgentEvent::UsageRecorded { .. });
                prop_assert!(!usage, "{command:?} bills again");
            }
        }
    }

    #[test]
    fn running_compute_and_state_agree(history in history()) {
        for agent in run(&history).0.into_iter().flatten() {
            let live = matches!(agent.state, super::AgentState::Idle | super::AgentState::Running);
            prop_assert_eq!(agent.running_since.is_some(), live);
            prop_assert!(agent.pending.is_none() || !agent.state.is_final());
            prop_assert!(agent.ports.len() <= 20);
        }
    }
}
