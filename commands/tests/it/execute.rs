use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use theazo_commands::{AgentOptions, CommandError, Origin, Seed, now};
use theazo_domain::agent::{AgentCommand, AgentState};
use theazo_domain::pricing::Costs;
use theazo_domain::providers::ProviderKind;
use theazo_domain::session::{
    Limits, MaxCost, Need, Period, Reserve, RunNumber, Session, SessionPatch, Spent,
};
use theazo_domain::{Currency, Pico, Rejection, SessionId, StreamId};
use theazo_log::{EventLog, Position};

use crate::{World, scope, session};

const LOCAL: &[ProviderKind] = &[ProviderKind::Local];

fn keyed(key: &str) -> Origin {
    Origin::cli(scope(1)).seeded(Seed::of_key(scope(1), key))
}

#[tokio::test]
async fn a_repeated_key_finds_its_first_commit_also_in_another_process() {
    let world = World::new().await;
    let origin = keyed("k");
    let first = world.commander.create_session(&origin, session(&origin, "u")).await.unwrap();
    assert!(first.changed);
    let patch = SessionPatch {
        limits: Some(Limits { max_agents: Some(9), ..Limits::default() }),
        ..SessionPatch::default()
    };
    let cli = Origin::cli(scope(1));
    world.commander.update_session(&cli, first.state.id, patch).await.unwrap();
    let elsewhere = world.another_process().await;
    let again = elsewhere.create_session(&origin, session(&origin, "u")).await.unwrap();
    assert!(!again.changed);
    assert_eq!(again.position, first.position);
    assert_eq!(again.state, first.state, "the answer is the state as it was then");
}

/// An agent of `id`, which says that its models have cost a cent.
async fn a_cent_spent(world: &World, id: SessionId) -> Reserve {
    let origin = Origin::cli(scope(1));
    let agent_id = theazo_commands::agent::new_id(&origin);
    let options = AgentOptions::default();
    let spec = world.commander.resolve_agent(scope(1), id, options, LOCAL).await.unwrap();
    world.commander.create_agent(&origin, id, agent_id, spec).await.unwrap();
    let costs = Costs::on(now().day(), Pico::from_cents(1));
    let spent = Spent::Models { costs, run: RunNumber::default() };
    Reserve { agent_id, spent, need: Need::Nothing }
}

#[tokio::test]
async fn reservations_that_meet_are_one_commit() {
    let world = World::new().await;
    let origin = Origin::cli(scope(1));
    let mut create = session(&origin, "u");
    let max = MaxCost { amount: 100, currency: Currency::Usd, period: Period::Session };
    create.limits = Limits { max_cost: Some(max), max_agents: Some(20), ..Limits::default() };
    let id = world.commander.create_session(&origin, create).await.unwrap().state.id;
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(a_cent_spent(&world, id).await);
    }
    let made = futures::future::join_all(
        all.into_iter().map(|reserve| world.commander.reserve(&origin, id, reserve)),
    );
    let mut made: Vec<_> = made.await.into_iter().map(Result::unwrap).collect();
    let spent = made.iter().map(|done| done.state.budget.spent.total());
    assert_eq!(spent.max(), Some(Pico::from_cents(20)));
    made.dedup_by_key(|done| done.position);
    assert_eq!(made.len(), 2, "the first, and then all that had come meanwhile");
}

/// Who gives up is not made to reserve, and keeps nobody.
#[tokio::test]
async fn a_reservation_given_up_keeps_nobody() {
    let world = World::new().await;
    let origin = Origin::cli(scope(1));
    let id = world.commander.create_session(&origin, session(&origin, "u")).await.unwrap().state.id;
    let (first, gone, last) = (
        a_cent_spent(&world, id).await,
        a_cent_spent(&world, id).await,
        a_cent_spent(&world, id).await,
    );
    let mut reserving = Box::pin(world.commander.reserve(&origin, id, first));
    let mut given_up = Box::pin(world.commander.reserve(&origin, id, gone));
    // Under way, and waiting for its turn.
    assert!(futures::poll!(&mut reserving).is_pending());
    assert!(futures::poll!(&mut given_up).is_pending());
    let other = world.commander.reserve(&origin, id, last);
    drop(reserving);
    drop(given_up);
    let done = tokio::time::timeout(Duration::from_secs(30), other).await.unwrap().unwrap();
    // The first may have reached the log.
    assert!(done.state.budget.spent.total() <= Pico::from_cents(2));
}

#[tokio::test]
async fn racing_get_or_creates_make_one_session() {
    let world = World::new().await;
    let racers: Vec<_> = (0..32)
        .map(|_| {
            let commander = world.commander.clone();
            tokio::spawn(async move {
                let origin = Origin::cli(scope(1));
                let create = session(&origin, "user_1");
                commander.session_for_user(&origin, None, create, None).await.unwrap()
            })
        })
        .collect();
    let mut ids = std::collections::HashSet::new();
    let mut created = 0;
    for racer in racers {
        let done = racer.await.unwrap();
        created += usize::from(done.changed);
        ids.insert(done.state.id);
    }
    assert_eq!((ids.len(), created), (1, 1));
    let origin = Origin::cli(scope(1));
    let id = *ids.iter().next().unwrap();
    world.commander.end_session(&origin, id).await.unwrap();
    let create = session(&origin, "user_1");
    let next = world.commander.session_for_user(&origin, Some(id), create, None).await.unwrap();
    assert!(next.changed && next.state.id != id, "an ended session is followed by a new one");
}

