//! Several worker hosts and their scheduler, over one log and one bus.

use std::sync::Arc;
use std::time::Duration;

use theazo_domain::StreamId;
use theazo_domain::agent::{Agent, AgentCommand, AgentState};
use theazo_domain::execution::{Execution, Outcome};
use theazo_domain::session::Session;
use theazo_providers::SandboxId;

use crate::cluster::Cluster;
use crate::world::{PATIENCE, execution, scope};

/// Long enough that a busy machine's host is not lost by mistake.
const LEASE: Duration = Duration::from_secs(4);

pub async fn eventually(what: &str, reached: impl Fn() -> bool) {
    let waiting = async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what}: never"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_agent_is_on_one_host_and_all_hosts_have_some() {
    let mut cluster = Cluster::new(LEASE).await;
    for name in ["a", "b", "c"] {
        cluster.start_host(name).await;
    }
    cluster.start_scheduler().await;
    let mut homes = Vec::new();
    for _ in 0..9 {
        let agent = cluster.agent().await;
        let home = agent.host.clone().unwrap();
        for host in ["a", "b", "c"] {
            let has =
                cluster.provider(host).sandboxes.lock().contains_key(&SandboxId::of(agent.id));
            assert_eq!(has, host == home, "{} on {host}", agent.id);
        }
        cluster.exec(&home, agent.id, 0, "x").await.unwrap();
        homes.push(home);
    }
    homes.sort();
    assert_eq!(homes.chunk_by(|a, b| a == b).map(<[_]>::len).collect::<Vec<_>>(), [3, 3, 3]);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_wait_for_a_host_and_for_a_scheduler() {
    let mut cluster = Cluster::new(LEASE).await;
    let session = cluster.session().await;
    let early = cluster.create(session).await;
    cluster.start_scheduler().await;
    let late = cluster.create(session).await;
    assert_eq!(cluster.load(early).await.host, None);
    cluster.start_host("a").await;
    for id in [early, late] {
        cluster.agent_until(id, |agent| agent.state == AgentState::Idle).await;
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_gone_takes_its_agents_with_it_and_says_so() {
    let mut cluster = Cluster::new(LEASE).await;
    cluster.start_host("a").await;
    cluster.start_scheduler().await;
    let lost = cluster.agent().await;
    let mut running = cluster.provider("a").running.subscribe();
    let (gateway, id) = (cluster.gateway("a"), lost.id);
    let exec = tokio::spawn(async move { gateway.wait(id, 1).await });
    running.wait_for(|n| *n == 1).await.unwrap();
    cluster.kill_host("a");
    exec.abort();
    cluster.start_host("b").await;
    let failed = cluster.agent_until(lost.id, |agent| agent.state == AgentState::Failed).await;
    let message = &failed.failure.as_ref().unwrap().message;
    assert!(message.contains("worker host `a`"), "{message}");
    let stream = StreamId::execution(scope(), execution(1));
    let settled = |execution: &Execution| !matches!(execution.outcome, Outcome::Running);
    let unknown = cluster.until::<Execution>(&stream, settled).await;
    assert!(matches!(&unknown.outcome, Outcome::Failed { failure }
        if failure.message.contains("not known")));
    let stream = StreamId::session(scope(), lost.session_id);
    cluster.until::<Session>(&stream, |session| session.agents.is_empty()).await;
    assert_eq!(cluster.agent().await.host.as_deref(), Some("b"), "work goes on elsewhere");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_back_within_its_lease_has_lost_nothing() {
    let mut cluster = Cluster::new(Duration::from_secs(60)).await;
    cluster.start_host("a").await;
    cluster.start_scheduler().await;
    let agent = cluster.agent().await;
    cluster.kill_host("a");
    cluster.start_host("a").await;
    let kept = cluster.agent_until(agent.id, |now| now.spans == 1).await;
    assert_eq!((kept.state, kept.host.as_deref()), (AgentState::Idle, Some("a")));
    cluster.exec("a", agent.id, 2, "x").await.unwrap();
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_was_given_up_and_comes_back_is_cleaned_of_what_is_not_its_own() {
    let mut cluster = Cluster::new(LEASE).await;
    cluster.start_host("a").await;
    cluster.start_host("b").await;
    cluster.start_scheduler().await;
    let agent = cluster.agent().await;
    let home = agent.host.clone().unwrap();
    cluster.cut_off(&home, true);
    cluster.agent_until(agent.id, |agent| agent.state == AgentState::Failed).await;
    cluster.cut_off(&home, false);
    let provider = cluster.provider(&home);
    eventually("its sandbox is gone", || provider.sandboxes.lock().is_empty()).await;
    let refused = cluster.exec(&home, agent.id, 3, "x").await;
    assert!(refused.is_err(), "{refused:?}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_scheduler_takes_over_from_another() {
    let mut cluster = Cluster::new(LEASE).await;
    cluster.start_host("a").await;
    cluster.start_scheduler().await;
    cluster.agent().await;
    cluster.stop_scheduler().await;
    let session = cluster.session().await;
    let orphan = cluster.create(session).await;
    cluster.start_scheduler().await;
    // Two at once are harmless.
    cluster.start_scheduler().await;
    cluster.agent_until(orphan, |agent| agent.state == AgentState::Idle).await;
    for _ in 0..5 {
        cluster.agent().await;
    }
    let made = cluster.provider("a").sandboxes.lock().len();
    assert_eq!(made, 7, "each was made once");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_never_got_a_host_can_end() {
    let mut cluster = Cluster::new(LEASE).await;
    let session = cluster.session().await;
    let agent = cluster.create(session).await;
    let reason = "nobody needs it".to_owned();
    cluster.ask(agent, AgentCommand::RequestTerminate { reason }).await;
    cluster.start_scheduler().await;
    cluster.start_host("a").await;
    cluster.agent_until(agent, |agent: &Agent| agent.state == AgentState::Terminated).await;
    let stream = StreamId::session(scope(), session);
    cluster.until::<Session>(&stream, |session| session.agents.is_empty()).await;
    assert!(cluster.provider("a").sandboxes.lock().is_empty());
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_ends_its_agents_wherever_they_are() {
    let mut cluster = Cluster::new(LEASE).await;
    for name in ["a", "b"] {
        cluster.start_host(name).await;
    }
    cluster.start_scheduler().await;
    let session = cluster.session().await;
    let mut agents = Vec::new();
    for _ in 0..4 {
        agents.push(cluster.create(session).await);
    }
    for id in &agents {
        cluster.agent_until(*id, |agent| agent.state == AgentState::Idle).await;
    }
    cluster.end(session).await;
    for id in &agents {
        cluster.agent_until(*id, |agent| agent.state == AgentState::Terminated).await;
    }
    let providers: Vec<Arc<_>> = ["a", "b"].map(|name| cluster.provider(name)).into();
    let left = || providers.iter().map(|provider| provider.sandboxes.lock().len()).sum::<usize>();
    eventually("no sandbox is left", || left() == 0).await;
    cluster.stop().await;
}
