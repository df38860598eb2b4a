use theazo_domain::agent::AgentCommand;
use theazo_domain::providers::ProviderKind;
use theazo_domain::snapshot::{Snapshot, SnapshotCommand};
use theazo_domain::{Actor, AgentId, ApiKeyId, Kind, SessionId, SnapshotId, StreamId, Timestamp};
use theazo_projections::{AuditEvent, AuditFilter, Page, Row};

use crate::place::{Store, on_both};
use crate::support::{World, live, uuid};

async fn audit(world: &World, filter: AuditFilter) -> Vec<Row<AuditEvent>> {
    world.reads.audit(live(1), filter, Page::first(1_000)).await.unwrap()
}

fn types(rows: &[Row<AuditEvent>]) -> Vec<&str> {
    rows.iter().map(|row| row.value.event_type.as_str()).collect()
}

/// Two sessions; the first has an agent that was paused, and a snapshot that was deleted.
async fn history(world: &mut World) -> (SessionId, AgentId) {
    let session_id = world.session(live(1), "ann").await;
    let agent_id = world.agent(live(1), session_id).await;
    world.tell_agent(live(1), agent_id, AgentCommand::Provisioned { host: "h".to_owned() }).await;
    let snapshot_id = SnapshotId::from_uuid(world.fresh());
    world
        .tell_agent(live(1), agent_id, AgentCommand::RequestPause { snapshot_id, by_limit: false })
        .await;
    world.tell_agent(live(1), agent_id, AgentCommand::Paused { snapshot_id, size: 1 }).await;
    // Later, by a projector that has none of it at hand.
    world.project().await;
    world.reopen().await;
    let stream = StreamId::snapshot(live(1), snapshot_id);
    let provider = ProviderKind::Local;
    let create = SnapshotCommand::Create { snapshot_id, session_id, agent_id, provider, size: 1 };
    world.command::<Snapshot>(stream.clone(), create).await;
    world.project().await;
    world.reopen().await;
    world.command::<Snapshot>(stream, SnapshotCommand::Delete).await;
    world.tell_agent(live(1), agent_id, AgentCommand::RequestResume { snapshot_id: None }).await;
    world.session(live(1), "ben").await;
    world.project().await;
    (session_id, agent_id)
}

on_both!(every_event_tells_its_session_agent_and_user);
async fn every_event_tells_its_session_agent_and_user(on: Store) {
    let mut world = World::new(on).await;
    let (session, agent) = history(&mut world).await;
    let rows = audit(&world, AuditFilter::default()).await;
    assert_eq!(
        types(&rows),
        [
            "session.created",
            "agent.resume_requested",
            "snapshot.deleted",
            "snapshot.created",
            "agent.paused",
            "agent.usage_recorded",
            "agent.pause_requested",
            "agent.provisioned",
            "agent.created",
            "session.agent_admitted",
            "session.created",
        ]
    );
    for row in &rows[1..] {
        let event = &row.value;
        assert_eq!(event.session_id, Some(session), "{event:?}");
        assert_eq!(event.user_id.as_deref(), Some("ann"), "{event:?}");
        let of_agent = event.event_type != "session.created";
        assert_eq!(event.agent_id, of_agent.then_some(agent), "{event:?}");
    }
    let paused = &rows[4].value;
    assert_eq!((paused.kind, paused.stream_key.as_str()), (Kind::Agent, &*agent.to_string()));
    assert_eq!((paused.ordinal, rows[5].value.ordinal), (1, 0));
    assert_eq!(paused.commit_id, rows[5].value.commit_id);
    assert_eq!(paused.actor, Actor::Key(ApiKeyId::from_uuid(uuid(7))));
    assert_eq!(rows[4].revision, paused.position);
    assert!(paused.data.get().contains("\"size\":1"), "{}", paused.data);
}

on_both!(each_filter_cuts_out_its_own);
async fn each_filter_cuts_out_its_own(on: Store) {
    let mut world = World::new(on).await;
    let (session, agent) = history(&mut world).await;
    let all = audit(&world, AuditFilter::default()).await;
    let other = || AuditFilter::default();
    let agree = async |filter: AuditFilter, fits: &dyn Fn(&AuditEvent) -> bool| {
        let expected: Vec<_> =
            all.iter().filter(|row| fits(&row.value)).map(|row| row.seq).collect();
        let rows = audit(&world, filter.clone()).await;
        assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), expected, "{filter:?}");
        assert!(expected.len() < all.len(), "{filter:?} leaves nothing out");
    };
    let middle = all[5].value.time;
    agree(AuditFilter { from: Some(middle), ..other() }, &|e| e.time >= middle).await;
    agree(AuditFilter { until: Some(middle), ..other() }, &|e| e.time < middle).await;
    let name = || "agent.paused".to_owned();
    agree(AuditFilter { event_type: Some(name()), ..other() }, &|e| e.event_type == name()).await;
    let id = Some(session);
    agree(AuditFilter { session_id: id, ..other() }, &|e| e.session_id == id).await;
    let id = Some(agent);
    agree(AuditFilter { agent_id: id, ..other() }, &|e| e.agent_id == id).await;
    let user = || Some("ben".to_owned());
    agree(AuditFilter { user_id: user(), ..other() }, &|e| e.user_id == user()).await;
    let request = all[3].value.request_id;
    assert!(request.is_some());
    agree(AuditFilter { request_id: request, ..other() }, &|e| e.request_id == request).await;
    agree(AuditFilter { task_id: Some("task_1".to_owned()), ..other() }, &|_| false).await;
    agree(AuditFilter { actor: Some("cli".to_owned()), ..other() }, &|_| false).await;
    let (session_id, agent_id) = (Some(session), Some(AgentId::from_uuid(uuid(99))));
    agree(AuditFilter { session_id, agent_id, ..other() }, &|_| false).await;
    agree(AuditFilter { agent_id, ..other() }, &|_| false).await;
    let from = Some(Timestamp::from_millis(i64::MAX));
    agree(AuditFilter { from, ..other() }, &|_| false).await;

    let actor = Some(Actor::Key(ApiKeyId::from_uuid(uuid(7))).to_string());
    assert_eq!(audit(&world, AuditFilter { actor, ..other() }).await.len(), all.len());
}

on_both!(pages_of_the_audit_join_without_gap_or_repeat);
async fn pages_of_the_audit_join_without_gap_or_repeat(on: Store) {
    let mut world = World::new(on).await;
    history(&mut world).await;
    let all = audit(&world, AuditFilter::default()).await;
    for limit in [1, 2, 5] {
        let mut page = Page::first(limit);
        let mut joined = Vec::new();
        loop {
            let rows = world.reads.audit(live(1), AuditFilter::default(), page).await.unwrap();
            let Some(last) = rows.last() else { break };
            page.before = Some(last.seq);
            joined.extend(rows.iter().map(|row| row.seq));
        }
        assert_eq!(joined, all.iter().map(|row| row.seq).collect::<Vec<_>>());
    }
}
