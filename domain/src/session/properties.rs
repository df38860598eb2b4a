//! What holds for any sequence of commands.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{CreateSession, Session, SessionCommand, SessionPatch, SessionStatus};
use crate::testing::{START, arb, examples};
use crate::{Aggregate, Ctx};

fn command() -> impl Strategy<Value = SessionCommand> {
    let create = (arb::session_id(), "[a-z]{0,4}", arb::limits(), arb::metadata());
    let patch = (prop::option::of(arb::limits()), prop::option::of(arb::metadata()));
    prop_oneof![
        1 => create.prop_map(|(session_id, user_id, limits, metadata)| {
            SessionCommand::Create(CreateSession {
                session_id,
                user_id,
                limits,
                model: None,
                compute: None,
                metadata,
                webhook: None,
            })
        }),
        2 => patch.prop_map(|(limits, metadata)| {
            SessionCommand::Update(SessionPatch { limits, metadata, ..SessionPatch::default() })
        }),
        5 => arb::agent_id().prop_map(|agent_id| SessionCommand::AdmitAgent {
            agent_id,
            spec: examples::spec(),
        }),
        2 => arb::agent_id().prop_map(|agent_id| SessionCommand::ReleaseAgent { agent_id, spent: vec![], run_open: false }),
        1 => Just(SessionCommand::End),
    ]
}

proptest! {
    #[test]
    fn max_agents_holds_and_the_end_is_the_end(commands in vec(command(), 0..40)) {
        let ctx = Ctx { now: START };
        let mut state: Option<Session> = None;
        for command in &commands {
            let Ok(events) = Session::decide(state.as_ref(), command, ctx) else { continue };
            let before = state.clone();
            for event in &events {
                state = Session::evolve(state, event, START);
            }
            if let (Some(before), Some(now)) = (&before, &state) {
                // A limit that was lowered sends nobody away, but lets nobody in.
                let max = now.limits.max_agents.map_or(usize::MAX, |max| max as usize);
                prop_assert!(now.agents.len() <= max.max(before.agents.len()));
                if before.status == SessionStatus::Ended {
                    prop_assert_eq!(now.status, SessionStatus::Ended);
                    prop_assert!(now.agents.is_subset(&before.agents));
                }
            }
            // What was accepted is not done twice. A second creation is a conflict.
            let again = Session::decide(state.as_ref(), command, ctx).unwrap_or_default();
            prop_assert_eq!(again, vec![], "{:?} does something again", command);
        }
    }
}