#[tokio::test]
async fn racing_admissions_never_pass_max_agents() {
    let world = World::new().await;
    let origin = Origin::cli(scope(1));
    let mut create = session(&origin, "u");
    create.limits.max_agents = Some(5);
    let session = world.commander.create_session(&origin, create).await.unwrap().state.id;
    let racers: Vec<_> = (0..24)
        .map(|_| {
            let commander: Arc<_> = world.commander.clone();
            tokio::spawn(async move {
                let origin = Origin::cli(scope(1));
                let options = AgentOptions::default();
                let spec =
                    commander.resolve_agent(scope(1), session, options, LOCAL).await.unwrap();
                let id = theazo_commands::agent::new_id(&origin);
                commander.create_agent(&origin, session, id, spec).await
            })
        })
        .collect();
    let (mut made, mut refused) = (0, 0);
    for racer in racers {
        match racer.await.unwrap() {
            Ok(_) => made += 1,
            Err(CommandError::Rejected(Rejection::LimitExceeded(_))) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((made, refused), (5, 19));
}

#[tokio::test]
async fn a_rejection_by_a_stale_state_is_decided_again_on_the_logs() {
    let world = World::new().await;
    let origin = Origin::cli(scope(1));
    let elsewhere = world.another_process().await;
    let done = world.commander.create_session(&origin, session(&origin, "u")).await.unwrap();
    let id = done.state.id;
    let stream = StreamId::session(scope(1), id);
    elsewhere.load::<Session>(&stream).await.unwrap();
    let max = |n| SessionPatch {
        limits: Some(Limits { max_agents: Some(n), ..Limits::default() }),
        ..SessionPatch::default()
    };
    world.commander.update_session(&origin, id, max(0)).await.unwrap();
    let spec =
        world.commander.resolve_agent(scope(1), id, AgentOptions::default(), LOCAL).await.unwrap();
    let agent = || theazo_commands::agent::new_id(&origin);
    let refused = elsewhere.create_agent(&origin, id, agent(), spec.clone()).await;
    assert!(refused.is_err(), "an append on the stale state conflicts");
    world.commander.update_session(&origin, id, max(1)).await.unwrap();
    elsewhere.create_agent(&origin, id, agent(), spec).await.unwrap();
}

/// A worker sees a request in the log before this process's cache does.
#[tokio::test]
async fn a_command_that_changes_nothing_in_a_stale_state_is_decided_again_on_the_logs() {
    let world = World::new().await;
    let origin = Origin::cli(scope(1));
    let session = session(&origin, "u");
    let session = world.commander.create_session(&origin, session).await.unwrap().state.id;
    let options = AgentOptions::default();
    let spec = world.commander.resolve_agent(scope(1), session, options, LOCAL).await.unwrap();
    let id = theazo_commands::agent::new_id(&origin);
    world.commander.create_agent(&origin, session, id, spec).await.unwrap();
    let provisioned = AgentCommand::Provisioned { host: "h".to_owned() };
    world.commander.agent(&origin, id, &provisioned).await.unwrap();

    let snapshot_id = theazo_commands::agent::new_snapshot_id(&origin);
    let elsewhere = world.another_process().await;
    let request = AgentCommand::RequestPause { snapshot_id, by_limit: false };
    elsewhere.agent(&origin, id, &request).await.unwrap();
    let paused = AgentCommand::Paused { snapshot_id, size: 1 };
    let done = world.commander.agent(&origin, id, &paused).await.unwrap();
    assert!(done.changed);
    assert_eq!(done.state.state, AgentState::Paused);
}

#[tokio::test]
async fn another_tenants_id_is_not_there() {
    let world = World::new().await;
    let origin = Origin::cli(scope(1));
    let done = world.commander.create_session(&origin, session(&origin, "u")).await.unwrap();
    let foreign = Origin::cli(scope(2));
    let refused = world.commander.end_session(&foreign, done.state.id).await;
    assert!(matches!(refused, Err(CommandError::Rejected(Rejection::NotFound(_)))));
}

#[tokio::test]
async fn secrets_are_sealed_in_the_log_and_the_sessions_own_goes_first() {
    let world = World::new().await;
    let commander = &world.commander;
    let origin = Origin::cli(scope(1));
    let session = commander.create_session(&origin, session(&origin, "u")).await.unwrap().state.id;
    let value = |text: &str| SecretString::from(text);
    commander.set_secret(&origin, None, "A", &value("org-a")).await.unwrap();
    commander.set_secret(&origin, None, "B", &value("org-b")).await.unwrap();
    commander.set_secret(&origin, Some(session), "A", &value("mine-a")).await.unwrap();
    commander.set_secret(&origin, Some(session), "A", &value("mine-a2")).await.unwrap();
    let names = ["A", "B", "C"].map(str::to_owned);
    let seen = commander.reveal_secrets(scope(1), session, &names).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|(k, v)| (k.as_str(), v.expose_secret())).collect();
    assert_eq!(seen, [("A", "mine-a2"), ("B", "org-b")]);
    let commits = world.log.read(&Default::default(), Position::START, 100).await.unwrap();
    assert!(!format!("{commits:?}").contains("mine-a"));
    commander.delete_secret(&origin, Some(session), "A").await.unwrap();
    let seen = commander.reveal_secrets(scope(1), session, &names).await.unwrap();
    assert_eq!(seen["A"].expose_secret(), "org-a");
    let bad = commander.set_secret(&origin, None, "no spaces", &value("x")).await;
    assert!(matches!(bad, Err(CommandError::Rejected(Rejection::Invalid(_)))));
}
