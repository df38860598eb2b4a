use theazo_domain::session::SessionEvent;
use theazo_domain::{SessionId, StreamId};
use theazo_log::Position;
use theazo_projections::{AgentFilter, Page, ReadError, SessionFilter, rebuild};

use crate::place::{Store, on_both};
use crate::support::{PATIENCE, World, live, uuid};

on_both!(a_commit_that_cannot_be_folded_stops_its_read_model_alone);
async fn a_commit_that_cannot_be_folded_stops_its_read_model_alone(on: Store) {
    let mut world = World::new(on).await;
    let running = world.start();
    let session = world.session(live(1), "ann").await;
    // An end without a beginning: no command decides this.
    let stream = StreamId::session(live(1), SessionId::from_uuid(uuid(1)));
    let events = vec![SessionEvent::Ended {}.into()];
    let bad = world.append(stream, Position::START, events).await;
    world.agent(live(1), session).await;
    assert!(world.reads.wait_for(world.head().await, PATIENCE).await);

    let sessions = world.reads.sessions(live(1), SessionFilter::default(), Page::first(9)).await;
    let ReadError::Unavailable(reason) = sessions.unwrap_err();
    assert!(reason.contains(&format!("position {}", bad.position)), "{reason}");
    let agents = world.reads.agents(live(1), AgentFilter::default(), Page::first(9)).await;
    assert_eq!(agents.unwrap().len(), 1);
    let list = world.reads.list(&*world.log).await.unwrap();
    let stopped: Vec<_> = list.iter().filter(|status| status.error.is_some()).collect();
    assert_eq!(stopped.len(), 1);
    assert_eq!(stopped[0].name, "sessions");
    assert!(stopped[0].position < bad.position);

    let failed = rebuild(world.log(), &world.reads, Some(&["sessions"]), |_, _| {}).await;
    assert!(failed.unwrap_err().to_string().contains("cannot fold"));
    running.stop().await;
}
