use theazo_domain::agent::AgentCommand;
use theazo_domain::pricing::ComputePrice;
use theazo_domain::session::{Session, SessionCommand};
use theazo_domain::{Pico, SnapshotId, StreamId};
use theazo_projections::SessionUsage;

use crate::support::{World, live};

async fn usage(world: &World, session: theazo_domain::SessionId) -> SessionUsage {
    world.project().await;
    world.reads.session(live(1), session).await.unwrap().unwrap().value.usage
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_uses_what_its_agents_do() {
    let mut world = World::new().await;
    let session = world.session(live(1), "ann").await;
    assert_eq!(usage(&world, session).await, SessionUsage::default());

    let host = || "h".to_owned();
    let first = world.agent(live(1), session).await;
    let second = world.agent(live(1), session).await;
    let provisioned = AgentCommand::Provisioned { host: host() };
    world.tell_agent(live(1), first, provisioned.clone()).await;
    let since = world.now();
    world.pass_time(60_000);
    let price = ComputePrice::of("local");
    let now = usage(&world, session).await;
    assert_eq!((now.active_agents, now.cost, now.compute_millis), (2, Pico::ZERO, 0));
    assert_eq!(now.open[&first].since, since);
    assert_eq!(now.compute_millis_at(world.now()), 60_000);
    assert_eq!(now.cost_at(world.now()), price.cost(60_000));
    assert_eq!(now.cost_at(world.now()).to_cents(), 5);

    world.tell_agent(live(1), second, provisioned).await;
    let second_since = world.now();
    let snapshot_id = SnapshotId::from_uuid(world.fresh());
    world.tell_agent(live(1), first, AgentCommand::RequestPause { snapshot_id }).await;
    world.tell_agent(live(1), first, AgentCommand::Paused { snapshot_id, size: 1 }).await;
    let ran = world.now().millis_since(since);
    world.pass_time(1_000_000);
    let now = usage(&world, session).await;
    // The paused one costs nothing any more.
    assert_eq!((now.compute_millis, now.cost), (ran, price.cost(ran)));
    let open = world.now().millis_since(second_since);
    assert_eq!(now.compute_millis_at(world.now()), ran + open);
    assert_eq!(now.cost_at(world.now()), price.cost(ran) + price.cost(open));

    world.tell_agent(live(1), second, AgentCommand::Terminated).await;
    let release = SessionCommand::ReleaseAgent { agent_id: second };
    world.command::<Session>(StreamId::session(live(1), session), release).await;
    let total = ran + world.now().millis_since(second_since) - 7;
    world.pass_time(1_000_000);
    let now = usage(&world, session).await;
    assert_eq!((now.active_agents, now.compute_millis_at(world.now())), (1, total));
    assert!(now.open.is_empty());
}
