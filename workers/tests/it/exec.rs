use std::sync::atomic::Ordering;

use theazo_domain::agent::{AgentCommand, AgentState};
use theazo_domain::execution::{Execution, Outcome};
use theazo_domain::file_operation::FileOperation;
use theazo_domain::{FileOperationId, Rejection, SnapshotId, StreamId};
use theazo_providers::{GatewayError, ProviderError};
use uuid::Uuid;

use crate::world::{World, call, execution, scope};

#[tokio::test]
async fn an_intent_precedes_the_code_and_an_outcome_follows_it() {
    let world = World::new().await;
    let agent = world.agent().await;
    let answer = world.exec(agent, 1, "echo hi").await.unwrap();
    assert_eq!((answer.stdout.as_str(), answer.exit_code), ("ran echo hi", 0));
    let history = world.history().await;
    assert_eq!(history[history.len() - 2..], ["execution.requested", "execution.completed"]);
    let commits = world.log_text().await;
    assert!(!commits.contains("echo hi") && !commits.contains("ran echo"), "payloads are sealed");
}

#[tokio::test]
async fn an_execution_that_was_requested_before_is_answered_from_the_log() {
    let world = World::new().await;
    let agent = world.agent().await;
    let first = world.exec(agent, 1, "echo hi").await.unwrap();
    let again = world.exec(agent, 1, "echo hi").await.unwrap();
    assert_eq!(first, again);
    assert_eq!(world.provider.execs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_repeat_while_the_first_runs_waits_for_its_answer() {
    let world = World::new().await;
    let agent = world.agent().await;
    let (first, again) = tokio::join!(world.exec(agent, 1, "wait"), async {
        world.provider.running.subscribe().wait_for(|n| *n == 1).await.unwrap();
        let again = world.exec(agent, 1, "wait");
        world.provider.release.add_permits(1);
        again.await
    });
    assert_eq!(first.unwrap(), again.unwrap());
    assert_eq!(world.provider.execs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_timeout_is_an_outcome_too() {
    let world = World::new().await;
    let agent = world.agent().await;
    for _ in 0..2 {
        let late = world.exec(agent, 1, "hang").await;
        assert!(matches!(late, Err(GatewayError::Provider(ProviderError::Timeout(_)))));
    }
    let stream = StreamId::execution(scope(), execution(1));
    let execution = world.commander.load::<Execution>(&stream).await.unwrap().state.unwrap();
    assert!(matches!(&execution.outcome, Outcome::Failed { failure } if failure.code == "timeout"));
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_leave_an_intent_without_its_outcome() {
    let world = World::new().await;
    let agent = world.agent().await;
    let mut running = world.provider.running.subscribe();
    tokio::select! {
        _ = world.exec(agent, 1, "wait") => panic!("it waits"),
        _ = running.wait_for(|n| *n == 1) => {}
    }
    world.provider.release.add_permits(1);
    let stream = StreamId::execution(scope(), execution(1));
    world.until::<Execution>(&stream, |e| e.outcome != Outcome::Running).await;
}

#[tokio::test]
async fn a_paused_ended_or_unknown_agent_refuses_and_says_what_to_do() {
    let world = World::new().await;
    let agent = world.agent().await;
    let snapshot_id = SnapshotId::from_uuid(Uuid::from_u128(1));
    world.ask(agent, AgentCommand::RequestPause { snapshot_id, by_limit: false }).await;
    world.agent_until(agent, |agent| agent.state == AgentState::Paused).await;
    let refused = |error: GatewayError| match error {
        GatewayError::Rejected(rejection) => rejection,
        other => panic!("{other}"),
    };
    let paused = refused(world.exec(agent, 1, "x").await.unwrap_err());
    assert!(matches!(&paused, Rejection::Conflict(m) if m.contains("resume")), "{paused}");
    world.ask(agent, AgentCommand::RequestTerminate { reason: "test".to_owned() }).await;
    world.agent_until(agent, |agent| agent.state == AgentState::Terminated).await;
    let ended = refused(world.exec(agent, 2, "x").await.unwrap_err());
    assert!(matches!(&ended, Rejection::Conflict(m) if m.contains("terminated")), "{ended}");
    let unknown = theazo_domain::AgentId::from_uuid(Uuid::from_u128(99));
    assert!(matches!(
        refused(world.exec(unknown, 3, "x").await.unwrap_err()),
        Rejection::NotFound(_)
    ));
    assert_eq!(world.provider.execs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_write_that_fails_is_recorded_as_failed() {
    let world = World::new().await;
    let agent = world.agent().await;
    let id = FileOperationId::from_uuid(Uuid::from_u128(1));
    let gateway = world.host.gateway();
    let write = gateway.write_file(
        call(),
        agent,
        id,
        "/workspace/full".to_owned(),
        bytes::Bytes::from_static(b"x"),
    );
    let full = write.await;
    assert!(matches!(full, Err(GatewayError::Provider(ProviderError::DiskFull))));
    let stream = StreamId::file_operation(scope(), id);
    let operation = world.commander.load::<FileOperation>(&stream).await.unwrap().state.unwrap();
    assert!(format!("{:?}", operation.outcome).contains("disk is full"));
}
