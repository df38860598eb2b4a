use theazo_domain::agent::AgentCommand;
use theazo_domain::pricing::ComputePrice;
use theazo_domain::session::{Session, SessionCommand};
use theazo_domain::task::{Entry, TaskAgent, TaskCommand};
use theazo_domain::{AgentId, Pico, SnapshotId, StreamId};
use theazo_projections::SessionUsage;

use crate::place::{Store, on_both};
use crate::runs::{failure, model_answer, model_call, own_agent, usage as model_usage};
use crate::support::{World, live};

async fn usage(world: &World, session: theazo_domain::SessionId) -> SessionUsage {
    world.project().await;
    world.reads.session(live(1), session).await.unwrap().unwrap().value.usage
}

on_both!(a_session_uses_what_its_agents_do);
async fn a_session_uses_what_its_agents_do(on: Store) {
    let mut world = World::new(on).await;
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
    world
        .tell_agent(live(1), first, AgentCommand::RequestPause { snapshot_id, by_limit: false })
        .await;
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
    let release = SessionCommand::ReleaseAgent { agent_id: second, spent: vec![], run_open: false };
    world.command::<Session>(StreamId::session(live(1), session), release).await;
    let total = ran + world.now().millis_since(second_since) - 7;
    world.pass_time(1_000_000);
    let now = usage(&world, session).await;
    assert_eq!((now.active_agents, now.compute_millis_at(world.now())), (1, total));
    assert!(now.open.is_empty());
}

on_both!(a_session_pays_for_the_model_calls_of_its_tasks);
/// Model calls count as they end, also those that broke, whoever the agent is and how it ended.
async fn a_session_pays_for_the_model_calls_of_its_tasks(on: Store) {
    let mut world = World::new(on).await;
    let session = world.session(live(1), "ann").await;
    let agent = world.agent(live(1), session).await;
    world.tell_agent(live(1), agent, AgentCommand::Provisioned { host: "h".to_owned() }).await;
    let task = world.submit(live(1), session, TaskAgent::Existing { agent_id: agent }).await;
    let own = AgentId::from_uuid(world.fresh());
    let other = world.submit(live(1), session, own_agent(own)).await;
    for task in [task, other] {
        let start = TaskCommand::Start { attempt: 1, worker: "w1".to_owned() };
        world.tell_task(live(1), task, start).await;
        world.report(live(1), task, vec![model_call()]).await;
    }
    world.tell_agent(live(1), agent, AgentCommand::StartRun { task_id: task }).await;
    assert_eq!(usage(&world, session).await.cost, Pico::ZERO);

    let now = world.now();
    let answer = model_answer(0, model_usage(30, now));
    world.report(live(1), task, vec![answer, model_call()]).await;
    let used = usage(&world, session).await;
    assert_eq!((used.cost, used.model_cost, used.unpriced), (Pico(30), Pico(30), false));
    assert_eq!((used.tokens.input, used.tokens.output), (100, 7));

    let broken = |step, usage| Entry::ModelCallFailed { step, failure: failure(), usage };
    let part = Some(model_usage(4, now));
    world.report(live(1), task, vec![broken(1, part), model_call()]).await;
    world.report(live(1), task, vec![broken(2, None), model_call()]).await;
    world.report(live(1), other, vec![model_answer(0, model_usage(0, now))]).await;
    let used = usage(&world, session).await;
    assert_eq!((used.cost, used.model_cost, used.unpriced), (Pico(34), Pico(34), true));
    assert_eq!((used.tokens.input, used.tokens.output), (300, 21));

    // The agent's own sum of its runs does not count again, and its compute comes on top.
    let ended = AgentCommand::EndRun {
        task_id: task,
        model_costs: theazo_domain::pricing::Costs::on(theazo_domain::Day::default(), Pico(34)),
    };
    world.tell_agent(live(1), agent, ended).await;
    world.pass_time(60_000);
    world.tell_agent(live(1), agent, AgentCommand::Completed).await;
    let last = usage(&world, session).await;
    let compute = ComputePrice::of("local").cost(last.compute_millis);
    assert!(last.compute_millis > 60_000 && last.open.is_empty());
    assert_eq!((last.cost, last.model_cost), (compute + Pico(34), Pico(34)));
    assert_eq!(last.cost_at(world.now()), last.cost);
}

on_both!(a_recovered_agent_is_billed_anew);
/// Its server died and came back: the time in between costs nothing.
async fn a_recovered_agent_is_billed_anew(on: Store) {
    let mut world = World::new(on).await;
    let session = world.session(live(1), "ann").await;
    let agent = world.agent(live(1), session).await;
    world.tell_agent(live(1), agent, AgentCommand::Provisioned { host: "h".to_owned() }).await;
    let since = world.now();
    world.pass_time(1_000);
    let lost_at = world.now();
    world.pass_time(500_000);
    let recovered = AgentCommand::Recovered { host: "h".to_owned(), lost_at: Some(lost_at) };
    world.tell_agent(live(1), agent, recovered).await;
    let now = usage(&world, session).await;
    assert_eq!(now.compute_millis, lost_at.millis_since(since));
    assert_eq!(now.open[&agent].since, world.now());
}
