//! Snapshots in the blob store: agents that outlive the host that paused them.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use theazo_domain::agent::{Agent, AgentCommand, AgentState};
use theazo_domain::snapshot::Snapshot;
use theazo_domain::{AgentId, SnapshotId, StreamId};
use theazo_providers::{GatewayError, Provider, SandboxId};
use uuid::Uuid;

use crate::cluster::Cluster;
use crate::hosts::eventually;
use crate::world::{PATIENCE, scope};

const LEASE: Duration = Duration::from_secs(4);
const FILE: &str = "/workspace/notes";
const NOTE: &str = "the customer's name and address";

fn snapshot(n: u128) -> SnapshotId {
    SnapshotId::from_uuid(Uuid::from_u128(n))
}

async fn write(cluster: &Cluster, host: &str, agent: AgentId, text: &str) {
    let data = Bytes::copy_from_slice(text.as_bytes());
    cluster.provider(host).write_file(&SandboxId::of(agent), FILE, data).await.unwrap();
}

async fn read(cluster: &Cluster, host: &str, agent: AgentId) -> Bytes {
    cluster.provider(host).read_file(&SandboxId::of(agent), FILE, 1_000).await.unwrap()
}

async fn pause(cluster: &Cluster, agent: AgentId, n: u128) {
    cluster
        .ask(agent, AgentCommand::RequestPause { snapshot_id: snapshot(n), by_limit: false })
        .await;
    cluster.agent_until(agent, |agent| agent.state == AgentState::Paused).await;
}

async fn resume(cluster: &Cluster, agent: AgentId) {
    cluster.ask(agent, AgentCommand::RequestResume { snapshot_id: None }).await;
}

async fn terminate(cluster: &Cluster, agent: AgentId) {
    let reason = "nobody needs it".to_owned();
    cluster.ask(agent, AgentCommand::RequestTerminate { reason }).await;
    cluster.agent_until(agent, |agent| agent.state == AgentState::Terminated).await;
}

