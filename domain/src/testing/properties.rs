//! What holds for every aggregate: any event may follow any other, and what is written is read.

use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::*;

use super::arb;
use crate::agent::Agent;
use crate::api_key::ApiKey;
use crate::definition::Definition;
use crate::delivery::Delivery;
use crate::execution::Execution;
use crate::export::Export;
use crate::file_operation::FileOperation;
use crate::model_prices::ModelPrices;
use crate::org::Org;
use crate::providers::Providers;
use crate::secret::Secret;
use crate::session::Session;
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use crate::task::Task;
use crate::{Aggregate, Event, Timestamp, fold};

/// Folds any events in any order: nothing panics, each event and each state survives its JSON, and
/// a snapshot of the state goes on like the state itself.
fn check<A: Aggregate + PartialEq + Debug>(
    events: Vec<(A::Event, Timestamp)>,
) -> Result<(), TestCaseError> {
    let mut state: Option<A> = None;
    let mut stored: Vec<(Event, Timestamp)> = Vec::new();
    for (event, at) in events {
        let any: Event = event.clone().into();
        let json = serde_json::to_string(&any).unwrap();
        let read = Event::decode(&json).unwrap();
        prop_assert_eq!(&read, &any);
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), json);
        prop_assert_eq!(any.event_type().kind, A::KIND);
        stored.push((any, at));

        state = A::evolve(state, &event, at);
        let snapshot = serde_json::to_string(&state).unwrap();
        state = serde_json::from_str(&snapshot).unwrap();
        prop_assert_eq!(serde_json::to_string(&state).unwrap(), snapshot);
    }
    prop_assert_eq!(state, fold(None, stored.iter().map(|(e, at)| (e, *at))));
    Ok(())
}

macro_rules! every_aggregate {
    ($($name:ident: $aggregate:ident <- $events:ident,)*) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(96))]
            $(
                #[test]
                fn $name(events in vec((arb::$events(), arb::timestamp()), 0..16)) {
                    check::<$aggregate>(events)?;
                }
            )*

            /// The log is shared: an aggregate passes over what is another's.
            #[test]
            fn events_of_others_are_passed_over(
                org in arb::org_event(), session in arb::session_event(), at in arb::timestamp(),
            ) {
                let events = [Event::from(org), Event::from(session)];
                let folded = fold::<Agent>(None, events.iter().map(|e| (e, at)));
                prop_assert_eq!(folded, None);
            }
        }

        /// Every kind of event of the catalogue is in this file.
        #[test]
        fn no_aggregate_is_left_out() {
            let here = [$($aggregate::KIND,)*];
            for (kind, _) in crate::CATALOGUE {
                assert!(here.contains(kind), "{kind} has no property test");
            }
        }
    };
}

every_aggregate! {
    org: Org <- org_event,
    api_key: ApiKey <- api_key_event,
    session: Session <- session_event,
    agent: Agent <- agent_event,
    execution: Execution <- execution_event,
    file_operation: FileOperation <- file_operation_event,
    snapshot: Snapshot <- snapshot_event,
    secret: Secret <- secret_event,
    settings: Settings <- settings_event,
    providers: Providers <- providers_event,
    task: Task <- task_event,
    definition: Definition <- definition_event,
    delivery: Delivery <- delivery_event,
    export: Export <- export_event,
    model_prices: ModelPrices <- model_prices_event,
}
