use theazo_domain::agent::{Agent, AgentCommand, AgentState};
use theazo_domain::execution::{Execution, Outcome};
use theazo_domain::session::{Session, SessionCommand};
use theazo_domain::{AgentId, SnapshotId, StreamId};
use theazo_log::EventLog as _;
use uuid::Uuid;

use crate::provider::Scripted;
use crate::world::{PATIENCE, World, execution, origin, scope};

/// Runs `before` in a runtime of its own that is then torn down wherever it is: a crash.
fn crash<T>(before: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let left = runtime.block_on(before);
    runtime.shutdown_background();
    left
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work)
}

#[test]
fn a_crash_loses_no_agent_and_no_execution_silently() {
    let folder = tempfile::tempdir().unwrap();
    let (idle, paused, session) = crash(async {
        let world = World::on(folder.path(), Scripted::new()).await;
        let idle = world.agent().await;
        let paused = world.agent().await;
        let snapshot_id = SnapshotId::from_uuid(Uuid::from_u128(1));
        world.ask(paused, AgentCommand::RequestPause { snapshot_id, by_limit: false }).await;
        world.agent_until(paused, |agent| agent.state == AgentState::Paused).await;
        let session = world.load::<Agent>(&StreamId::agent(scope(), idle)).await.session_id;
        let mut running = world.provider.running.subscribe();
        tokio::select! {
            _ = world.exec(idle, 1, "wait") => panic!("it waits"),
            _ = running.wait_for(|n| *n == 1) => {}
        }
        std::mem::forget(world);
        (idle, paused, session)
    });
    block_on(async {
        // The sandboxes went with the process; the snapshot is on the disk.
        let provider = Scripted::new();
        let snapshot = SnapshotId::from_uuid(Uuid::from_u128(1));
        provider.snapshots.lock().insert(snapshot, Default::default());
        let world = World::on(folder.path(), provider).await;
        world.agent_until(idle, |agent| agent.state == AgentState::Failed).await;
        let failed = world.load::<Agent>(&StreamId::agent(scope(), idle)).await;
        assert!(failed.failure.as_ref().unwrap().message.contains("restarted"));
        let still = world.load::<Agent>(&StreamId::agent(scope(), paused)).await;
        assert_eq!(still.state, AgentState::Paused);
        let stream = StreamId::execution(scope(), execution(1));
        let lost = world.load::<Execution>(&stream).await;
        assert!(matches!(&lost.outcome, Outcome::Failed { failure }
            if failure.message.contains("not known")));
        let stream = StreamId::session(scope(), session);
        world.until::<Session>(&stream, |session| session.agents.is_empty()).await;
        world.ask(paused, AgentCommand::RequestResume { snapshot_id: None }).await;
        world.agent_until(paused, |agent| agent.state == AgentState::Idle).await;
        world.stop().await;
    });
}

#[test]
fn nothing_is_billed_for_the_time_that_nobody_ran() {
    let folder = tempfile::tempdir().unwrap();
    let (agent, last) = crash(async {
        let world = World::on(folder.path(), Scripted::new()).await;
        let agent = world.agent().await;
        world.exec(agent, 1, "x").await.unwrap();
        let state = world.load::<Execution>(&StreamId::execution(scope(), execution(1))).await;
        std::mem::forget(world);
        (agent, state.finished_at.unwrap())
    });
    block_on(async {
        let world = World::on(folder.path(), Scripted::new()).await;
        world.agent_until(agent, |agent| agent.state == AgentState::Failed).await;
        let agent = world.load::<Agent>(&StreamId::agent(scope(), agent)).await;
        let ran = last.millis_since(agent.started_at.unwrap());
        assert_eq!(agent.compute_millis, ran);
        world.stop().await;
    });
}

#[test]
fn an_admission_whose_agent_was_not_created_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let id = AgentId::from_uuid(Uuid::from_u128(77));
    block_on(async {
        let world = World::on(folder.path(), Scripted::new()).await;
        let session = world.session(None).await;
        let spec = world.spec(session).await;
        let stream = StreamId::session(scope(), session);
        world.stop_workers().await;
        let admit = SessionCommand::AdmitAgent { agent_id: id, spec: Box::new(spec) };
        world.commander.execute::<Session>(&origin(), &stream, &admit).await.unwrap();
        world.log.close().await;
    });
    block_on(async {
        let world = World::on(folder.path(), Scripted::new()).await;
        world.agent_until(id, |agent| agent.state == AgentState::Idle).await;
        world.stop().await;
    });
}

#[test]
fn sandboxes_that_nobody_owns_are_destroyed() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new();
    block_on(async {
        let world = World::on(folder.path(), provider.clone()).await;
        let agent = world.agent().await;
        let mut orphan = provider.sandboxes.lock().values().next().unwrap().clone();
        orphan.id = theazo_providers::SandboxId("orphan".to_owned());
        orphan.labels.agent = AgentId::from_uuid(Uuid::from_u128(123));
        provider.sandboxes.lock().insert(orphan.id.clone(), orphan);
        world.stop().await;
        let world = World::on(folder.path(), provider.clone()).await;
        // The sandbox that is still there is adopted, and the other one is swept after that.
        world.exec(agent, 9, "x").await.unwrap();
        let held = || provider.sandboxes.lock().keys().cloned().collect::<Vec<_>>();
        let only = [theazo_providers::SandboxId::of(agent)];
        let swept = async {
            while held() != only {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, swept).await.expect("the orphan is still there");
        let kept = world.load::<Agent>(&StreamId::agent(scope(), agent)).await;
        assert_eq!(kept.state, AgentState::Idle);
        assert_eq!(kept.spans, 1, "the span before the restart was closed");
        world.stop().await;
    });
}
