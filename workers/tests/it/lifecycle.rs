use theazo_commands::CommandError;
use theazo_domain::agent::{AgentCommand, AgentState};
use theazo_domain::session::Session;
use theazo_domain::snapshot::{Snapshot, SnapshotCommand};
use theazo_domain::{Rejection, SnapshotId, StreamId};
use theazo_providers::ProviderError;
use uuid::Uuid;

use crate::world::{PATIENCE, World, origin, scope};

fn snapshot(n: u128) -> SnapshotId {
    SnapshotId::from_uuid(Uuid::from_u128(n))
}

fn pause(n: u128) -> AgentCommand {
    AgentCommand::RequestPause { snapshot_id: snapshot(n), by_limit: false }
}

fn terminate() -> AgentCommand {
    AgentCommand::RequestTerminate { reason: "test".to_owned() }
}

#[tokio::test]
async fn a_terminated_agent_leaves_no_sandbox_no_snapshot_and_its_place_is_free() {
    let world = World::new().await;
    let session = world.session(Some(1)).await;
    let agent = world.create(session).await;
    world.agent_until(agent, |agent| agent.state == AgentState::Idle).await;
    world.ask(agent, pause(1)).await;
    world.agent_until(agent, |agent| agent.state == AgentState::Paused).await;
    assert!(world.provider.snapshots.lock().keys().eq([&snapshot(1)]));
    world.ask(agent, terminate()).await;
    let stream = StreamId::session(scope(), session);
    world.until::<Session>(&stream, |session| session.agents.is_empty()).await;
    assert!(world.provider.sandboxes.lock().is_empty());
    let gone = async {
        while !world.provider.snapshots.lock().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    world.create(session).await;
    world.stop().await;
}

#[tokio::test]
async fn a_pause_waits_for_what_runs_and_a_termination_does_not() {
    let world = World::new().await;
    let agent = world.agent().await;
    let running = world.exec(agent, 1, "wait");
    let overtake = async {
        world.provider.running.subscribe().wait_for(|n| *n == 1).await.unwrap();
        world.ask(agent, pause(1)).await;
        let late = world.exec(agent, 2, "x");
        world.ask(agent, terminate()).await;
        world.agent_until(agent, |agent| agent.state == AgentState::Terminated).await;
        late.await
    };
    let (ran, late) = tokio::join!(running, overtake);
    assert!(ran.is_err() && late.is_err());
    assert!(!world.history().await.contains(&"agent.paused"));
    world.stop().await;
}

#[tokio::test]
async fn a_resume_goes_on_where_it_was_or_starts_from_another_snapshot() {
    let world = World::new().await;
    let (one, other) = (world.agent().await, world.agent().await);
    for (agent, n) in [(one, 1), (other, 2)] {
        world.ask(agent, pause(n)).await;
        world.agent_until(agent, |agent| agent.state == AgentState::Paused).await;
    }
    world.ask(one, AgentCommand::RequestResume { snapshot_id: None }).await;
    world.agent_until(one, |agent| agent.state == AgentState::Idle).await;
    world.ask(other, AgentCommand::RequestResume { snapshot_id: Some(snapshot(1)) }).await;
    world.agent_until(other, |agent| agent.state == AgentState::Idle).await;
    let sandboxes = world.provider.sandboxes.lock();
    let from = |id| sandboxes[&theazo_providers::SandboxId::of(id)].snapshot;
    assert_eq!((from(one), from(other)), (None, Some(snapshot(1))));
    assert!(!world.blobs().join("snapshots").exists(), "one host needs no others to find them");
}

#[tokio::test]
async fn a_session_that_ends_takes_its_agents_along() {
    let world = World::new().await;
    let session = world.session(None).await;
    let agents = [world.create(session).await, world.create(session).await];
    world.commander.end_session(&origin(), session).await.unwrap();
    for agent in agents {
        world.agent_until(agent, |agent| agent.state == AgentState::Terminated).await;
    }
    world.stop().await;
}

#[tokio::test]
async fn a_provider_that_fails_makes_a_failed_agent_with_the_reason_and_frees_its_place() {
    let world = World::new().await;
    let session = world.session(Some(1)).await;
    *world.provider.fail_create.lock() = Some(ProviderError::failed("no room"));
    let agent = world.create(session).await;
    let failed = world.agent_until(agent, |agent| agent.state == AgentState::Failed).await;
    assert_eq!(failed.failure.as_ref().unwrap().message, "no room");
    assert_eq!(failed.cost.0, 0);
    let stream = StreamId::session(scope(), session);
    world.until::<Session>(&stream, |session| session.agents.is_empty()).await;
    world.stop().await;
}

#[tokio::test]
async fn a_deleted_snapshot_loses_its_files_and_cannot_be_deleted_twice() {
    let world = World::new().await;
    let agent = world.agent().await;
    world.ask(agent, pause(1)).await;
    world.agent_until(agent, |agent| agent.state == AgentState::Paused).await;
    let stream = StreamId::snapshot(scope(), snapshot(1));
    let delete = SnapshotCommand::Delete;
    world.commander.execute::<Snapshot>(&origin(), &stream, &delete).await.unwrap();
    let again = world.commander.execute::<Snapshot>(&origin(), &stream, &delete).await;
    assert!(matches!(again, Err(CommandError::Rejected(Rejection::NotFound(_)))));
    let gone = async {
        while !world.provider.snapshots.lock().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
}