/// The host may hear of what it has committed after us.
async fn works(cluster: &Cluster, host: &str, agent: AgentId, n: u128) {
    let trying = async {
        while let Err(error) = cluster.exec(host, agent, n, "x").await {
            assert!(matches!(error, GatewayError::Rejected(_)), "{error}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, trying).await.unwrap();
}

fn is_idle(agent: &Agent) -> bool {
    agent.state == AgentState::Idle && agent.pending.is_none()
}

/// A cluster with a host `a`, on which an agent is paused that has written a note.
async fn with_a_paused_agent() -> (Cluster, Arc<Agent>) {
    let mut cluster = Cluster::new(LEASE).await;
    cluster.start_host("a").await;
    cluster.start_scheduler().await;
    let agent = cluster.agent().await;
    write(&cluster, "a", agent.id, NOTE).await;
    pause(&cluster, agent.id, 1).await;
    (cluster, agent)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_agent_of_a_lost_host_goes_on_elsewhere_with_its_files() {
    let (mut cluster, agent) = with_a_paused_agent().await;
    let blob = cluster.blob(snapshot(1));
    let stored = fs::read(&blob).unwrap();
    let shown = stored.windows(8).any(|window| window == &NOTE.as_bytes()[..8]);
    assert!(!shown, "what a store's owner sees must tell nothing");
    cluster.kill_host("a");
    cluster.start_host("b").await;
    resume(&cluster, agent.id).await;
    let there = cluster.agent_until(agent.id, is_idle).await;
    assert_eq!(there.host.as_deref(), Some("b"));
    assert_eq!(read(&cluster, "b", agent.id).await, NOTE);
    works(&cluster, "b", agent.id, 1).await;

    cluster.start_host("a").await;
    let (a, b) = (cluster.provider("a"), cluster.provider("b"));
    eventually("its old sandbox is gone", || a.sandboxes.lock().is_empty()).await;
    let kept = cluster.load(agent.id).await;
    assert_eq!((kept.state, kept.host.as_deref()), (AgentState::Idle, Some("b")));
    works(&cluster, "b", agent.id, 2).await;

    terminate(&cluster, agent.id).await;
    eventually("its snapshot is gone from the store", || !blob.exists()).await;
    let copies = || a.snapshots.lock().len() + b.snapshots.lock().len();
    eventually("and from both hosts", || copies() == 0).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_of_an_older_pause_does_not_go_on() {
    let (mut cluster, agent) = with_a_paused_agent().await;
    cluster.kill_host("a");
    cluster.start_host("b").await;
    resume(&cluster, agent.id).await;
    cluster.agent_until(agent.id, is_idle).await;
    write(&cluster, "b", agent.id, "later").await;
    pause(&cluster, agent.id, 2).await;
    cluster.kill_host("b");
    resume(&cluster, agent.id).await;
    // With the sandbox that stood still when it died.
    cluster.start_host("a").await;
    let back = cluster.agent_until(agent.id, is_idle).await;
    assert_eq!(back.host.as_deref(), Some("a"));
    assert_eq!(read(&cluster, "a", agent.id).await, "later");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_begins_with_a_snapshot_of_another_session_and_another_host() {
    let (mut cluster, agent) = with_a_paused_agent().await;
    cluster.kill_host("a");
    cluster.start_host("b").await;
    let session = cluster.session().await;
    assert_ne!(session, agent.session_id);
    let id = cluster.create_from(session, snapshot(1)).await;
    let made = cluster.agent_until(id, is_idle).await;
    assert_eq!(made.host.as_deref(), Some("b"));
    assert_eq!(read(&cluster, "b", id).await, NOTE);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_agent_of_a_lost_host_that_is_terminated_leaves_nothing() {
    let (mut cluster, agent) = with_a_paused_agent().await;
    cluster.kill_host("a");
    cluster.start_host("b").await;
    terminate(&cluster, agent.id).await;
    let blob = cluster.blob(snapshot(1));
    eventually("its snapshot is gone from the store", || !blob.exists()).await;
    let a = cluster.provider("a");
    assert_eq!(a.snapshots.lock().len(), 1, "the host that is away has its copy");
    cluster.start_host("a").await;
    let left = || a.snapshots.lock().len() + a.sandboxes.lock().len();
    eventually("the host that comes back removes what it has", || left() == 0).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_deleted_while_no_scheduler_ran_goes_when_one_starts() {
    let (mut cluster, agent) = with_a_paused_agent().await;
    cluster.stop_scheduler().await;
    terminate(&cluster, agent.id).await;
    let blob = cluster.blob(snapshot(1));
    assert!(blob.exists());
    cluster.start_scheduler().await;
    eventually("it is gone from the store", || !blob.exists()).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_whose_snapshot_cannot_be_stored_fails_and_the_sandbox_goes_on() {
    let mut cluster = Cluster::new(LEASE).await;
    cluster.start_host("a").await;
    cluster.start_scheduler().await;
    let agent = cluster.agent().await;
    write(&cluster, "a", agent.id, "first").await;
    // Nothing can be stored below a file.
    fs::write(cluster.blobs_of_snapshots(), "").unwrap();
    cluster
        .ask(agent.id, AgentCommand::RequestPause { snapshot_id: snapshot(1), by_limit: false })
        .await;
    let failed = cluster.agent_until(agent.id, |agent| agent.failure.is_some()).await;
    let message = &failed.failure.as_ref().unwrap().message;
    assert!(message.contains("the blob store did not take the snapshot"), "{message}");
    assert_eq!((failed.state, failed.pending.as_ref()), (AgentState::Idle, None));
    let provider = cluster.provider("a");
    assert!(provider.paused.lock().is_empty(), "it goes on");
    assert!(provider.snapshots.lock().is_empty(), "nothing of it is kept");
    assert!(!cluster.history().await.contains(&"snapshot.created"));
    works(&cluster, "a", agent.id, 1).await;

    fs::remove_file(cluster.blobs_of_snapshots()).unwrap();
    pause(&cluster, agent.id, 2).await;
    assert!(cluster.blob(snapshot(2)).exists());
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_was_changed_in_the_store_is_refused() {
    let (mut cluster, agent) = with_a_paused_agent().await;
    cluster.kill_host("a");
    cluster.start_host("b").await;
    let blob = cluster.blob(snapshot(1));
    let whole = fs::read(&blob).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    let bad = [
        (Some(changed), "changed or cut short"),
        (Some(whole[..whole.len() - 20].to_vec()), "changed or cut short"),
        (Some(whole[..10].to_vec()), "changed or cut short"),
        (None, "neither on this worker host nor in the blob store"),
    ];
    for (bytes, why) in bad {
        match bytes {
            Some(bytes) => fs::write(&blob, bytes).unwrap(),
            None => fs::remove_file(&blob).unwrap(),
        }
        resume(&cluster, agent.id).await;
        let failed = |agent: &Agent| {
            let failure = agent.failure.as_ref();
            agent.pending.is_none() && failure.is_some_and(|f| f.message.contains(why))
        };
        let still = cluster.agent_until(agent.id, failed).await;
        assert_eq!(still.state, AgentState::Paused);
        assert!(cluster.provider("b").snapshots.lock().is_empty());
        assert!(cluster.provider("b").sandboxes.lock().is_empty());
    }
    fs::write(&blob, whole).unwrap();
    resume(&cluster, agent.id).await;
    cluster.agent_until(agent.id, is_idle).await;
    assert_eq!(read(&cluster, "b", agent.id).await, NOTE);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_termination_does_not_wait_for_an_upload() {
    let mut cluster = Cluster::new(LEASE).await;
    cluster.start_host("a").await;
    cluster.start_scheduler().await;
    let agent = cluster.agent().await;
    let provider = cluster.provider("a");
    provider.hold_exports.store(true, Ordering::SeqCst);
    cluster
        .ask(agent.id, AgentCommand::RequestPause { snapshot_id: snapshot(1), by_limit: false })
        .await;
    eventually("it is being stored", || !provider.paused.lock().is_empty()).await;
    terminate(&cluster, agent.id).await;
    assert!(provider.snapshots.lock().is_empty());
    assert!(!cluster.blob(snapshot(1)).exists());
    let history = cluster.history().await;
    assert!(!history.contains(&"agent.paused") && !history.contains(&"snapshot.created"));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_its_host_died_over_is_done_when_it_is_back() {
    let mut cluster = Cluster::new(Duration::from_secs(60)).await;
    cluster.start_host("a").await;
    cluster.start_scheduler().await;
    let agent = cluster.agent().await;
    write(&cluster, "a", agent.id, NOTE).await;
    let provider = cluster.provider("a");
    provider.hold_exports.store(true, Ordering::SeqCst);
    cluster
        .ask(agent.id, AgentCommand::RequestPause { snapshot_id: snapshot(1), by_limit: false })
        .await;
    eventually("it is being stored", || !provider.paused.lock().is_empty()).await;
    cluster.kill_host("a");
    provider.hold_exports.store(false, Ordering::SeqCst);
    cluster.start_host("a").await;
    cluster.agent_until(agent.id, |agent| agent.state == AgentState::Paused).await;
    assert!(cluster.blob(snapshot(1)).exists());
    let stream = StreamId::snapshot(scope(), snapshot(1));
    cluster.until::<Snapshot>(&stream, |snapshot| snapshot.deleted_at.is_none()).await;
    cluster.stop().await;
}
